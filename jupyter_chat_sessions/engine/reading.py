"""How much of its transcript a session has read: the header, and the last lines until all are needed.

Opening a thread to look at it costs the same however long it is; the first decision reads the whole.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from ..core.conversation import Conversation, begin
from ..core.errors import ChatError, Replaced
from ..core.events import Event
from ..core.roles import Journal
from ..core.transcript import Header, Line
from .audience import RECENT_LINES
from .settle import Settled, settle


class Reading:
    """One session's way into its journal. Every method blocks on the disk: call it in a worker thread."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.header: Header | None = None
        self.is_whole = False
        """Whether all lines have been read, not only the last ones."""

    def open(self) -> tuple[Line, ...]:
        """Reads the header and the last lines; all of them where they are few."""
        page = self._journal.tail(RECENT_LINES)
        lines = page.lines if page.more else self._journal.read()
        self.header = self._journal.header()  # last: another may begin the thread meanwhile, and lines have a header
        self.is_whole = not page.more
        return lines

    def create(self) -> bool:
        """Writes the header where nothing has been written yet; whether it did."""
        is_new = self._journal.create()
        self.header = self.header or self._journal.header()
        return is_new

    def settle(self, before: Conversation, event: Event | None, now: str) -> Settled:
        """Meets the event, after reading the whole transcript where only its tail is known."""
        missed: tuple[Line, ...] = ()
        if not self.is_whole:
            lines = self._journal.read()
            missed = tuple(line for line in lines if line.seq > before.seq)
            before = begin(before.thread_id, self._journal.header(), lines, before.place)
        settled = settle(self._journal, before, event, now)
        if isinstance(settled.refusal, Replaced):
            before, anew = self._again(before)
            settled = replace(settle(self._journal, before, event, now), anew=anew)
        self.is_whole = True
        if self.header is None and settled.conversation.seq:
            with suppress(ChatError):  # what was decided has happened, also where this cannot be read just now
                self.header = self._journal.header()
        return replace(settled, foreign=missed + settled.foreign)

    def _again(self, before: Conversation) -> tuple[Conversation, tuple[Line, ...]]:
        """What the transcript that stands there now tells, with its lines. A run in flight that began in it goes on."""
        lines = self._journal.read()
        self.header = self._journal.header()
        now = begin(before.thread_id, self.header, lines, before.place)
        is_ours = before.running is not None and now.running is not None and before.running.run_id == now.running.run_id
        if before.has_lane and not is_ours:
            self._journal.release_lane()
        return replace(now, has_lane=before.has_lane and is_ours, is_closing=before.is_closing), lines
