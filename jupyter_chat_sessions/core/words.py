"""The few words by which a list knows a thread: its title, its last words."""

from __future__ import annotations

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^`\n]*$")


def clipped(text: str, length: int) -> str:
    """The text on one line, at most `length` characters, with an ellipsis where it was cut."""
    folded = " ".join(text.split())
    return folded if len(folded) <= length else folded[: length - 1].rstrip() + "…"


def gist(text: str, length: int) -> str:
    """What stands outside a text's code, clipped; of a text that is all code, the code without its fences."""
    outside: list[str] = []
    code: list[str] = []
    fence = ""
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif fence and line.strip().startswith(fence) and not line.strip().strip(fence[0]):
            fence = ""
        else:
            (code if fence else outside).append(line)
    return clipped("\n".join(outside), length) or clipped("\n".join(code), length)
