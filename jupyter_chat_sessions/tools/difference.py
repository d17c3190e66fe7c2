"""What a change of text changes, as the lines of a unified diff: shown before it is made and kept after."""

from __future__ import annotations

import difflib

_CONTEXT = 3
_COMPARED = 1500
"""How many lines of each text are compared exactly; a larger middle is shown as taken out and put in."""
_SHOWN = 300
_LONGEST = 400


def difference(old: str, new: str) -> str:
    """Lines that begin with a blank, `-` or `+`, three of context around each change; empty where nothing changes."""
    before, after = old.splitlines(), new.splitlines()
    top = _common(before, after)
    end = min(_common(before[::-1], after[::-1]), len(before) - top, len(after) - top)
    first = max(0, top - _CONTEXT)
    before = before[first : len(before) - max(0, end - _CONTEXT)]
    after = after[first : len(after) - max(0, end - _CONTEXT)]
    lines = _compared(before, after)
    if old != new and not lines:
        lines = ["+[only line ends differ]"]
    shown = [line[:_LONGEST] for line in lines[:_SHOWN]]
    return "\n".join([*shown, f" [{len(lines) - _SHOWN} more lines]"] if len(lines) > _SHOWN else shown)


def _compared(before: list[str], after: list[str]) -> list[str]:
    if max(len(before), len(after)) > _COMPARED:
        return [*(f"-{line}" for line in before[: _SHOWN // 2]), *(f"+{line}" for line in after)]
    unified = difflib.unified_diff(before, after, n=_CONTEXT, lineterm="")
    return ["  …" if line.startswith("@@") and at else line for at, line in enumerate(list(unified)[3:])]


def _common(one: list[str], other: list[str]) -> int:
    """How many lines at the beginning are the same."""
    same = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        same += 1
    return same
