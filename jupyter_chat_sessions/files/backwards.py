"""Reading a transcript from its end, in blocks, so that what it costs does not depend on how long it is."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from ..core.decoding import decode
from ..core.ids import ThreadId
from ..core.roles import Page
from ..core.transcript import Line

BLOCK = 1 << 15
"""Bytes of one read: some fifty lines of a usual chat."""

Group = tuple[Line, ...]
"""What one line of the file stands for: nothing (a bad line), one line, or the several of an older turn."""


def raw_lines_backwards(fd: int, start: int, end: int) -> Iterator[bytes]:
    """The lines between two places, newest first, without their newlines. `start` is where a line begins.

    The first is what stands behind the last newline: nothing, or a torn line.
    """
    later: list[bytes] = []  # the pieces of a line whose beginning is yet to be found, last piece first
    while end > start:
        begin = max(start, end - BLOCK)
        *lines, last = os.pread(fd, end - begin, begin).split(b"\n")
        later.append(last)
        end = begin
        for raw in reversed(lines):
            yield b"".join(reversed(later))
            later = [raw]
    yield b"".join(reversed(later))


def groups_backwards(fd: int, start: int, end: int, origin: ThreadId) -> Iterator[Group]:
    """What the lines between two places stand for, newest first. A torn last line counts where it is one in whole."""
    raws = raw_lines_backwards(fd, start, end)
    if whole := decode(next(raws), origin):
        yield whole
    for raw in raws:
        if raw.strip():
            yield decode(raw, origin)


def last_lines(groups: Iterable[Group], limit: int) -> Page:
    """The newest `limit` lines; a few more where several have one number. `groups` come newest first."""
    kept: list[Group] = []
    count = bad = 0
    for group in groups:
        if not group:
            bad += 1
        elif count < limit or (kept and group[0].seq == kept[-1][0].seq):
            kept.append(group)
            count += len(group)
        else:
            return Page(_oldest_first(kept), more=True, bad=bad)
    return Page(_oldest_first(kept), bad=bad)


def _oldest_first(groups: list[Group]) -> tuple[Line, ...]:
    return tuple(line for group in reversed(groups) for line in group)
