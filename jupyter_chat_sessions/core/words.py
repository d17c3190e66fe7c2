"""The few words by which a list knows a thread: its title, its last words."""

from __future__ import annotations

import re

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^`\n]*$")
_COMMAND = re.compile(r"\s*/[A-Za-z][\w-]*(?=\s|$)")
_RUN = re.compile(r"\s*/(?:run|sh)\s+(?=\S)")


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


def first_said(before: str | None, text: str, length: int) -> str | None:
    """The words a thread is known by once this was said too: its first that are no `/command`, else its first.

    What `/run` and `/sh` run counts without them.
    """
    if before is not None and not _COMMAND.match(before):
        return before
    ran = _RUN.match(text)
    words = gist(text[ran.end() :] if ran else text, length)
    is_better = words != "" and (before is None or not _COMMAND.match(words))
    return words if is_better else before
