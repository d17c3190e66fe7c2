"""Threads without a catalog, the newest first, each transcript read when its thread is asked for.

A transcript says nothing later than its file was changed. So the next to show is known as soon as none of those that
are left was changed after its last message: a page of ten thousand threads reads little more than its own.
"""

from __future__ import annotations

import bisect
import os
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timezone
from pathlib import Path

from ..core.ids import ThreadId
from .catalog import Entry, updated
from .layout import TRANSCRIPT

_COARSE_S = 2.0
"""How far apart a clock and the times of a file system may be."""


def newest(chats: Path, there: Iterable[ThreadId], read: Callable[[ThreadId], Entry | None]) -> Iterator[Entry]:
    """The entries of these threads. `read` gives one; `None` where a list shows nothing of it."""
    found: list[Entry] = []  # the newest last
    for changed, thread_id in sorted(_changed(chats, there), reverse=True):
        while found and updated(found[-1]) > changed:
            yield found.pop()
        entry = read(thread_id)
        if entry is not None:
            bisect.insort(found, entry, key=updated)
    yield from reversed(found)


def _changed(chats: Path, there: Iterable[ThreadId]) -> Iterator[tuple[str, ThreadId]]:
    """When each transcript was changed last, at the latest, as transcripts write times."""
    for thread_id in there:
        try:
            found = os.stat(chats / thread_id / TRANSCRIPT, follow_symlinks=False)
        except OSError:
            continue
        latest = datetime.fromtimestamp(found.st_mtime + _COARSE_S, timezone.utc)
        yield latest.isoformat(timespec="milliseconds").replace("+00:00", "Z"), thread_id
