"""How far a journal has read, and whether a file still begins with what it has read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from .disk import read_range, refusals
from .transcript_file import Identity, Open

_MARK = 64
_BLOCK = 1 << 20


@dataclass(frozen=True, slots=True)
class Place:
    """In which file, to which byte, how long the file was then; the last words before, and a digest of them all."""

    identity: Identity
    offset: int
    size: int
    mark: bytes
    digest: hashlib.blake2b

    def after(self, passed: bytes, identity: Identity, size: int) -> Place:
        """The place behind these bytes, which follow it."""
        digest = self.digest.copy()
        digest.update(passed)
        return Place(identity, self.offset + len(passed), size, (self.mark + passed[-_MARK:])[-_MARK:], digest)

    def read_on(self, opened: Open) -> bytes | None:
        """Everything behind the place; `None` where the file is another one and does not begin with what was read.

        The same inode with the same words before the place is the same file, and only then costs nothing to know.
        """
        data = opened.read(max(0, self.offset - len(self.mark)))
        is_same = self.identity == opened.identity and self.size <= opened.size and data.startswith(self.mark)
        return data[len(self.mark) :] if is_same or self._is_in(opened) else None

    def _is_in(self, opened: Open) -> bool:
        """Whether this file begins with the very bytes that were read."""
        if opened.size < self.offset:
            return False
        digest = hashlib.blake2b()
        with refusals("Reading a transcript"):
            for start in range(0, self.offset, _BLOCK):
                digest.update(read_range(opened.fd, start, min(self.offset, start + _BLOCK)))
        return digest.digest() == self.digest.digest()


def beginning_of(opened: Open) -> Place:
    """The place behind the header."""
    with refusals("Reading a transcript"):
        header = read_range(opened.fd, 0, opened.top.end)
    return Place(opened.identity, opened.top.end, opened.size, header[-_MARK:], hashlib.blake2b(header))


def place_behind(data: bytes, identity: Identity) -> Place:
    """The place behind everything a file holds."""
    return Place(identity, len(data), len(data), data[-_MARK:], hashlib.blake2b(data))
