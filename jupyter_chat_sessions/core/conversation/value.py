"""The value itself: what has been said in a thread, what runs, waits and is asked, and what follows from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rpds import HashTrieMap

from ..ids import MessageId, RunId, ThreadId
from ..transcript import Options, Outcome
from .asking import Asked, Decided

UNTITLED = "Untitled chat"


@dataclass(frozen=True, slots=True)
class Waiting:
    """An accepted message that no run has begun to answer."""

    message_id: MessageId
    run_id: RunId
    seq: int
    options: Options


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has begun. `outcome` is `None` until its `run` line."""

    run_id: RunId
    message_id: MessageId
    parent_run_id: RunId | None
    model: str | None
    outcome: Outcome | None = None
    seq: int = 0
    """The number of its `start` line."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A person's message as it was accepted: enough to answer for it again, or to see that its body differs."""

    run_id: RunId
    seq: int
    fingerprint: bytes
    wishes: Options
    """Of what its sender asked for, what holds for every answer to it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a sender is told: the message is on disk, this run answers it, so many wait up to and with it."""

    message_id: MessageId
    run_id: RunId
    seq: int
    is_queued: bool
    queue_depth: int


@dataclass(frozen=True, slots=True)
class Conversation:
    """What has been said and what is waiting. `place`, the mark of where it lives, `has_lane` and `is_closing` are of
    this process; lines tell the rest.

    Runs and messages are kept in persistent maps, so that a step on a long conversation copies nothing.
    """

    thread_id: ThreadId
    notebook: str | None = None
    place: str | None = None
    seq: int = 0
    head: RunId | None = None
    running: Run | None = None
    queue: tuple[Waiting, ...] = ()
    runs: HashTrieMap[RunId, Run] = field(default_factory=HashTrieMap)
    accepted: HashTrieMap[MessageId, Accepted] = field(default_factory=HashTrieMap)
    message_count: int = 0
    last_words: str = ""
    updated: str = ""
    asked: Asked | None = None
    decided: Decided | None = None
    granted: frozenset[str] = frozenset()
    """What a person has granted for the whole thread: tools, and consents that several tools share."""
    wanted: Mapping[str, str] = field(default_factory=dict)
    """The permissions in the settings of whoever of the thread's own people sent last, by the tool's name."""
    consent: str | None = None
    """The mark of the notebook's folder that a person lets its tools read."""
    wishes: Options = field(default_factory=Options)
    """What the sender of the message that was answered last asked for beside the words."""
    origin: str | None = None
    """The door for programs by which its first message came; `None` where a person began it."""
    is_listed: bool = False
    """Whether anything was said here that belongs in lists."""
    chosen_title: str | None = None
    first_words: str | None = None
    titled_at: int = 0
    cancel_asked: RunId | None = None
    is_deleted: bool = False
    has_lane: bool = False
    is_closing: bool = False

    @property
    def title(self) -> str:
        """The title a person gave it, else its first words, if it can be no command, else "Untitled chat"."""
        if self.chosen_title is not None:
            return self.chosen_title or UNTITLED
        return self.first_words or UNTITLED

    @property
    def is_busy(self) -> bool:
        """Whether a run is in flight or waiting."""
        return self.running is not None or bool(self.queue)

    @property
    def may_go_on(self) -> bool:
        """Whether the next message may be answered now: none is being, and no person is asked anything."""
        return bool(self.queue) and self.running is None and self.asked is None and not self.is_closing

    @property
    def wants_lane(self) -> bool:
        """Whether there is work that only the lane's holder may do."""
        has_work = self.running is not None or self.may_go_on or self.is_deleted
        return has_work and not self.has_lane and not self.is_closing

    @property
    def may_release_lane(self) -> bool:
        """Whether the lane is held for nothing: another server may need it."""
        return self.has_lane and self.running is None and not self.may_go_on and not self.is_deleted

    @property
    def is_cancel_asked(self) -> bool:
        """Whether another process has asked to stop the run in flight."""
        return self.running is not None and self.cancel_asked == self.running.run_id

    def has_run(self, run_id: RunId) -> bool:
        """Whether a run of this id has begun here, or waits to."""
        return run_id in self.runs or any(each.run_id == run_id for each in self.queue)

    def receipt(self, message_id: MessageId, run_id: RunId | None = None) -> Receipt:
        """The receipt for an accepted message; for the run that regenerates it, where one is named."""
        accepted = self.accepted[message_id]
        run_id = run_id or accepted.run_id
        depth = next((place for place, each in enumerate(self.queue, 1) if each.run_id == run_id), 0)
        return Receipt(message_id, run_id, accepted.seq, depth > 0, depth)


def is_beside(now: Conversation) -> bool:
    """Whether all that was said is what a program said beside a person's chats: no list shows it, nobody named it."""
    return bool(now.accepted) and not now.is_listed and now.chosen_title is None and not now.is_deleted
