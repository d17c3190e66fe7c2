from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_chat_sessions.agents.direct.commands import (
    COMMANDS,
    Call,
    describe,
    relevant_commands,
    run_command,
)


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("run x = 1\nx", Call("run_python", {"code": "x = 1\nx"})),
        ("RUN 2+2", Call("run_python", {"code": "2+2"})),
        ("run\n```python\nx = 1\n```", Call("run_python", {"code": "x = 1"})),
        ("sh ls -la", Call("run_shell", {"command": "ls -la"})),
        ("files", Call("list_files", {"path": "."})),
        ("files *.csv", Call("list_files", {"path": ".", "glob": "*.csv"})),
        ("files data/", Call("list_files", {"path": "data"})),
        ("read notes.txt", Call("read_file", {"path": "notes.txt"})),
        ("read 'my notes.txt'", Call("read_file", {"path": "my notes.txt"})),
        ("read log.txt:200", Call("read_file", {"path": "log.txt", "offset_line": 200})),
        ("read a:b", Call("read_file", {"path": "a:b"})),
        ("vars", Call("list_variables")),
        ("reset", Call("restart_kernel")),
    ],
)
def test_a_command_is_one_tool_call(text: str, call: Call) -> None:
    assert run_command(text) == call


@pytest.mark.parametrize("name", ["run", "sh", "read"])
def test_a_command_without_what_it_needs_says_so(name: str) -> None:
    reply = run_command(name)
    assert isinstance(reply, str)
    assert f"`/{name} " in reply


def test_help_shows_every_command() -> None:
    shown = run_command("help")
    assert isinstance(shown, str)
    assert all(describe(command) in shown for command in COMMANDS)


def test_every_command_is_reached_by_its_name() -> None:
    for command in COMMANDS:
        assert run_command(f"{command.name} a.txt") == command.act("a.txt")
        assert command.usage.startswith(f"/{command.name}")


def test_an_export_is_a_link_relative_to_the_thread() -> None:
    assert "(export?format=ipynb)" in str(run_command("export ipynb"))
    assert "(export?format=md)" not in str(run_command("export ipynb"))
    every = str(run_command("export"))
    assert all(f"(export?format={name})" in every for name in ("md", "ipynb", "json"))
    assert "/export json" in str(run_command("export pdf"))


@pytest.mark.parametrize(("typed", "meant"), [("flies", "/files"), ("rest", "/reset"), ("exprot", "/export")])
def test_an_unknown_command_is_told_with_the_closest(typed: str, meant: str) -> None:
    reply = run_command(f"{typed} x")
    assert isinstance(reply, str)
    assert f"`/{typed}`" in reply
    assert f"`{meant}`" in reply
    assert "`/help`" in reply


def test_an_unknown_command_like_no_other_only_names_help() -> None:
    assert run_command("qqqq") == "There is no command `/qqqq`. `/help` lists them all."


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("plot the mean by month", "run"),
        ("which files are here?", "files"),
        ("what is in sales.csv", "read"),
        ("forget everything and restart", "reset"),
        ("which variables are defined", "vars"),
        ("save this as markdown", "export"),
        ("install something with the shell", "sh"),
        ("hello", "help"),
    ],
)
def test_the_command_that_fits_the_words_comes_first(text: str, first: str) -> None:
    found = relevant_commands(text)
    assert found[0].name == first
    assert len(found) == 3


def test_the_users_page_names_every_command() -> None:
    page = (Path(__file__).parents[3] / "docs" / "direct-mode.md").read_text(encoding="utf-8")
    assert all(f"`{command.usage}`" in page.replace("\\|", "|") for command in COMMANDS)
