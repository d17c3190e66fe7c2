"""The built-in tools over real kernels and real files."""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from jupyter_chat_sessions.core.ids import new_run_id, new_thread_id
from jupyter_chat_sessions.core.roles import ToolCall, ToolContext, ToolResult
from jupyter_chat_sessions.sandbox import SandboxRunner
from jupyter_chat_sessions.tools import ToolBox

pytestmark = pytest.mark.asyncio(loop_scope="module")

Use = Callable[..., Awaitable[ToolResult]]


def sleeping(nap: str) -> list[str]:
    """The processes that sleep that long."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                arguments = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if arguments[:2] == [b"sleep", nap.encode()]:
                found.append(folder.name)
    return found


async def eventually(condition: Callable[[], bool], within_s: float = 30.0) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


async def test_a_file_touched_by_one_command_is_listed_by_the_next(use: Use, folder: Path) -> None:
    assert (await use("run_shell", command="touch tmp.txt")).error is None
    assert (await use("run_shell", command="ls")).content == "tmp.txt"
    assert (await use("list_files")).content == "tmp.txt  0"
    assert [path.name for path in folder.parent.parent.glob("**/tmp.txt")] == ["tmp.txt"]


async def test_code_and_commands_share_a_folder_but_not_variables_with_other_chats(use: Use) -> None:
    other = ToolContext(new_thread_id(), new_run_id())
    await use("run_python", code="x = 1")
    assert (await use("run_python", code="x")).content == "1"
    assert "NameError" in str((await use("run_python", other, code="x")).error)
    assert (await use("list_files", other)).content == "(no files)"


async def test_a_command_that_fails_tells_its_output_and_exit_code(use: Use) -> None:
    result = await use("run_shell", command="echo out; echo err >&2; exit 3")
    assert (result.error, result.metadata["exit_code"]) == ("exit code 3", 3)
    assert result.content == "out\nerr\n[exit code 3]"
    assert (await use("run_shell", command="printf 'ü%.0s' $(seq 3)")).content == "üüü"


async def test_a_command_leaves_no_trace_among_the_variables(use: Use, box: ToolBox, here: ToolContext) -> None:
    await use("run_python", code="before = set(globals())")
    await use("run_shell", command="true")
    await use("list_variables")
    # IPython itself keeps what was typed, as _i, _i1, _i2 …
    seen = await use("run_python", code="print({n for n in set(globals()) - before if n[:2] != '_i'})")
    assert seen.content == "{'before'}"
    assert here.thread_id is not None
    assert "process" not in box.names(here.thread_id)


async def test_a_job_in_the_background_does_not_hold_its_command_up_and_lives_on(use: Use) -> None:
    nap = f"987.{uuid.uuid4().int % 10**9:09d}"
    began = time.monotonic()
    assert (await use("run_shell", command=f"(sleep {nap}; echo late) & echo now")).content == "now"
    assert time.monotonic() - began < 300, "it waited for the job"
    assert await eventually(lambda: len(sleeping(nap)) == 1)
    await use("restart_kernel")
    assert await eventually(lambda: sleeping(nap) == [])


async def test_cancelling_a_command_leaves_none_of_its_processes_after_a_second(
    use: Use, box: ToolBox, here: ToolContext
) -> None:
    nap = f"987.{uuid.uuid4().int % 10**9:09d}"
    await use("run_python", code="kept = 5")
    command = f"setsid sleep {nap} & nohup sleep {nap} >/dev/null & sleep {nap} & sleep {nap}"
    events = box.call(ToolCall("c", "run_shell", {"command": command}), here)
    call = asyncio.create_task(anext(events))
    assert await eventually(lambda: len(sleeping(nap)) == 4)
    began = time.monotonic()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await events.aclose()
    assert await eventually(lambda: sleeping(nap) == [])
    assert time.monotonic() - began < 5  # one second, and what a busy machine adds
    assert (await use("run_python", code="kept")).content == "5"


async def test_a_command_that_is_out_of_time_still_offers_what_it_wrote(use: Use) -> None:
    result = await use("run_shell", command="printf x>r.csv; sleep 999", timeout_s=1)
    assert result.error == "timed out after 1 s"
    assert {"path": "r.csv", "size": 1, "media_type": "text/csv"} in result.metadata["artifacts"]


async def test_a_call_without_a_chat_runs_in_a_folder_of_its_own(use: Use) -> None:
    nobody = ToolContext(None, new_run_id())
    told = (await use("run_shell", nobody, command="pwd; ls .. 2>&1; touch mine.txt")).content.split("\n")
    assert told[0].endswith(f"/_default/{nobody.run_id}/files")
    assert told[1:] == ["files"] or "denied" in told[1]  # it may see no more than its own; under Landlock not even that
    assert (await use("list_files", nobody)).content == "mine.txt  0"
    assert (await use("list_files", ToolContext(None, new_run_id()))).content == "(no files)"
    assert "none to restart" in (await use("restart_kernel", nobody)).content


async def test_variables_are_listed_with_type_size_and_a_glimpse(use: Use) -> None:
    await use("restart_kernel")
    await use(
        "run_python",
        code="import math\n"
        "class Angry:\n    def __repr__(self): raise ValueError\n    def __len__(self): raise ValueError\n"
        "text, many, angry, list = 'x' * 500, dict.fromkeys(range(99)), Angry(), 3\n"
        "class Frame: shape = (3, 2); columns = ['a', 'b']\n"
        "frame = Frame()",
    )
    told = {line.split(" | ")[0]: line for line in (await use("list_variables")).content.split("\n")}
    assert set(told) == {"Angry", "text", "many", "angry", "list", "Frame", "frame"}
    assert told["many"] == "many | dict | 99 | {0: None, 1: None, 2: None, 3: None, ...}"
    assert told["angry"].startswith("angry | Angry |  | ")
    assert told["frame"] == "frame | Frame | 3x2 | columns a, b"
    assert len(told["text"]) < 120
    assert (await use("list_variables", limit=2)).content.endswith("... and 5 more")


async def test_a_restart_forgets_variables_and_says_so_at_the_next_call(use: Use) -> None:
    await use("run_python", code="gone = 1")
    assert "Variables are gone" in (await use("restart_kernel")).content
    result = await use("run_python", code="gone")
    assert result.error == "NameError: name 'gone' is not defined"
    assert result.content.startswith("[New Python process: it was restarted on request.")


async def test_files_are_listed_by_folder_or_by_pattern(use: Use, folder: Path) -> None:
    (folder / "data" / "raw").mkdir(parents=True)
    (folder / "data" / "a.csv").write_text("1,2")
    (folder / "data" / "raw" / "b.csv").write_text("1")
    (folder / "data" / ".hidden").touch()
    (folder / "data" / "etc").symlink_to("/etc")
    assert (await use("list_files", path="data")).content == "a.csv  3\nraw/"
    assert (await use("list_files", path="data", glob="*.csv")).content == "a.csv  3\nraw/b.csv  1"
    assert (await use("list_files", path="data", glob="*.csv", max=1)).content == "a.csv  3\n… and 1 more"
    assert (await use("list_files", path="data/etc")).error is not None
    assert "There is no 'nope'" in (await use("list_files", path="nope", glob="*")).content


async def test_a_text_file_is_read_from_any_line(use: Use, folder: Path) -> None:
    (folder / "lines.txt").write_text("".join(f"line {n}\n" for n in range(1, 1001)))
    assert (await use("read_file", path="lines.txt", offset_line=2, limit_lines=2)).content == (
        "line 2\nline 3\n[More follows: go on with offset_line=4.]"
    )
    assert (await use("read_file", path="lines.txt", offset_line=1000)).content == "line 1000\n"
    assert "only 1000 lines" in (await use("read_file", path="lines.txt", offset_line=2000)).content


async def test_a_long_file_is_read_in_parts_that_join_without_a_gap(use: Use, folder: Path) -> None:
    text = "".join(f"{n} {'y' * (n % 90)}\n" for n in range(1500))
    (folder / "long.txt").write_text(text)
    read, line = "", 1
    for _ in range(20):
        part = (await use("read_file", path="long.txt", offset_line=line, limit_lines=5000)).content
        assert len(part) <= 16_000
        body, _, more = part.partition("[More follows: go on with offset_line=")
        read += body
        if not more:
            break
        line = int(more.split(".")[0])
    assert read == text


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.txt", b"", "(the file is empty)"),
        ("image.png", b"\x89PNG\0\0", "binary file of 6 bytes"),
        ("latin.txt", b"caf\xe9\n", "caf\ufffd\n"),
        ("one-line.json", b"[" + b"1," * 50_000, "Line 1 is longer than can be shown"),
    ],
)
async def test_an_odd_file_is_told_for_what_it_is(
    use: Use, folder: Path, name: str, content: bytes, words: str
) -> None:
    (folder / name).write_bytes(content)
    result = await use("read_file", path=name)
    assert words in result.content
    assert len(result.content) <= 16_000


async def test_a_long_output_can_be_read_on_where_the_result_says(use: Use) -> None:
    content = (await use("run_shell", command="seq 20000")).content
    path = next(word for word in content.replace("]", " ").split() if word.startswith(".outputs/"))
    assert (await use("read_file", path=path, offset_line=10_000, limit_lines=1)).content.startswith("10000\n")


async def test_files_outside_the_folder_are_never_read(use: Use, sandbox: SandboxRunner, folder: Path) -> None:
    (folder / "passwd").symlink_to("/etc/passwd")
    for path in ("/etc/passwd", "../../../etc/passwd", "passwd"):
        result = await use("read_file", path=path)
        assert result.error is not None
        assert "root:" not in result.content
    thread_id = new_thread_id()
    stolen = sandbox.folder(ToolContext(thread_id, new_run_id()))
    os.rmdir(stolen)
    stolen.symlink_to("/etc")
    result = await use("read_file", ToolContext(thread_id, new_run_id()), path="passwd")
    assert "symbolic link" in str(result.error)
