"""What stands behind `%chat`: a subcommand where the words fit one exactly, else options and a prompt.

The prompt is kept as it was typed; only options are taken apart.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

FORMATS = ("md", "text", "code", "json")
Format = Literal["md", "text", "code", "json"]


class BadLine(ValueError):
    """It cannot be understood; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand with its argument."""

    name: str
    argument: str = ""


@dataclass(slots=True)
class Prompt:
    """A message to send, and how."""

    text: str = ""
    thread: str | None = None
    model: str | None = None
    system: str | None = None
    attach: list[str] = field(default_factory=list)
    cells: str | None = None
    out: str | None = None
    format: Format = "md"
    timeout: float | None = None
    with_error: bool = False
    says_yes: bool = False
    has_tools: bool = True
    streams: bool = True
    is_raw: bool = False


_ANY = re.compile(r".*", re.DOTALL)
_NONE = re.compile(r"")
_ONE = re.compile(r"(\S+|\"[^\"]*\"|'[^']*')?")
_EXACTLY_ONE = re.compile(r"\S+|\"[^\"]*\"|'[^']*'")

_ARGUMENT: dict[str, re.Pattern[str]] = {
    "new": _ANY,
    "list": _NONE,
    "use": _EXACTLY_ONE,
    "show": re.compile(r"(\d+)?"),
    "rename": re.compile(r".+", re.DOTALL),
    "rm": _ONE,
    "reset": _NONE,
    "model": _ONE,
    "tools": re.compile(r"on|off|ask|only\s+\w+(\s*,\s*\w+)*|"),
    "stop": _NONE,
    "fix": _NONE,
    "export": _ONE,
    "where": _NONE,
    "help": _NONE,
}
"""What may follow each subcommand. Where something else does, it is a prompt: `%chat show me the first rows`."""


def parsed(line: str, cell: str | None = None) -> Command | Prompt:
    """The line of a `%chat`, or line and body of a `%%chat`, whose body is the prompt."""
    if cell is None:
        name, _, argument = line.strip().partition(" ")
        fits = _ARGUMENT.get(name)
        if not name:
            return Command("help")
        if fits is not None and fits.fullmatch(argument.strip()):
            return Command(name, _unquoted(argument.strip()))
    prompt = Prompt()
    rest = _options(line, prompt)
    if cell is not None and rest:
        raise BadLine(f"%%chat takes options only, and the prompt in the lines below; {rest[:40]!r} is none.")
    prompt.text = rest if cell is None else cell.strip("\n")
    if not prompt.text.strip() and not (prompt.with_error or prompt.cells or prompt.attach):
        raise BadLine("There is nothing to send.")
    return prompt


def _unquoted(argument: str) -> str:
    is_quoted = len(argument) > 1 and argument[0] == argument[-1] and argument[0] in "'\""
    return argument[1:-1] if is_quoted else argument


def _options(line: str, prompt: Prompt) -> str:
    """Takes the options in front; what is left of the line."""
    rest = line.strip()
    while rest.startswith("-"):
        word, _, after = rest.partition(" ")
        if word == "--":
            return after.strip()
        name, equals, value = word.partition("=")
        if name in _FLAGS and not equals:
            _FLAGS[name](prompt)
            rest = after.lstrip()
        elif name in _VALUES:
            value, rest = (value, after.lstrip()) if equals else _value(name, after)
            _VALUES[name](prompt, value)
        elif re.fullmatch(r"--?[A-Za-z][\w-]*", name):
            raise BadLine(f"There is no option {name}; `%chat help` lists them. `--` ends the options.")
        else:  # a dash that begins the prompt, as in "-1 + 2"
            return rest
    return rest


_VALUE = re.compile(r"\s*(\"(?:[^\"\\]|\\.)*\"|'[^']*'|\{[^}]*\}|\S+)\s*")


def _value(name: str, after: str) -> tuple[str, str]:
    found = _VALUE.match(after)
    if found is None:
        raise BadLine(f"{name} needs a value.")
    written = found[1]
    return (shlex.split(written)[0] if written[0] in "'\"" else written), after[found.end() :]


def _take_format(prompt: Prompt, value: str) -> None:
    if value not in FORMATS:
        raise BadLine(f"--format is one of {', '.join(FORMATS)}, not {value!r}.")
    prompt.format = value  # type: ignore[assignment]  # one of them


def _take_timeout(prompt: Prompt, value: str) -> None:
    if not re.fullmatch(r"\d+(\.\d+)?", value) or float(value) <= 0:
        raise BadLine(f"--timeout is a number of seconds, not {value!r}.")
    prompt.timeout = float(value)


def _take_out(prompt: Prompt, value: str) -> None:
    if not value.isidentifier():
        raise BadLine(f"--out is the name of a variable, not {value!r}.")
    prompt.out = value


def _setting(name: str) -> Callable[[Prompt, str], None]:
    return lambda prompt, value: setattr(prompt, name, value)


def _switch(name: str, to: bool) -> Callable[[Prompt], None]:
    return lambda prompt: setattr(prompt, name, to)


_VALUES: dict[str, Callable[[Prompt, str], None]] = {}
for _names, _take in (
    (("-t", "--thread"), _setting("thread")),
    (("-m", "--model"), _setting("model")),
    (("-s", "--system"), _setting("system")),
    (("-a", "--attach"), lambda prompt, value: prompt.attach.append(value)),
    (("--cells",), _setting("cells")),
    (("-o", "--out"), _take_out),
    (("-f", "--format"), _take_format),
    (("--timeout",), _take_timeout),
):
    _VALUES.update(dict.fromkeys(_names, _take))

_FLAGS: dict[str, Callable[[Prompt], None]] = {
    "--err": _switch("with_error", True),
    "--yes": _switch("says_yes", True),
    "--no-tools": _switch("has_tools", False),
    "--no-stream": _switch("streams", False),
    "--raw": _switch("is_raw", True),
}
