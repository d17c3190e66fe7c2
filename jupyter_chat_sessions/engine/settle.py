"""One decision, from the lock to the disk: the blocking half of a session, run in a worker thread.

The rules of order are `core.step`'s; here stands only when they are asked: with the transcript locked, after what
others wrote, and with the lane where there is work for its holder.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..core.conversation import Conversation, adopt
from ..core.errors import ChatError, ReadOnly, ThreadDeleted
from ..core.events import Answered, Append, Effect, Event, Foreign, LaneReleased, LaneTaken, Regenerated
from ..core.live import unfinished_of
from ..core.roles import Journal, Writing
from ..core.step import step
from ..core.transcript import Line, Message, RunLine, StartLine

INTERRUPTED = "interrupted: the server stopped"


@dataclass(frozen=True, slots=True)
class Settled:
    """What has happened: the lines others wrote, then ours, all on disk. `refusal`: why the event was not met."""

    conversation: Conversation
    foreign: tuple[Line, ...]
    own: tuple[Line, ...]
    effects: tuple[Effect, ...]
    refusal: ChatError | None = None
    is_gone: bool = False
    """Whether the thread's folder is no more."""
    anew: tuple[Line, ...] | None = None
    """All the lines there were before ours, where the transcript is another than the one that was read."""


def settle(journal: Journal, before: Conversation, event: Event | None, now: str) -> Settled:
    """Meets `event`, or with `None` only looks at what others did. Raises nothing that is a `ChatError`."""
    plan = _Plan(journal, before, event, now)
    try:
        journal.transact(plan.decide)
    except ChatError as refused:
        return plan.undone(refused)
    if plan.after.may_release_lane:
        journal.release_lane()
        plan.meet(LaneReleased())
    return Settled(plan.after, plan.foreign, tuple(plan.own), tuple(plan.effects), plan.refusal)


class _Plan:
    """The steps of one decision. `decide` is called by the journal, with the transcript locked."""

    def __init__(self, journal: Journal, before: Conversation, event: Event | None, now: str) -> None:
        self._journal = journal
        self._before = before
        self._event = event
        self._now = now
        self._is_synced = False
        self._has_lost_lane = False
        self.after = before
        self.foreign: tuple[Line, ...] = ()
        self.own: list[Line] = []
        self.effects: list[Effect] = []
        self.refusal: ChatError | None = None

    def decide(self, foreign: tuple[Line, ...]) -> Writing:
        self.foreign = foreign
        if self.after.has_lane and any(isinstance(line, (StartLine, RunLine)) for line in foreign):
            # Only the lane's holder writes these: they are ours, refused by a disk that kept them all the same. Nobody
            # makes that answer, so the lane is taken anew, and with it what was left is ended. Or somebody took away
            # the lane's file, and another server has the lane.
            self._journal.release_lane()
            self._has_lost_lane = True
            self.meet(LaneReleased())
        for line in foreign:
            self.meet(Foreign(line))
        if self.after.wants_lane or isinstance(self._event, (Regenerated, Answered)):
            self._try_lane()
        if self._event is not None:
            try:
                self.meet(self._event)
            except ChatError as refusal:
                self.refusal = refusal
        if self.after.wants_lane:
            self._try_lane()
        return Writing(tuple(self.own), self._is_synced)

    def meet(self, event: Event) -> None:
        self.after, effects = step(self.after, event, self._now)
        for effect in effects:
            if isinstance(effect, Append):
                self.own += effect.lines
                self._is_synced = self._is_synced or effect.is_synced
            else:
                self.effects.append(effect)

    def _try_lane(self) -> None:
        if not self.after.has_lane and self._takes_lane():
            self.meet(LaneTaken(self._left_unfinished()))

    def _takes_lane(self) -> bool:
        try:
            return self._journal.take_lane()
        except ReadOnly:  # who may not write does not run threads, and can still watch them
            return False

    def _left_unfinished(self) -> tuple[Message, ...]:
        running = self.after.running
        draft = self._journal.read_draft() if running else None
        if running is None or draft is None or draft.run_id != running.run_id:
            return ()
        return unfinished_of(draft.run_id, draft.events, INTERRUPTED)

    def undone(self, refused: ChatError) -> Settled:
        """Only what others wrote has happened; a lane taken for nothing is given back."""
        after = self._before
        for line in self.foreign:
            after = adopt(after, line)
        has_lane = self._before.has_lane and not self._has_lost_lane
        if self.after.has_lane and not has_lane:
            self._journal.release_lane()
        now = replace(after, has_lane=has_lane)
        is_gone = isinstance(refused, ThreadDeleted)
        return Settled(now, self.foreign, own=(), effects=(), refusal=refused, is_gone=is_gone)
