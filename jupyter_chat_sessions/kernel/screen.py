"""Where an answer appears while it is made: one display of a notebook, or the lines of a terminal."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol

from .answer import Answer, Call, Words
from .showing import bundle_of, plain_block, plain_of

EVERY_S = 0.1
"""A display is changed at most ten times a second, and one with large images more seldom."""

SECONDS_PER_BYTE = 2e-6


class Screen(Protocol):
    """Shows one answer."""

    def show(self, answer: Answer) -> None:
        """What there is so far."""

    def finish(self, answer: Answer) -> None:
        """The whole answer."""


class Display:
    """One display of a notebook, changed in place."""

    def __init__(self) -> None:
        from IPython.display import display

        self._display: Any = display
        self._handle: Any = None
        self._shown = -1
        self._next = 0.0

    def show(self, answer: Answer) -> None:
        """Nothing where there is no news, or it was changed a moment ago."""
        if answer.version != self._shown and time.monotonic() >= self._next:
            self.finish(answer)

    def finish(self, answer: Answer) -> None:
        """Shows all of it."""
        self._shown = answer.version
        bundle = bundle_of(answer)
        if self._handle is None:
            self._handle = self._display(bundle, raw=True, display_id=True)
        else:
            self._handle.update(bundle, raw=True)
        self._next = time.monotonic() + max(EVERY_S, len(bundle["text/markdown"]) * SECONDS_PER_BYTE)


class AtTheEnd:
    """One display, made when the answer has ended."""

    def show(self, answer: Answer) -> None:
        """Not yet."""

    def finish(self, answer: Answer) -> None:
        """Shows all of it."""
        Display().finish(answer)


class Terminal:
    """Lines, written as they come: what stands in a terminal cannot be changed."""

    def __init__(self) -> None:
        self._written = ""

    def show(self, answer: Answer) -> None:
        """Writes what cannot change any more: all blocks but the last, and the whole lines of its words."""
        self._write(_settled(answer))

    def finish(self, answer: Answer) -> None:
        """Writes the rest."""
        whole = plain_of(answer)
        self._write(whole if whole.startswith(self._written) else f"{self._written}\n{whole}")
        sys.stdout.write("\n")
        sys.stdout.flush()

    def _write(self, text: str) -> None:
        if text.startswith(self._written) and text != self._written:
            sys.stdout.write(text[len(self._written) :])
            sys.stdout.flush()
            self._written = text


def _settled(answer: Answer) -> str:
    """What will not change any more."""
    parts = []
    for block in answer.blocks:
        if isinstance(block, Call) and block.content is None:
            break
        parts.append(plain_block(block))
    *before, last = answer.blocks or (None,)
    if isinstance(last, Words) and len(parts) > len(before):  # its last word may go on
        parts[-1] = parts[-1].rpartition(" ")[0].rstrip()
    return "\n\n".join(part for part in parts if part)


class Nowhere:
    """For a caller who shows it another way."""

    def show(self, answer: Answer) -> None:
        """Nothing."""

    def finish(self, answer: Answer) -> None:
        """Nothing."""
