"""What a thread is as a file to keep."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jupyter_chat_sessions.chats import export
from jupyter_chat_sessions.chats.export import exported
from jupyter_chat_sessions.core.conversation import begin
from jupyter_chat_sessions.core.decoding import decode
from jupyter_chat_sessions.core.ids import parse_thread_id
from jupyter_chat_sessions.core.transcript import Header

THREAD = parse_thread_id("0d9d0c6e-6a3c-4d0e-9d5b-3f1f0c7f7b11")
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
DRAWING = '<svg xmlns="http://www.w3.org/2000/svg"/>'


def drawn(path: Any, media_type: str) -> dict[str, Any]:
    """A figure as a transcript has it: its words, and the file it became."""
    return {
        "artifacts": [{"path": path, "size": 1, "media_type": media_type}],
        "outputs": [
            {"output_type": "display_data", "data": {"text/plain": "<Figure>"}, "metadata": {"artifact": path}}
        ],
    }


def output_of(record: dict[str, Any], files: Path) -> Any:
    """The output, in the exported notebook, of a call that has drawn something."""
    function = {"name": "run_python", "arguments": '{"code": "plt.plot()"}'}
    messages = [
        {"id": "q", "role": "user", "content": "draw"},
        {"id": "a", "role": "assistant", "toolCalls": [{"id": "c", "type": "function", "function": function}]},
        {"id": "r", "role": "tool", "toolCallId": "c", "content": "[image]", "metadata": {"jupyter": record}},
    ]
    written = [
        {"type": "message", "schema_version": 1, "seq": seq, "created": "2026-01-01T00:00:00Z", "message": each}
        for seq, each in enumerate(messages, 1)
    ]
    lines = [line for each in written for line in decode(json.dumps(each).encode(), THREAD)]
    assert len(lines) == 3
    header = Header(THREAD, "2026-01-01T00:00:00Z")
    file = exported("ipynb", begin(THREAD, header, lines), lines, files)
    notebook = nbformat.reads(file.content.decode(), as_version=4)
    nbformat.validate(notebook)
    return next(cell for cell in notebook.cells if cell.cell_type == "code").outputs[0]


def test_an_exported_notebook_brings_its_pictures(tmp_path: Path) -> None:
    (tmp_path / "plot-1.png").write_bytes(PIXEL)
    (tmp_path / "drawing.svg").write_text(DRAWING)
    assert base64.b64decode(output_of(drawn("plot-1.png", "image/png"), tmp_path).data["image/png"]) == PIXEL
    assert output_of(drawn("drawing.svg", "image/svg+xml"), tmp_path).data["image/svg+xml"] == DRAWING


@pytest.mark.parametrize(
    "record",
    [
        drawn("gone.png", "image/png"),
        drawn("../outside.png", "image/png"),
        drawn("plot-1.png", "text/html"),
        drawn(["plot-1.png"], "image/png"),
    ],
    ids=["gone", "outside", "no picture", "edited by hand"],
)
def test_what_is_no_picture_of_the_thread_is_left_out_and_the_rest_is_exported(
    record: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "outside.png").write_bytes(PIXEL)
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "plot-1.png").write_bytes(PIXEL)
    assert output_of(record, tmp_path / "files").data == {"text/plain": "<Figure>"}


def test_pictures_come_along_only_while_there_is_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plot-1.png").write_bytes(PIXEL)
    for room, kinds in ((len(PIXEL), {"text/plain", "image/png"}), (len(PIXEL) - 1, {"text/plain"})):
        monkeypatch.setattr(export, "MOST_PICTURE_BYTES", room)
        assert set(output_of(drawn("plot-1.png", "image/png"), tmp_path).data) == kinds
