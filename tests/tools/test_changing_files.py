"""Tools that write, change, search and show what lies in the chat's folder, over real files and a real kernel."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_chat_sessions.core.roles import ToolCall, ToolContext, ToolResult
from jupyter_chat_sessions.tools import ToolBox
from jupyter_chat_sessions.tools.difference import difference

pytestmark = pytest.mark.asyncio(loop_scope="module")

Use = Callable[..., Awaitable[ToolResult]]


async def shown(box: ToolBox, here: ToolContext, name: str, **arguments: Any) -> Any:
    return await box.preview(ToolCall("c", name, arguments), here)


async def test_a_file_is_written_with_the_folders_to_it_and_never_over_another_unless_told(
    use: Use, folder: Path
) -> None:
    made = await use("write_file", path="notes/a.txt", content="one\n")
    assert (made.error, (folder / "notes/a.txt").read_text()) == (None, "one\n")
    assert made.metadata["artifacts"] == [{"path": "notes/a.txt", "size": 4, "media_type": "text/plain"}]
    again = await use("write_file", path="notes/a.txt", content="two\n")
    assert "already" in str(again.error)
    assert (folder / "notes/a.txt").read_text() == "one\n"
    await use("write_file", path="notes/a.txt", content="more\n", mode="append")
    assert (folder / "notes/a.txt").read_text() == "one\nmore\n"
    await use("write_file", path="notes/a.txt", content="new", mode="overwrite")
    assert (folder / "notes/a.txt").read_text() == "new"
    assert os.listdir(folder / "notes") == ["a.txt"]


@pytest.mark.parametrize("path", ["../out.txt", "/tmp/out.txt", "out/x.txt", "linked.txt", "", "."])
async def test_nothing_is_written_outside_the_folder_whatever_the_path_or_a_link_says(
    use: Use, folder: Path, tmp_path: Path, path: str
) -> None:
    target = tmp_path / "secret.txt"
    target.write_text("theirs")
    for link, to in ((folder / "out", tmp_path), (folder / "linked.txt", target)):
        if not link.is_symlink():
            os.symlink(to, link)
    for mode in ("create", "append"):
        assert (await use("write_file", path=path, content="mine", mode=mode)).error is not None
    await use("write_file", path=path, content="mine", mode="overwrite")  # may take a link's place, never its target's
    assert target.read_text() == "theirs"
    assert sorted(os.listdir(tmp_path)) == ["secret.txt"]
    for name in ("out", "linked.txt"):
        (folder / name).unlink()


async def test_a_passage_is_replaced_only_where_it_is_found_as_often_as_was_said(use: Use, folder: Path) -> None:
    (folder / "code.py").write_text("x = 1\r\ny = 1\r\n")
    twice = await use("edit_file", path="code.py", old="= 1", new="= 2")
    assert "occurs 2 times" in twice.content
    assert "occurs 0 times" in (await use("edit_file", path="code.py", old="z", new="")).content
    assert (folder / "code.py").read_bytes() == b"x = 1\r\ny = 1\r\n"
    done = await use("edit_file", path="code.py", old="= 1", new="= 2", count=2)
    assert (done.error, (folder / "code.py").read_bytes()) == (None, b"x = 2\r\ny = 2\r\n")
    assert done.metadata["diff"].splitlines() == ["-x = 1", "-y = 1", "+x = 2", "+y = 2"]
    (folder / "blob.bin").write_bytes(b"\xff\xfe")
    assert "not UTF-8" in (await use("edit_file", path="blob.bin", old="a", new="b")).content


async def test_a_person_is_shown_what_would_change_and_not_asked_for_what_cannot(
    box: ToolBox, here: ToolContext, folder: Path
) -> None:
    (folder / "plan.txt").write_text("a\nb\nc\n")
    change = await shown(box, here, "edit_file", path="plan.txt", old="b", new="B")
    assert change == {"path": "plan.txt", "diff": " a\n-b\n+B\n c"}
    assert (await shown(box, here, "write_file", path="fresh.txt", content="hi"))["diff"] == "+hi"
    refused = await shown(box, here, "edit_file", path="plan.txt", old="q", new="B")
    assert isinstance(refused, ToolResult)
    assert isinstance(await shown(box, here, "edit_file", path="plan.txt"), ToolResult)


async def test_lines_are_found_by_text_and_by_pattern_and_links_are_not_followed(
    use: Use, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.txt").write_text("needle outside")
    (folder / "deep").mkdir()
    (folder / "deep/a.md").write_text("hay\nneedle (1)\n")
    (folder / "b.txt").write_text("needle (2)\n")
    os.symlink(tmp_path / "out.txt", folder / "leak.txt")
    assert (await use("search_files", query="needle (")).content == "b.txt:1: needle (2)\ndeep/a.md:2: needle (1)"
    assert (await use("search_files", query=r"\(\d\)$", regex=True, glob="*.md")).content == "deep/a.md:2: needle (1)"
    assert "1 more" in (await use("search_files", query="needle", max=1)).content
    assert "no matches" in (await use("search_files", query="nowhere")).content
    assert "error" in str((await use("search_files", query="(", regex=True)).error).lower()


async def test_an_image_a_table_and_a_page_are_shown_and_other_files_become_a_link(use: Use, folder: Path) -> None:
    (folder / "plot.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    image = (await use("show", path="plot.png", title="My plot")).metadata
    assert image["outputs"][0]["metadata"] == {"artifact": "plot.png"}
    assert image["artifacts"][0]["media_type"] == "image/png"
    (folder / "t.csv").write_text("name,n\n<script>,1\n" + "x,2\n" * 200)
    page = (await use("show", path="t.csv")).metadata["outputs"][0]["data"]["text/html"]
    assert "<th>name</th>" in page
    assert "&lt;script&gt;" in page
    assert "The first 50 rows" in page
    (folder / "data.bin").write_bytes(b"\0\1")
    other = await use("show", path="data.bin")
    assert other.metadata["outputs"][0]["data"] == {"text/plain": "data.bin"}
    assert (await use("show", path="../chat.jsonl")).error is not None


async def test_one_variable_is_looked_at_closely_and_not_copied_whole(use: Use) -> None:
    await use("run_python", code="import pandas as pd\nframe = pd.DataFrame({'a': range(10**5)})\ntext = 'x' * 10**6")
    told = (await use("inspect_variable", name="frame", max_rows=3)).content
    assert "size: 100000x1" in told
    assert "columns: a int64" in told
    assert "99999" not in told
    assert len((await use("inspect_variable", name="text")).content) < 3000
    assert "no variable named nothing" in (await use("inspect_variable", name="nothing")).content
    assert (await use("inspect_variable", name="frame.drop()")).error is not None


async def test_what_a_change_changes_is_told_in_few_lines_however_long_the_text() -> None:
    old = "\n".join(map(str, range(20_000)))
    assert difference(old, old.replace("\n9000\n", "\nnine\n")).splitlines() == [
        " 8997", " 8998", " 8999", "-9000", "+nine", " 9001", " 9002", " 9003",
    ]  # fmt: skip
    assert difference("a", "a") == ""
    assert difference("a\n", "a") == "+[only line ends differ]"
    assert len(difference(old, old.replace("1", "2")).splitlines()) <= 301
