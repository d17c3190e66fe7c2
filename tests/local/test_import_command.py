"""`jupyter chat-sessions import`: chats of other programs, from a terminal."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_chat_sessions import command

SAID = [{"role": "user", "content": "What is this?"}, {"role": "assistant", "content": "A plot."}]


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """No loop of pytest-jupyter's: the command has one of its own."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """No server in this process to clean up after."""


def threads(root: Path) -> list[Path]:
    return sorted(root.glob(".chats/*/chat.jsonl"))


def test_each_file_becomes_a_thread_once_and_what_is_none_is_named_without_stopping_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.json").write_text(json.dumps(SAID))
    (tmp_path / "odd.json").write_text("{")
    (tmp_path / "two.json").write_text(json.dumps({"messages": SAID, "title": "Plots"}))
    (tmp_path / "work").mkdir()
    names = ("one.json", "odd.json", "not there.json", "two.json")
    files = [str(tmp_path / each) for each in names]
    assert command.main(["import", *files, "--notebook-dir", str(tmp_path / "work")]) == 1
    told = capsys.readouterr()
    assert len(threads(tmp_path / "work")) == 2
    assert "one.json: thread " in told.out
    assert "'What is this?', 2 messages" in told.out
    assert "'Plots'" in told.out
    assert [line.partition(":")[0].rpartition("/")[2] for line in told.err.splitlines()] == [
        "odd.json",
        "not there.json",
    ]
    assert command.main(["import", files[0], "--notebook-dir", str(tmp_path / "work")]) == 0
    assert "imported before" in capsys.readouterr().out
    assert len(threads(tmp_path / "work")) == 2
    assert command.main(["import", files[0], "--notebook-dir", str(tmp_path / "nowhere")]) == 1


def test_one_chat_in_two_folders_is_two_threads_and_each_is_found_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.json").write_text(json.dumps(SAID))
    for name in ("here", "there", "here", "there"):
        (tmp_path / name).mkdir(exist_ok=True)
        assert command.main(["import", str(tmp_path / "one.json"), "--notebook-dir", str(tmp_path / name)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert ["imported before" in each for each in told] == [False, False, True, True]
    assert [len(threads(tmp_path / name)) for name in ("here", "there")] == [1, 1]


@pytest.mark.slow
def test_the_command_stands_beside_jupyter_and_needs_no_server(tmp_path: Path) -> None:
    (tmp_path / "talk.json").write_text(json.dumps(SAID))
    asked = [sys.executable, "-m", "jupyter_chat_sessions.command", "import", "talk.json"]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(threads(tmp_path)) == 1
