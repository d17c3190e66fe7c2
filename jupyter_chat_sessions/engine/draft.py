"""The draft of a run in flight: what it said since its last line reaches the disk four times a second, unsynced."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from ..core.ids import RunId
from ..core.roles import Journal

EVERY_S = 0.25
AT_MOST_BYTES = 4096
_FRAME_BYTES = 80  # what an event costs beside its words


class DraftWriter:
    """Gathers a run's events. `later` does a blocking job with the journal, in the session's turn."""

    def __init__(self, journal: Journal, later: Callable[[Callable[[], None]], None]) -> None:
        self._journal = journal
        self._later = later
        self._run_id: RunId | None = None
        self._after_seq = 0
        self._is_begun = False
        self._events: list[Mapping[str, Any]] = []
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, run_id: RunId, after_seq: int) -> None:
        """Everything said so far is a line now; what comes was said after line `after_seq`."""
        self.end()
        self._run_id, self._after_seq, self._is_begun = run_id, after_seq, False

    def add(self, event: Mapping[str, Any]) -> None:
        """Takes one more event of the run."""
        if self._run_id is None:
            return
        self._events.append(event)
        self._size += _FRAME_BYTES + len(event.get("delta", ""))
        if self._size >= AT_MOST_BYTES:
            self._flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(EVERY_S, self._flush)

    def end(self) -> None:
        """Forgets what has not been written: a line says it better."""
        self._run_id = None
        self._clear()

    def _clear(self) -> None:
        self._events, self._size = [], 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _flush(self) -> None:
        if self._run_id is None or not self._events:
            return
        run_id, after_seq, events, is_begun = self._run_id, self._after_seq, self._events, self._is_begun
        self._is_begun = True
        self._clear()

        def write() -> None:
            if not is_begun:
                self._journal.begin_draft(run_id, after_seq)
            self._journal.extend_draft(events)

        self._later(write)
