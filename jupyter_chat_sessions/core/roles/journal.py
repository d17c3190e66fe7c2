"""Where a thread is kept: its transcript, the draft of its run, and its lane."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..ids import RunId, ThreadId
from ..transcript import Header, Line


@dataclass(frozen=True, slots=True)
class Page:
    """Lines in their order, oldest first. `more`: there are older ones. `bad`: lines passed over that are none."""

    lines: tuple[Line, ...]
    more: bool = False
    bad: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """What a run had said since its last transcript line when its process died: the run's events, oldest first."""

    run_id: RunId
    after_seq: int
    events: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Writing:
    """What a decision puts on disk, as one write. `is_synced`: it must outlive a power cut before anyone is told."""

    lines: tuple[Line, ...]
    is_synced: bool = True


Decide = Callable[[tuple[Line, ...]], Writing]
"""Given the lines others appended since this journal last looked, what to append. Raises to append nothing."""


class Journal(Protocol):
    """One thread's transcript, draft and lane. Every call may block on a disk: call it from a worker thread.

    It remembers how far it has read: `read` and `transact` move that place, `tail` and `before` do not.
    Errors: `ThreadDeleted` (its folder has gone), `Unreadable`, `StorageFailed` and its kinds (nothing has changed),
    and `Replaced` by `transact`, until everything has been read again.
    """

    @property
    def thread_id(self) -> ThreadId: ...

    @property
    def is_saved(self) -> bool:
        """Whether what is appended outlives this process."""

    def header(self) -> Header | None:
        """Line 1, or `None` while nothing has been written."""

    def create(self) -> bool:
        """Makes the thread's folder and writes the header where there is none; whether it did."""

    def read(self) -> tuple[Line, ...]:
        """Every line from the first to the newest."""

    def has_news(self) -> bool:
        """Whether the transcript has changed since this journal last looked, or has gone. One `stat`."""

    def transact(self, decide: Decide) -> None:
        """Locks the transcript, reads the news, lets `decide` choose, appends what it chose in one write, unlocks.

        Makes the thread's folder and header first where there is none. When the disk refuses, the file is as before.
        """

    def tail(self, limit: int) -> Page:
        """The last `limit` lines (a few more where several share a `seq`), read backwards from the end."""

    def before(self, seq: int | None, limit: int) -> Page:
        """At most `limit` messages of the path that ends at the head, older than `seq`, with their runs' lines."""

    def take_lane(self) -> bool:
        """Whether this process now holds the right to run the thread. Never waits."""

    def release_lane(self) -> None: ...

    def draft(self, run_id: RunId, after_seq: int, events: Sequence[Mapping[str, Any]]) -> None:
        """Adds, unsynced, to what a run has said since line `after_seq`; the draft of anything else is forgotten.

        Nothing where this process does not hold the lane: the draft may be another's. May be called beside any call.
        """

    def read_draft(self) -> Draft | None:
        """What a dead process left; `None` where there is none or the transcript has gone on."""

    def remove(self) -> None:
        """Moves the thread's folder to the trash, where it stays 7 days."""

    def close(self) -> None:
        """Frees descriptors and the lane."""
