"""The slash commands, as one table. Adding one is one entry of `COMMANDS`.

A command gives either a tool call to make or a text to show; it does nothing itself.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .classify import fenced_blocks, path_in


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call to make."""

    tool: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


Reply = Call | str
"""What a step comes to: a call, or words; "" where there is nothing to add."""


@dataclass(frozen=True, slots=True)
class Command:
    """`act` gets what follows the name, without blank edges. `topics`: beginnings of words that make it relevant."""

    name: str
    usage: str
    help: str
    act: Callable[[str], Reply]
    topics: tuple[str, ...] = ()


def run_command(text: str) -> Reply:
    """What `name argument` comes to; an unknown name is told with the closest ones."""
    name, argument = _split(text)
    command = _BY_NAME.get(name)
    if command is not None:
        return command.act(argument)
    close = difflib.get_close_matches(name, _BY_NAME, n=3, cutoff=0.5)
    guess = f" Did you mean {_joined(close)}?" if close else ""
    return f"There is no command `/{name}`.{guess} `/help` lists them all."


def relevant_commands(text: str, count: int = 3) -> tuple[Command, ...]:
    """The commands that fit the words of a text best; without any hint the first ones of the table."""
    words: list[str] = re.findall(r"[^\W\d_]+", text.lower())
    has_path = path_in(text) is not None

    def fit(command: Command) -> int:
        found = sum(word.startswith(command.topics) for word in words)
        return found + (1 if has_path and command.name == "read" else 0)

    return tuple(sorted(COMMANDS, key=fit, reverse=True)[:count])


def describe(command: Command) -> str:
    """The command as one item of a Markdown list."""
    return f"- `{command.usage}` {command.help}"


# --- what they do ----------------------------------------------------------------------------------------------------


def _split(text: str) -> tuple[str, str]:
    name = re.match(r"[\w-]+", text)
    return (name[0].lower(), text[name.end() :].strip()) if name else ("", text.strip())


def _joined(names: list[str]) -> str:
    return " or ".join(f"`/{name}`" for name in names)


def _help(_: str) -> str:
    return "\n".join(
        (
            "No AI model is connected: what you type is run, in this chat's own folder and its own Python.",
            "",
            "- Python, as in a notebook cell: `2 + 2`, `df.head()`, `%pip install …`, `name?`",
            "- Shell: a line that begins with `!`, such as `!ls`",
            "- Fenced code blocks of Python or shell run one after the other, up to the first error",
            *map(describe, COMMANDS),
            "- `/model [provider:model]` says what answers here, or chooses it",
        )
    )


def _unfenced(argument: str) -> str:
    blocks = fenced_blocks(argument)
    return blocks[0][1] if blocks and argument.startswith(("```", "~~~")) else argument


def _run(argument: str) -> Reply:
    if not argument:
        return "`/run` needs Python after it, such as `/run 2 + 2`."
    return Call("run_python", {"code": _unfenced(argument)})


def _sh(argument: str) -> Reply:
    if not argument:
        return "`/sh` needs a shell command after it, such as `/sh ls -la`."
    return Call("run_shell", {"command": _unfenced(argument)})


def _files(argument: str) -> Reply:
    glob = _unquoted(argument)
    if not glob:
        return Call("list_files", {"path": "."})
    if glob.endswith("/"):
        return Call("list_files", {"path": glob.rstrip("/") or "."})
    return Call("list_files", {"path": ".", "glob": glob})


def _read(argument: str) -> Reply:
    if not argument:
        return "`/read` needs a file's path after it, such as `/read notes.txt`. `/files` lists what is here."
    path, _, line = argument.rpartition(":")
    if path and line.isdecimal() and int(line) > 0:
        return Call("read_file", {"path": _unquoted(path), "offset_line": int(line)})
    return Call("read_file", {"path": _unquoted(argument)})


def _unquoted(argument: str) -> str:
    is_quoted = len(argument) > 1 and argument[0] == argument[-1] and argument[0] in "\"'`"
    return argument[1:-1] if is_quoted else argument


_FORMATS = {"md": "Markdown", "ipynb": "a notebook", "json": "JSON"}


def _export(argument: str) -> str:
    wanted = argument.lower().lstrip(".")
    if wanted and wanted not in _FORMATS:
        return f"There is no export as `{argument}`; use `/export md`, `/export ipynb` or `/export json`."
    chosen = [wanted] if wanted else list(_FORMATS)
    links = " · ".join(f"[{_FORMATS[name]}](export?format={name})" for name in chosen)
    return f"This chat as a file: {links}. The thread's menu has the same."


COMMANDS = (
    Command("help", "/help", "shows what can be typed here", _help, ("help", "command")),
    Command(
        "run",
        "/run <python>",
        "runs Python, also where it could be taken for words",
        _run,
        ("run", "python", "code", "comput", "calculat", "plot", "chart", "graph", "draw", "mean", "sum", "average"),
    ),
    Command(
        "files",
        "/files [pattern]",
        "lists the files of this chat, such as `/files *.csv`",
        _files,
        ("file", "folder", "director", "dataset", "upload", "list"),
    ),
    Command(
        "read",
        "/read <path>",
        "shows a text file; `/read log.txt:200` from line 200 on",
        _read,
        ("read", "open", "view", "content", "csv", "text", "load", "show"),
    ),
    Command(
        "sh",
        "/sh <command>",
        "runs a shell command, the same as `!`",
        _sh,
        ("shell", "terminal", "bash", "install", "git", "download", "command"),
    ),
    Command(
        "vars",
        "/vars",
        "lists the variables that are defined",
        lambda _: Call("list_variables"),
        ("variable", "defined", "dataframe", "memory", "value"),
    ),
    Command(
        "reset",
        "/reset",
        "restarts Python: variables are forgotten, files stay",
        lambda _: Call("restart_kernel"),
        ("reset", "restart", "clear", "forget", "stuck", "kernel", "again"),
    ),
    Command(
        "export",
        "/export [md|ipynb|json]",
        "gives this chat as a file to download",
        _export,
        ("export", "save", "download", "share", "notebook", "markdown"),
    ),
)
_BY_NAME = {command.name: command for command in COMMANDS}
