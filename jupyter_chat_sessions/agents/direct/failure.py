"""What went wrong in a tool call, read from its result message and from nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.transcript import Message, text_of


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed call. `exception` is the class's name without its module, "" where no exception was raised."""

    exception: str = ""
    message: str = ""
    error: str = ""
    traceback: str = ""
    notice: str = ""
    """What the result says of the call itself, in its last line: `[Timed out after 60 s. …]` without the brackets."""
    files: tuple[str, ...] = ()
    """Files the result names, relative to the thread's folder."""
    fresh: str | None = None
    """Why Python had been started anew for this call; `None` where it had not, or it was the thread's first."""


_RAISED = re.compile(r"(?:[A-Za-z_]\w*\.)*([A-Z]\w*)(?::[ \t]*(.*)|[ \t]*)")
_LONGEST = 2_000
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def failure_of(message: Message) -> Failure | None:
    """What a tool message says went wrong; `None` where the call went well."""
    error = message.get("error")
    facts = _object(_object(message.get("metadata")).get("jupyter"))
    raised = [each for each in _objects(facts.get("outputs")) if each.get("output_type") == "error"]
    if not error and not raised:
        return None
    error = str(error or "")
    kernel = _object(facts.get("kernel"))
    reason = str(kernel.get("reason") or "")
    files = tuple(str(each["path"]) for each in _objects(facts.get("artifacts")) if "path" in each)
    fresh = reason if kernel.get("fresh") and reason not in ("", "first") else None
    last_line = text_of(message).rstrip().rpartition("\n")[2]
    notice = last_line[1:-1] if last_line.startswith("[") and last_line.endswith("]") else ""
    if raised:
        last = raised[-1]
        traceback = last.get("traceback")
        lines = traceback if isinstance(traceback, list) else []
        name, said = str(last.get("ename") or ""), str(last.get("evalue") or "")[:_LONGEST]
        text = _ANSI.sub("", "\n".join(map(str, lines)))
        return Failure(name.rpartition(".")[2], said, error, text, notice, files, fresh)
    name, said = _raised(error)
    return Failure(name, said, error, "", notice, files, fresh)


def refusal_in(message: Message) -> str | None:
    """Why a call was not let run, in the words of its result; `None` where it ran."""
    code = _object(_object(message.get("metadata")).get("jupyter")).get("code")
    return text_of(message) if code and message.get("error") else None


def pasted_failure(text: str) -> Failure | None:
    """The exception that ends a traceback someone pasted; `None` where its last lines name none."""
    for line in reversed(text.splitlines()):
        name, said = _raised(line.strip())
        if name:
            return Failure(name, said, traceback=text)
    return None


def _raised(line: str) -> tuple[str, str]:
    """`("KeyError", "'a'")` from "KeyError: 'a'"; two empty strings where the line is no such thing."""
    found = _RAISED.fullmatch(line.partition("\n")[0])
    if found is None or not found[1].endswith(("Error", "Exception", "Interrupt", "Exit", "Iteration", "Warning")):
        return "", ""
    return found[1], (found[2] or "").strip()[:_LONGEST]


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> Sequence[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, (list, tuple)) else []
