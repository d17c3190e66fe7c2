"""A thread as its lines tell it: the value a session decides with.

`adopt(conversation, line)` is the only way it changes, for our own lines and for those of others alike, so two servers
that read one transcript hold the same conversation. It never refuses: what stands on disk has happened.

A transcript may come with a copied or cloned folder. What it says was said; but what it permits, and what it has
waiting, it does not bring along: grants, settings and messages count only in the place they were given in, by its mark.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rpds import HashTrieMap

from .ids import MessageId, RunId, ThreadId
from .transcript import (
    FOLLOWS_HEAD,
    AnswerLine,
    ApprovalLine,
    CancelLine,
    ConsentLine,
    DeletedLine,
    Header,
    HeadLine,
    Line,
    MessageLine,
    NotebookLine,
    Options,
    Outcome,
    RestoredLine,
    RunLine,
    StartLine,
    TitleLine,
    WithdrawnLine,
    text_of,
)
from .words import gist

UNTITLED = "Untitled chat"
CLIENT_TOOL = "client_tool"
"""The reason of an interrupt that no person decides: a client runs the tool and answers with its result."""
TITLE_LENGTH = 60
PREVIEW_LENGTH = 80


_NO_WISHES = Options()


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
class Asked:
    """What a run that has ended as `waiting` asks a person: AG-UI interrupts, each of one tool call."""

    run_id: RunId
    interrupts: tuple[Mapping[str, Any], ...]

    @property
    def is_clients(self) -> bool:
        """Whether no person is asked: only results of a client's own tools are waited for."""
        return all(each.get("reason") == CLIENT_TOOL for each in self.interrupts)


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person answered to a run that asked: the answer for each of its tool calls, by the call's id."""

    run_id: RunId
    by_call: Mapping[str, Mapping[str, Any]]
    shown: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the person was shown of a call, by its id: what they allowed is that."""


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
    Runs and messages are kept in persistent maps, so that a step on a long conversation copies nothing."""

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
        """The title a person gave it, else its first words, else "Untitled chat"."""
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

    def has_run(self, run_id: RunId) -> bool:
        """Whether a run of this id has begun here, or waits to."""
        return run_id in self.runs or any(each.run_id == run_id for each in self.queue)

    def receipt(self, message_id: MessageId, run_id: RunId | None = None) -> Receipt:
        """The receipt for an accepted message; for the run that regenerates it, where one is named."""
        accepted = self.accepted[message_id]
        run_id = run_id or accepted.run_id
        depth = next((place for place, each in enumerate(self.queue, 1) if each.run_id == run_id), 0)
        return Receipt(message_id, run_id, accepted.seq, depth > 0, depth)

    @property
    def is_cancel_asked(self) -> bool:
        """Whether another process has asked to stop the run in flight."""
        return self.running is not None and self.cancel_asked == self.running.run_id


def begin(
    thread_id: ThreadId, header: Header | None, lines: Iterable[Line] = (), place: str | None = None
) -> Conversation:
    """The conversation that a header and lines tell to whoever reads them in this place."""
    conversation = Conversation(thread_id, notebook=header.notebook if header else None, place=place)
    for line in lines:
        conversation = adopt(conversation, line)
    return conversation


def is_beside(now: Conversation) -> bool:
    """Whether all that was said is what a program said beside a person's chats: no list shows it, nobody named it."""
    return bool(now.accepted) and not now.is_listed and now.chosen_title is None and not now.is_deleted


def moved(before: Conversation, place: str | None) -> Conversation:
    """The conversation in another place, where nothing has been granted yet."""
    return replace(before, place=place, queue=(), granted=frozenset(), wanted={}, decided=None)


def adopt(conversation: Conversation, line: Line) -> Conversation:
    """The conversation after this line."""
    after = _adopted(conversation, line)
    return after if after.seq >= line.seq else replace(after, seq=line.seq)


def _adopted(before: Conversation, line: Line) -> Conversation:
    if isinstance(line, MessageLine):
        return _with_message(before, line)
    if isinstance(line, StartLine):
        return _with_start(before, line)
    if isinstance(line, RunLine):
        return _with_outcome(before, line)
    if isinstance(line, WithdrawnLine):
        return replace(before, queue=tuple(each for each in before.queue if each.message_id != line.message_id))
    if isinstance(line, HeadLine):
        return replace(before, head=line.run_id, asked=None)
    if isinstance(line, ApprovalLine):
        return replace(before, asked=Asked(line.run_id, line.interrupts))
    if isinstance(line, AnswerLine):
        return _with_answers(before, line)
    if isinstance(line, CancelLine):
        target = line.run_id or (before.running.run_id if before.running else None)
        return replace(before, cancel_asked=target)
    if isinstance(line, TitleLine):
        return replace(before, chosen_title=line.title, titled_at=line.seq)
    if isinstance(line, ConsentLine):
        return replace(before, consent=line.folder)
    if isinstance(line, NotebookLine):
        return replace(before, notebook=line.notebook)
    if isinstance(line, (DeletedLine, RestoredLine)):
        return replace(before, is_deleted=isinstance(line, DeletedLine))
    return before


def _with_message(before: Conversation, line: MessageLine) -> Conversation:
    message_id = MessageId(line.message["id"])
    changes = _words(before, line)
    if line.message["role"] == "user" and line.run_id is not None and message_id not in before.accepted:
        changes |= _acceptance(before, line, message_id, line.run_id)
    return replace(before, **changes)


def _acceptance(before: Conversation, line: MessageLine, message_id: MessageId, run_id: RunId) -> dict[str, Any]:
    """What a person's message changes beside what lists show."""
    wishes = _lasting(line.options, is_here=line.options.place == before.place)
    accepted = Accepted(run_id, line.seq, fingerprint(line.message.get("content")), wishes)
    changes = {
        "accepted": before.accepted.insert(message_id, accepted),
        "origin": before.origin if before.accepted else line.options.door,
        "is_listed": before.is_listed or line.options.is_listed,
        "first_words": before.first_words or gist(text_of(line.message), TITLE_LENGTH) or None,
    }
    if line.options.place != before.place:
        return {**changes, "wanted": {}}
    is_kept = line.options.permissions is None or line.options.visitor is not None  # theirs are for their own message
    return {
        **changes,
        "queue": (*before.queue, Waiting(message_id, run_id, line.seq, line.options)),
        "wanted": before.wanted if is_kept else line.options.permissions,
    }


def _words(before: Conversation, line: MessageLine) -> dict[str, Any]:
    """What a message changes in lists of threads: how many there are, the last words, when."""
    when = max(before.updated, line.created)  # a clock that is set back takes no thread down the list
    changes: dict[str, Any] = {"updated": when, "seq": max(before.seq, line.seq)}
    if line.message["role"] == "tool":
        return changes
    words = gist(text_of(line.message), PREVIEW_LENGTH)
    return {**changes, "message_count": before.message_count + 1, "last_words": words or before.last_words}


def _with_start(before: Conversation, line: StartLine) -> Conversation:
    parent = before.head if line.parent_run_id == FOLLOWS_HEAD else line.parent_run_id
    run = Run(line.run_id, line.message_id, parent, line.model, seq=line.seq)
    goes_on = _goes_on(before, line)
    return replace(
        before,
        seq=max(before.seq, line.seq),
        running=run,
        asked=None,
        decided=before.decided if goes_on else None,
        wishes=before.wishes if goes_on else _wishes(before, line),
        runs=before.runs.insert(run.run_id, run),
        head=run.run_id,
        queue=tuple(each for each in before.queue if each.run_id != run.run_id),
    )


def _goes_on(before: Conversation, line: StartLine) -> bool:
    """Whether the run goes on from what was just decided, for the same message, and so keeps what the first one had."""
    if before.decided is None or before.decided.run_id != line.parent_run_id:
        return False
    decided = before.runs.get(before.decided.run_id)
    return decided is not None and decided.message_id == line.message_id


def _wishes(before: Conversation, line: StartLine) -> Options:
    """Those of the message that is answered now."""
    waiting = next((each for each in before.queue if each.run_id == line.run_id), None)
    if waiting is not None:
        return waiting.options
    accepted = before.accepted.get(line.message_id)
    wishes = _NO_WISHES if accepted is None else accepted.wishes
    return wishes if line.visitor is None else replace(wishes, visitor=line.visitor)


def _lasting(options: Options, *, is_here: bool) -> Options:
    """What holds when the message is answered again. What was asked for in another place is not heeded in this one."""
    if options.instructions is None and options.tool_names is None and options.visitor is None:
        return _NO_WISHES
    instructions = options.instructions if is_here else None
    return Options(instructions=instructions, tool_names=options.tool_names, visitor=options.visitor)


def _with_answers(before: Conversation, line: AnswerLine) -> Conversation:
    if before.asked is None or before.asked.run_id != line.run_id:
        return before
    always = {
        answer.get("interruptId") for answer in line.answers if is_approved(answer) and _payload(answer).get("always")
    }
    grants = {
        str(each.get("grant") or each.get("tool"))
        for each in before.asked.interrupts
        if each.get("id") in always and each.get("always") is not False
    }
    shown = {str(each.get("toolCallId")): each["shown"] for each in before.asked.interrupts if each.get("shown")}
    call_of = {each.get("id"): str(each.get("toolCallId")) for each in before.asked.interrupts}
    by_call = {
        call_of[answer.get("interruptId")]: answer for answer in line.answers if answer.get("interruptId") in call_of
    }
    if line.place != before.place:
        return replace(before, asked=None, granted=frozenset())
    decided = Decided(line.run_id, by_call, shown)
    return replace(before, asked=None, decided=decided, granted=before.granted | grants)


def is_approved(answer: Mapping[str, Any]) -> bool:
    """Whether an answer (AG-UI: `interruptId`, `status`, `payload`) lets its tool call run."""
    return answer.get("status") == "resolved" and _payload(answer).get("approve") is True


def _payload(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = answer.get("payload")
    return payload if isinstance(payload, dict) else {}


def _with_outcome(before: Conversation, line: RunLine) -> Conversation:
    run = before.runs.get(line.run_id)
    runs = before.runs if run is None else before.runs.insert(line.run_id, replace(run, outcome=line.outcome))
    has_ended = before.running is not None and before.running.run_id == line.run_id
    seq = max(before.seq, line.seq)
    return replace(before, seq=seq, runs=runs, running=None if has_ended else before.running)


def fingerprint(content: Any) -> bytes:
    """16 bytes that tell one message body from another."""
    body = json.dumps(content, sort_keys=True, ensure_ascii=True).encode()
    return hashlib.blake2b(body, digest_size=16).digest()
