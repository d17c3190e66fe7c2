"""`%chat` where a notebook is run by a program: nbconvert and papermill."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

pytestmark = pytest.mark.slow

CELLS = (
    "%load_ext jupyter_chat_sessions",
    "%%chat -o sums\nprint(6 * 7)\nopen('kept.txt', 'w').write('kept')",
    "assert sums.outcome == 'success', sums\nprint('got', sums.text.split()[0], sums.artifacts[0].read())",
    "%chat where",
)


def notebook(path: Path) -> None:
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)


def run(tmp_path: Path, *command: str) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("program", ["nbconvert", "papermill"])
def test_a_program_that_runs_a_notebook_gets_its_chat_in_the_outputs(tmp_path: Path, program: str) -> None:
    pytest.importorskip(program)
    notebook(tmp_path / "a.ipynb")
    if program == "nbconvert":
        run(tmp_path, "nbconvert", "--to", "notebook", "--execute", "a.ipynb", "--output", "b.ipynb")
        run(tmp_path, "nbconvert", "--to", "html", "b.ipynb")
        assert "42" in (tmp_path / "b.html").read_text()
    else:
        run(tmp_path, "papermill", "a.ipynb", "b.ipynb", "-k", "python3")
    cells: list[Any] = nbformat.read(tmp_path / "b.ipynb", as_version=4).cells[-len(CELLS) :]
    (shown,) = cells[1].outputs
    assert "```text\n42" in shown.data["text/markdown"]
    assert cells[2].outputs[0].text == "got 42 b'kept'\n"
    assert "this process, in" in cells[3].outputs[0].data["text/markdown"]
    assert len(list(tmp_path.glob(".chats/*/chat.jsonl"))) == 1
