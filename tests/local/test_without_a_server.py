"""The same chats where there is no server."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from jupyter_chat_sessions.core.errors import ChatError
from jupyter_chat_sessions.core.ids import new_thread_id
from jupyter_chat_sessions.kernel import chats_of_kernel
from jupyter_chat_sessions.kernel.chats_of_kernel import Chats
from jupyter_chat_sessions.kernel.service import Frame, Place, Watch
from jupyter_chat_sessions.kernel.thread import Thread
from jupyter_chat_sessions.local.service import LocalService

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """No loop of pytest-jupyter's: these chats have one of their own."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """No server in this process to clean up after."""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    root = tmp_path_factory.mktemp("beside")
    service = LocalService(root)
    yield service
    service.close()


@pytest.fixture
def shell(service: LocalService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[InteractiveShell]:
    """IPython with the magics, in a fresh place beside a notebook of its own."""
    here = Chats(service, Place(f"{tmp_path.name}.ipynb", ""))
    monkeypatch.setattr(chats_of_kernel, "_found", here)
    monkeypatch.chdir(tmp_path)
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "jupyter_chat_sessions")
    yield shell
    shell.history_manager.end_session()


@pytest.fixture
def can_be_interrupted() -> Iterator[None]:
    """SIGINT raises, as in a kernel: a shell that puts the tests in the background has it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def asked(shell: InteractiveShell, cell: str) -> None:
    result = shell.run_cell(cell)
    if result.error_in_exec is not None:
        raise result.error_in_exec


def test_chat_runs_python_in_the_notebooks_thread_and_keeps_the_result(shell: InteractiveShell) -> None:
    asked(shell, "%chat -o first /help")
    answer = shell.user_ns["first"]
    assert (answer.outcome, shell.user_ns["_chat"]) == ("success", answer)
    assert "/files" in answer.text
    asked(shell, "%%chat\n/files")
    assert shell.user_ns["_chat"].thread_id == answer.thread_id
    roles = [message["role"] for message in Thread(answer.thread_id).messages]
    assert roles[:2] == ["user", "assistant"]
    assert roles.count("user") == 2


def test_a_question_mark_asks_the_chat_and_not_ipythons_help(shell: InteractiveShell) -> None:
    asked(shell, "%chat what's a list?")
    messages = Thread(shell.user_ns["_chat"].thread_id).messages
    assert messages[0]["content"] == "what's a list?"
    asked(shell, "x = '''\n%chat no question?\n'''")
    assert shell.user_ns["x"] == "\n%chat no question?\n"


def test_braces_are_the_prompts_own_and_values_go_in_by_name(shell: InteractiveShell) -> None:
    shell.user_ns["x"] = 41
    asked(shell, "%chat -t new say {'a': 1} {x} $x {y}")
    assert Thread(shell.user_ns["_chat"].thread_id).messages[0]["content"] == "say {'a': 1} 41 $x {y}"


def test_threads_are_made_listed_chosen_named_exported_and_deleted(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    asked(shell, "%chat /help")
    first = shell.user_ns["_chat"].thread_id
    asked(shell, "%chat new The second")
    asked(shell, "%chat /help again")
    second = shell.user_ns["_chat"].thread_id
    assert first != second
    asked(shell, "%chat list")
    assert "| → | 1 | The second | 2 |" in capsys.readouterr().out
    asked(shell, "%chat use 2")
    asked(shell, "%chat /files")
    assert shell.user_ns["_chat"].thread_id == first
    asked(shell, "%chat rename Another name")
    asked(shell, "%chat export notes.md")
    assert (tmp_path / "notes.md").read_text().startswith("# Another name")
    with pytest.raises(UsageError, match="Nothing is overwritten"):
        asked(shell, "%chat export notes.md")
    with pytest.raises(UsageError, match="no chat"):
        asked(shell, f"%chat rm {second[:5]}")  # so few characters may be a number that the list has not
    asked(shell, "%chat rm 'Another name'")
    with pytest.raises(UsageError, match="no chat 'Another name'"):
        asked(shell, "%chat use 'Another name'")
    asked(shell, "%chat show")
    assert "**You:** /help again" in capsys.readouterr().out


def test_files_values_cells_and_the_last_error_go_with_a_prompt(shell: InteractiveShell, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a,b\n")
    shell.user_ns["note"] = "some words"
    shell.run_cell("1 / 0", store_history=True)
    shell.run_cell("%chat -a data.csv -a {note} --cells 1 --err /help", store_history=True)
    thread = Thread(shell.user_ns["_chat"].thread_id)
    cell, error, *files = thread.messages[0]["metadata"]["jupyter"]["context"]
    assert thread.messages[0]["content"] == "/help"
    assert cell == {"type": "cell", "id": "[1]", "kind": "code", "source": "1 / 0"}
    assert (error["ename"], error["evalue"]) == ("ZeroDivisionError", "division by zero")
    assert [each["path"] for each in files] == ["data.csv", "note.txt"]
    assert thread.chats.file(thread.id, {"path": "note.txt"}) == b"some words"


def test_python_typed_with_a_file_runs_and_finds_it(shell: InteractiveShell, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("a,b\n")
    asked(shell, "%chat -a data.csv open('data.csv').read()")
    assert shell.user_ns["_chat"].text == "'a,b\\n'"


def test_a_name_after_an_at_sign_goes_along_with_its_value(shell: InteractiveShell) -> None:
    shell.user_ns["sizes"] = {"a": [1, 2]}
    asked(shell, "%chat what of @sizes, @nothing and me@sizes?")
    message = Thread(shell.user_ns["_chat"].thread_id).messages[0]
    assert message["content"] == "what of @sizes, @nothing and me@sizes?"
    value = "sizes: builtins.dict\n{'a': [1, 2]}"
    assert message["metadata"]["jupyter"]["context"] == [{"type": "variable", "name": "sizes", "value": value}]
    asked(shell, "%chat --raw what of @sizes?")
    assert "metadata" not in Thread(shell.user_ns["_chat"].thread_id).messages[-2]


def test_tools_are_listed_and_chosen_for_one_prompt_or_for_those_that_follow(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    asked(shell, "%chat tools")
    listed = capsys.readouterr().out
    assert "| `import_file` | asks first |" in listed
    assert "| `list_variables` | runs; asks first with scope notebook |" in listed
    assert re.search(r"\(level `(isolated|confined|unconfined)`\)", listed)
    asked(shell, "%chat --no-tools 6 * 7")
    assert re.search("sent.* without the tool .?run_python", shell.user_ns["_chat"].text)
    asked(shell, "%chat tools only list_files, read_file")
    assert "| `run_python` | off |" in capsys.readouterr().out
    asked(shell, "%chat 6 * 7")
    assert re.search("sent.* without the tool .?run_python", shell.user_ns["_chat"].text)
    asked(shell, "%chat tools ask")
    listed = capsys.readouterr().out
    assert "Before each call you are asked" in listed
    assert "| `list_files` | asks first |" in listed
    assert "| `run_python` | off |" in listed
    asked(shell, "%chat tools on")
    assert "| `list_files` | runs |" in capsys.readouterr().out
    asked(shell, "%chat 6 * 7")
    assert shell.user_ns["_chat"].text == "42"
    with pytest.raises(UsageError, match="no tool 'list_fils'"):
        asked(shell, "%chat tools only list_fils")


def test_what_is_no_option_of_a_message_is_refused_in_words(service: LocalService) -> None:
    thread = Thread(new_thread_id(), chats=service)
    with pytest.raises(ChatError, match="no option 'instruction'; there are asks_first, context, instructions"):
        thread.send("go", instruction="Be brief.")
    with pytest.raises(ChatError, match="asks_first: true or false"):
        thread.send("go", asks_first="yes")
    with pytest.raises(ChatError, match="no tool 'run_pyton' here"):
        thread.send("go", tool_names=["run_pyton"])
    thread.send("/help", context=[{"type": "variable", "name": "x"}], instructions="Be brief.").wait(20)
    message = thread.messages[0]
    assert "no Jupyter server here" in message["metadata"]["jupyter"]["context"][0]["problem"]


def test_an_interrupt_stops_the_run_and_only_that_run_and_what_was_said_is_kept(
    shell: InteractiveShell, service: LocalService, can_be_interrupted: None
) -> None:
    asked(shell, "%chat import time; print('begun', flush=True)")  # its Python is up
    thread = Thread(shell.user_ns["_chat"].thread_id)

    def interrupt_when_begun() -> None:
        while "tick" not in str([getattr(block, "outputs", "") for block in shell.user_ns["_chat"].blocks]):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    watcher = threading.Thread(target=interrupt_when_begun)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        asked(shell, "%%chat\nprint('tick', flush=True)\ntime.sleep(60)")
    watcher.join()
    answer = shell.user_ns["_chat"]
    assert answer.outcome == "cancelled"
    assert "tick" in thread.messages[-1]["content"]
    asked(shell, "%chat 20 + 22")
    assert shell.user_ns["_chat"].text == "42"


def test_a_thread_in_python_sends_waits_tells_of_messages_and_stops(service: LocalService) -> None:
    thread = Thread(chats=service)
    heard: list[str] = []
    end = thread.on_message(lambda message: heard.append(message["role"]))
    answer = thread.send("/help")
    assert thread.wait(20) is answer
    assert not thread.running
    assert [message["role"] for message in thread.messages][-2:] == ["user", "assistant"]
    assert heard == ["user", "assistant"]
    end()
    thread.send("/help").wait(20)
    assert len(heard) == 2
    slow = thread.send("import time; time.sleep(60)")
    assert thread.running
    slow.cancel()
    assert slow.wait(20).outcome == "cancelled"


class Observed:
    """A watch, and what has been heard of it."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self.heard: list[Any] = []
        self.is_closed = False

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._watch:
            yield frame
            self.heard.append(frame)

    def close(self) -> None:
        self.is_closed = True
        self._watch.close()

    def __enter__(self) -> Observed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def test_who_decides_stays_whatever_happens_in_the_chat_before_there_is_a_question(
    service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread, opened, watch = Thread(new_thread_id(), chats=service), [], service.watch

    def observed(*given: Any) -> Observed:
        opened.append(Observed(watch(*given)))
        return opened[-1]

    thread.send("1 + 1").wait(20)
    monkeypatch.setattr(service, "watch", observed)
    with thread.deciding():
        service.rename(thread.id, "Another name")
        deadline = time.monotonic() + 20
        while not opened[0].is_closed and "Another name" not in str(opened[0].heard):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not opened[0].is_closed
    assert opened[0].is_closed


def test_another_extensions_chat_is_left_alone_with_a_warning(service: LocalService) -> None:
    shell = InteractiveShell()
    shell.register_magic_function(lambda line: "theirs", "line", "chat")
    with pytest.warns(UserWarning, match="belongs to another extension"):
        shell.run_line_magic("load_ext", "jupyter_chat_sessions")
    assert shell.run_line_magic("chat", "") == "theirs"
    assert "jchat" in shell.magics_manager.magics["line"]
    shell.history_manager.end_session()


def test_plain_ipython_without_a_server_chats_in_its_folder_and_leaves_no_kernel_behind(tmp_path: Path) -> None:
    lines = ["%load_ext jupyter_chat_sessions", "%chat 40 + 2", "print('got', _chat.text, _chat.outcome)"]
    environment = {**os.environ, "HOME": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path / "none")}
    command = [sys.executable, "-m", "IPython", "--colors=NoColor", "--no-banner", "--simple-prompt"]
    beside = tmp_path / "beside"
    beside.mkdir()
    done = subprocess.run(
        command,
        input="\n".join([*lines, "exit"]) + "\n",
        cwd=beside,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "got 42 success" in done.stdout, done.stdout + done.stderr
    (transcript,) = beside.glob(".chats/*/chat.jsonl")
    ends = [json.loads(line) for line in transcript.read_text().splitlines() if '"type":"run"' in line]
    assert [line["outcome"] for line in ends] == ["success"]
    assert "Traceback" not in done.stderr
    catalog = json.loads((beside / ".chats" / "catalog.json").read_text())
    assert catalog["chats"][0]["message_count"] == 3 or catalog["chats"][0]["message_count"] == 2
