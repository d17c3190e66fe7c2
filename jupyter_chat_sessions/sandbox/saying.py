"""What the agent reads of one call: all of it when it is short, else its beginning and end, and where the rest is."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import BinaryIO

from .folder import OUTPUTS, create_file
from .policy import SandboxPolicy
from .text import HeadAndTail, clip, plain

_KEPT_CHARS = 256 * 1024
"""What is kept in memory of each end: enough for progress bars to be folded before the text is clipped."""


class Saying:
    """A call's text as it comes. From the agent's limit on, all of it also goes to a file in `.outputs/`."""

    def __init__(self, policy: SandboxPolicy, folder: Path, name: str) -> None:
        self._policy, self._folder, self._name = policy, folder, name
        self._kept = HeadAndTail(_KEPT_CHARS, _KEPT_CHARS)
        self._unwritten: list[str] = []
        self._file: BinaryIO | None = None
        self._written = 0
        self._path: str | None = None
        self._ends_line = True
        self.is_cut = False
        """Whether the file, too, holds only the beginning."""

    async def add(self, text: str, *, is_block: bool = False) -> None:
        """Adds a piece; a block stands on lines of its own."""
        if is_block:
            text = f"{'' if self._ends_line else chr(10)}{text}\n"
        if not text:
            return
        self._ends_line = text.endswith("\n")
        self._kept.add(text)
        self._unwritten.append(text)
        if self._kept.length > self._policy.result_chars:
            await asyncio.to_thread(self._write)

    def _write(self) -> None:
        text, self._unwritten = "".join(self._unwritten), []
        room = self._policy.text_file_bytes - self._written
        raw = text.encode("utf-8", "replace")
        self.is_cut = self.is_cut or len(raw) > room
        try:
            if self._path is None:
                self._open()
            if self._file is not None and room > 0:
                self._written += self._file.write(raw[:room])
        except OSError:
            self.is_cut = True  # a full disk must not cost the result

    def _open(self) -> None:
        for attempt in range(1, 1000):
            name = f"{self._name}.txt" if attempt == 1 else f"{self._name}-{attempt}.txt"
            try:
                descriptor = create_file(self._folder, name, OUTPUTS)
            except FileExistsError:
                continue
            self._path = f"{OUTPUTS}/{name}"
            self._file = os.fdopen(descriptor, "wb")
            return

    def close(self) -> None:
        if self._file is not None:
            try:
                self._file.close()
            except OSError:
                self.is_cut = True
            self._file = None

    def whereabouts(self) -> str:
        """Where the text that is not shown can be read."""
        if self._path is None:
            return "more output is not shown"
        return f"{'the beginning of the' if self.is_cut else 'whole'} output: {self._path}"

    def content(self, before: str, after: str) -> str:
        """The text between what must be said before and after it, within the agent's limit."""
        text = plain(self._kept.text()).strip("\n")
        limit = max(self._policy.result_chars - len(before) - len(after) - 2, 0)
        missing = f"… {max(self._kept.length - limit, 0):,} of {self._kept.length:,} characters left out; "
        text = clip(text, limit, self._policy.head_share, missing + self.whereabouts())
        said = "\n".join(part for part in (before, text, after) if part)
        return said or "(no output)"
