"""The draft of a run in flight: what it said since its last line reaches the disk four times a second, unsynced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core.ids import RunId
from ..core.roles import Journal
from .pieces import joined

EVERY_S = 0.25
AT_MOST_BYTES = 4096
_FRAME_BYTES = 80  # what an event costs beside its words


class DraftWriter:
    """Gathers a run's events. `later` does a blocking job with the journal, in the session's turn.

    What the disk refuses is tried again with what comes next: a full disk costs a draft nothing but time.
    """

    def __init__(self, journal: Journal, later: Callable[[Callable[[], None]], None]) -> None:
        self._journal = journal
        self._later = later
        self._loop = asyncio.get_running_loop()
        self._chapter: _Chapter | None = None
        self._events: list[Mapping[str, Any]] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, run_id: RunId, after_seq: int) -> None:
        """Everything said so far is a line now; what comes was said after line `after_seq`."""
        self.end()
        self._chapter = _Chapter(run_id, after_seq)

    def add(self, event: Mapping[str, Any]) -> None:
        """Takes one more event of the run."""
        if self._chapter is None:
            return
        self._events.append(event)
        self._size += _FRAME_BYTES + len(event.get("delta", ""))
        if self._size >= AT_MOST_BYTES and not self._chapter.is_being_written:
            self._flush()
        elif self._timer is None:
            self._timer = self._loop.call_at(self._next_beat(), self._flush)

    def _next_beat(self) -> float:
        """At most `EVERY_S` from now, and at the same moment for all threads, so that their drafts go as one errand."""
        return (self._loop.time() // EVERY_S + 1) * EVERY_S

    def end(self) -> None:
        """Forgets what has not been written: a line says it better."""
        self._chapter = None
        self._clear()

    def _clear(self) -> None:
        self._events, self._size = [], 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush(self) -> None:
        chapter, events = self._chapter, self._events
        if chapter is None or not events:
            return
        if chapter.is_being_written:
            self._timer = self._loop.call_at(self._next_beat(), self._flush)
            return
        self._clear()
        chapter.is_being_written = True
        self._later(lambda: self._write(chapter, events))

    def _write(self, chapter: _Chapter, events: list[Mapping[str, Any]]) -> None:
        """In a worker thread."""
        refused = events
        try:
            if not chapter.is_begun:
                self._journal.begin_draft(chapter.run_id, chapter.after_seq)
                chapter.is_begun = True
            self._journal.extend_draft(joined(events))
            refused = []
        finally:
            self._loop.call_soon_threadsafe(self._go_on, chapter, refused)

    def _go_on(self, chapter: _Chapter, refused: list[Mapping[str, Any]]) -> None:
        chapter.is_being_written = False
        if refused and chapter is self._chapter:
            self._events = refused + self._events
            if self._timer is None:
                self._timer = self._loop.call_at(self._next_beat(), self._flush)


@dataclass(slots=True)
class _Chapter:
    """What a run says between two lines. `is_begun`: on disk."""

    run_id: RunId
    after_seq: int
    is_begun: bool = False
    is_being_written: bool = False
