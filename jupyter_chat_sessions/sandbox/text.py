"""Text as an agent should read it: no colours, no progress bars frame by frame, no more than fits."""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # titles, links
    r"|\x1b[@-Z\\-_]"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def plain(text: str) -> str:
    """The text without terminal escapes and control characters, each line as a terminal would leave it."""
    text = _ESCAPES.sub("", text)
    if "\r" in text:
        text = "\n".join(_overwritten(line) for line in text.replace("\r\n", "\n").split("\n"))
    return _CONTROLS.sub("", text)


def _overwritten(line: str) -> str:
    """The last thing a line that returned to its start has shown."""
    return line.rstrip("\r").rpartition("\r")[2]


def clip(text: str, limit: int, head_share: float, notice: str) -> str:
    """The text when it fits; else its head and tail, cut at line ends, around `notice`. Never more than `limit`."""
    if len(text) <= limit:
        return text
    middle = f"\n[{notice}]\n"
    room = max(limit - len(middle), 0)
    head = _whole_lines_at_start(text[: int(room * head_share)])
    tail = _whole_lines_at_end(text[len(text) - (room - int(room * head_share)) :])
    return f"{head}{middle}{tail}"[:limit]


def _whole_lines_at_start(piece: str) -> str:
    end = piece.rfind("\n")
    return piece[:end] if end > len(piece) // 2 else piece


def _whole_lines_at_end(piece: str) -> str:
    start = piece.find("\n")
    return piece[start + 1 :] if 0 <= start < len(piece) // 2 else piece


class HeadAndTail:
    """A text of any length in bounded memory: its first and its last characters."""

    def __init__(self, head: int, tail: int) -> None:
        self._head_room, self._tail_room = head, tail
        self._head: list[str] = []
        self._tail: list[str] = []
        self._tail_length = 0
        self.length = 0

    def add(self, text: str) -> None:
        self.length += len(text)
        if self._head_room:
            taken, text = text[: self._head_room], text[self._head_room :]
            self._head.append(taken)
            self._head_room -= len(taken)
        if text:
            self._tail.append(text)
            self._tail_length += len(text)
            if self._tail_length > 2 * self._tail_room:
                self._shorten()

    def _shorten(self) -> None:
        kept = "".join(self._tail)[-self._tail_room :]
        self._tail, self._tail_length = [kept], len(kept)

    def text(self) -> str:
        """What is kept, with a line that tells what is missing between."""
        if self._tail_length > self._tail_room:
            self._shorten()
        missing = self.length - sum(map(len, self._head)) - self._tail_length
        gap = f"\n[… {missing:,} characters …]\n" if missing else ""
        return "".join(self._head) + gap + "".join(self._tail)
