"""What the `Content-Range` of a request says of the piece of a file in its body (RFC 9110, section 14.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..core.errors import Malformed

_PIECE = re.compile(r"bytes (?:(\d{1,15})-(\d{1,15})|\*)/(\d{1,15})")


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a file of `size` bytes, from `start` on; `None` asks how much of it has come."""

    start: int | None
    size: int


def piece_in(given: str, length: int) -> Piece:
    """The piece that the header of a body of `length` bytes names."""
    named = _PIECE.fullmatch(given.strip())
    if named is None:
        raise Malformed(f"Content-Range is `bytes 0-999/5000`, or `bytes */5000` to ask, not {given[:60]!r}.")
    size = int(named[3])
    if named[1] is None:
        if length:
            raise Malformed(f"`bytes */{size}` asks how much has come; it has no body.")
        return Piece(None, size)
    first, last = int(named[1]), int(named[2])
    if not first <= last < size or last - first + 1 != length:
        raise Malformed(f"Content-Range {given[:60]!r} does not fit a body of {length:,} bytes.")
    return Piece(first, size)
