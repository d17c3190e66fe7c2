"""The rules of order: what a conversation does about each event.

    step(conversation, event, now) -> (conversation, effects)

Pure: no clock, no disk, no ids of its own. An event that cannot be met raises a `ChatError`; nothing has happened then.

The rules kept here:
- a message is one line, accepted once: the same id with the same body is the same message, with another body an error;
- at most one run is in flight; only the lane's holder starts, ends or stops one; the oldest waiting message is next;
- whoever takes the lane first ends what a dead process left running, as `interrupted`;
- what is not of the run in flight is dropped, so a late word never lands in another answer;
- while a person is asked, nothing begins: the first answer goes on, Stop declines, what is sent waits;
- the head moves to another branch only while nothing runs, waits or is asked, so no answer changes its place;
- while a client's tool is waited for, what is sent goes on without it: that client may never come back;
- a deleted thread accepts nothing, starts nothing, and goes to the trash when its last run has ended.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .branches import end_of_branch
from .conversation import Asked, Conversation, Run, Waiting, adopt, fingerprint
from .errors import (
    Busy,
    IdempotencyMismatch,
    Malformed,
    MessageNotFound,
    NotWaiting,
    RunInProgress,
    RunNotFound,
    Stale,
    ThreadDeleted,
)
from .events import (
    Answered,
    Append,
    Cancelled,
    Closed,
    Consented,
    Contributed,
    Deleted,
    Earlier,
    Effect,
    Ended,
    Event,
    Foreign,
    Imported,
    LaneReleased,
    LaneTaken,
    Rebound,
    Regenerated,
    Remove,
    Renamed,
    Said,
    Sent,
    Show,
    Start,
    Stop,
    Stopping,
    Switched,
    Withdrew,
)
from .ids import MessageId, RunId
from .transcript import (
    AnswerLine,
    ApprovalLine,
    CancelLine,
    ConsentLine,
    DeletedLine,
    HeadLine,
    ImportedLine,
    Line,
    Message,
    MessageLine,
    NotebookLine,
    Options,
    RunLine,
    StartLine,
    TitleLine,
    WithdrawnLine,
)

MOST_WAITING = 100

_OF_THE_LIVING = (Sent, Regenerated, Answered, Switched, Withdrew, Renamed, Consented, Rebound)
"""What a deleted thread refuses."""

Stepped = tuple[Conversation, tuple[Effect, ...]]


def step(conversation: Conversation, event: Event, now: str) -> Stepped:
    """The conversation after `event`, and what to do about it, in that order. `now` is ISO 8601, UTC."""
    if isinstance(event, Said):  # the path of every word: no draft of lines, no look at what is next
        return conversation, _heard(conversation, event)
    if conversation.is_deleted and isinstance(event, _OF_THE_LIVING):
        raise ThreadDeleted(f"Thread {conversation.thread_id} has been deleted.")
    drafting = _Drafting(conversation, now)
    _decide(drafting, event)
    _go_on(drafting)
    return drafting.after, drafting.effects()


class _Drafting:
    """The lines and effects of one step while they are being chosen."""

    def __init__(self, conversation: Conversation, now: str) -> None:
        self.after = conversation
        self.now = now
        self.lines: list[Line] = []
        self.acts: list[Effect] = []
        self.is_synced = False

    def write(self, line: Line) -> None:
        self.lines.append(line)
        self.after = adopt(self.after, line)

    def place(self) -> tuple[int, str]:
        """The number and time of the next line."""
        return self.after.seq + 1, self.now

    def effects(self) -> tuple[Effect, ...]:
        written = (Append(tuple(self.lines), self.is_synced),) if self.lines else ()
        return (*written, *self.acts)


def _heard(conversation: Conversation, event: Said) -> tuple[Effect, ...]:
    if not _is_ours(conversation, event.run_id):
        return ()
    return (Stop(event.run_id),) if conversation.is_deleted else (Show(event.event),)


def _is_ours(conversation: Conversation, run_id: RunId) -> bool:
    running = conversation.running
    return conversation.has_lane and running is not None and running.run_id == run_id


def _decide(drafting: _Drafting, event: Event) -> None:
    if isinstance(event, Foreign):
        drafting.after = adopt(drafting.after, event.line)
        _heed_cancel(drafting)
    elif isinstance(event, LaneTaken):
        _take_lane(drafting, event)
    elif isinstance(event, LaneReleased):
        drafting.after = replace(drafting.after, has_lane=False)
    elif isinstance(event, Closed):
        drafting.after = replace(drafting.after, is_closing=True)
    elif isinstance(event, Sent):
        _accept(drafting, event)
    elif isinstance(event, Imported):
        _bring_in(drafting, event)
    elif isinstance(event, Regenerated):
        _regenerate(drafting, event)
    elif isinstance(event, Answered):
        _answer(drafting, event)
    elif isinstance(event, Switched):
        _switch(drafting, event.run_id)
    elif isinstance(event, Withdrew):
        _withdraw(drafting, event.message_id)
    elif isinstance(event, Cancelled):
        _cancel(drafting, event.run_id)
    elif isinstance(event, Contributed):
        _keep(drafting, event.run_id, event.message)
    elif isinstance(event, Ended):
        _end(drafting, event)
    elif isinstance(event, Renamed):
        _rename(drafting, event)
    elif isinstance(event, Consented):
        if event.folder != drafting.after.consent:
            _write_synced(drafting, ConsentLine(*drafting.place(), event.folder, event.by))
    elif isinstance(event, Rebound):
        _write_synced(drafting, NotebookLine(*drafting.place(), event.notebook))
    elif isinstance(event, Deleted) and not drafting.after.is_deleted:
        _delete(drafting, event)


def _delete(drafting: _Drafting, event: Deleted) -> None:
    if event.seen_at not in (None, drafting.after.seq):
        raise Stale("The thread has gone on since you looked.")
    _write_synced(drafting, DeletedLine(*drafting.place()))


def _rename(drafting: _Drafting, event: Renamed) -> None:
    if event.seen_at not in (None, drafting.after.titled_at):
        raise Stale(f"The thread was renamed to {drafting.after.title!r} since you looked.")
    _write_synced(drafting, TitleLine(*drafting.place(), event.title))


def _write_synced(drafting: _Drafting, line: Line) -> None:
    drafting.write(line)
    drafting.is_synced = True


def _heed_cancel(drafting: _Drafting) -> None:
    running = drafting.after.running
    if running and drafting.after.has_lane and drafting.after.is_cancel_asked:
        drafting.acts.append(Stop(running.run_id))


def _take_lane(drafting: _Drafting, event: LaneTaken) -> None:
    if drafting.after.has_lane:
        return
    drafting.after = replace(drafting.after, has_lane=True)
    left = drafting.after.running
    if left is None:
        return
    for message in event.said:
        drafting.write(MessageLine(*drafting.place(), message, left.run_id))
    error = {"code": "interrupted", "message": "The server stopped while this was being answered."}
    _write_synced(drafting, RunLine(*drafting.place(), left.run_id, "interrupted", error=error))


def _accept(drafting: _Drafting, event: Sent) -> None:
    now = drafting.after
    known = now.accepted.get(event.message_id)
    if known is not None:
        if known.fingerprint != fingerprint(event.content):
            raise IdempotencyMismatch(f"Message {event.message_id} was accepted before with another content.")
        return
    if event.mode == "reject" and now.is_busy:
        raise RunInProgress("An answer is being made in this thread; send with mode=queue to wait for it.")
    if event.mode == "interrupt":
        _cancel_all(drafting)
    elif len(now.queue) >= MOST_WAITING:
        raise Busy(f"{MOST_WAITING} messages are waiting in this thread already; try again when some are answered.")
    parent = event.options.parent_run_id
    if parent is not None and parent not in now.runs:
        raise Malformed(f"There is no run {parent} in this thread to branch from.")
    asked = drafting.after.asked
    if asked is not None and asked.is_clients:
        _decline(drafting, asked)
    options = replace(event.options, place=now.place)
    earlier = event.earlier if _takes_earlier(drafting.after, options) else ()
    follows = options.parent_run_id if options.is_branch else drafting.after.head
    for turn in earlier:
        if turn.question is not None:
            # The message it comes with says whether the thread is listed.
            said = Options(door=options.door, is_listed=False, keeps_history=options.keeps_history, place=now.place)
            said = replace(said, visitor=options.visitor)
            _recall(drafting, turn, turn.question, said, follows)
            follows = turn.run_id
    if options.is_branch:
        options = replace(options, parent_run_id=follows)
    message: dict[str, Any] = {"id": event.message_id, "role": "user", "content": event.content}
    kept = {"context": list(event.context) if event.context else None, "call": event.call}
    jupyter = {name: value for name, value in kept.items() if value is not None}
    if jupyter:
        message["metadata"] = {"jupyter": jupyter}
    _write_synced(drafting, MessageLine(*drafting.place(), message, event.run_id, options))
    for turn in earlier:
        if turn.question is None:
            _note_answer(drafting, turn, event.message_id, drafting.after.head)


def _takes_earlier(now: Conversation, options: Options) -> bool:
    """Whether what was said elsewhere has a place: before all else, or on a branch while nothing else goes on."""
    is_quiet = not now.is_busy and now.asked is None
    return (now.head is None and not now.accepted) or (options.is_branch and is_quiet)


def _bring_in(drafting: _Drafting, event: Imported) -> None:
    if drafting.after.accepted:
        return
    drafting.write(ImportedLine(*drafting.place(), event.source))
    if event.title is not None:
        drafting.write(TitleLine(*drafting.place(), event.title))
    for turn in event.turns:
        if turn.question is not None:
            _recall(drafting, turn, turn.question, Options(place=drafting.after.place), drafting.after.head)
    drafting.is_synced = True


def _recall(drafting: _Drafting, turn: Earlier, question: Message, options: Options, follows: RunId | None) -> None:
    """A turn that was said elsewhere, as if it had been said here, after that run."""
    drafting.write(MessageLine(*drafting.place(), question, turn.run_id, options))
    _note_answer(drafting, turn, question["id"], follows)


def _note_answer(drafting: _Drafting, turn: Earlier, message_id: MessageId, follows: RunId | None) -> None:
    """An answer that was made elsewhere. It begins and ends in one write, so it needs no lane."""
    drafting.write(StartLine(*drafting.place(), turn.run_id, message_id, follows))
    for message in turn.said:
        drafting.write(MessageLine(*drafting.place(), message, turn.run_id))
    drafting.write(RunLine(*drafting.place(), turn.run_id, "success"))


def _regenerate(drafting: _Drafting, event: Regenerated) -> None:
    now = drafting.after
    if event.run_id in now.runs:  # the same request again
        if now.runs[event.run_id].message_id != event.message_id:
            raise IdempotencyMismatch(f"A request with this id was to answer another message than {event.message_id}.")
        return
    accepted = now.accepted.get(event.message_id)
    first = now.runs.get(accepted.run_id) if accepted else None
    if first is None:
        raise MessageNotFound(f"Message {event.message_id} has no answer in this thread that could be made again.")
    if now.is_busy or not now.has_lane:
        raise RunInProgress("An answer is being made in this thread; stop it or wait for it.")
    _start(drafting, event.run_id, event.message_id, first.parent_run_id, first.model, event.visitor)
    drafting.is_synced = True


def _answer(drafting: _Drafting, event: Answered) -> None:
    now = drafting.after
    if event.run_id in now.runs:  # the same answer again
        return
    asked = now.asked
    if asked is None or event.waiting_run_id not in (None, asked.run_id):
        raise NotWaiting("Nothing in this thread waits for that answer: it has been given, or the chat went on.")
    unknown = {answer.get("interruptId") for answer in event.answers} - {each.get("id") for each in asked.interrupts}
    missing = len(asked.interrupts) - len({answer.get("interruptId") for answer in event.answers})
    if unknown or missing:
        raise Malformed(f"There are {len(asked.interrupts)} questions to answer, each once, by its interruptId.")
    if not now.has_lane:
        raise RunInProgress("Another server is busy with this thread; answer again in a moment.")
    waiting = now.runs[asked.run_id]
    _write_synced(drafting, AnswerLine(*drafting.place(), asked.run_id, event.answers, event.by, now.place))
    _start(drafting, event.run_id, waiting.message_id, asked.run_id, waiting.model)


def _switch(drafting: _Drafting, run_id: RunId) -> None:
    now = drafting.after
    if run_id not in now.runs:
        raise RunNotFound(f"There is no run {run_id} in this thread to turn to.")
    if now.is_busy or now.asked is not None:
        raise RunInProgress("An answer is being made in this thread, or waits for a decision; turn to another later.")
    end = end_of_branch(now.runs, run_id)
    if end != now.head:
        _write_synced(drafting, HeadLine(*drafting.place(), end))


def _withdraw(drafting: _Drafting, message_id: MessageId) -> None:
    accepted = drafting.after.accepted.get(message_id)
    if accepted is None:
        raise MessageNotFound(f"There is no message {message_id} in this thread.")
    if accepted.run_id in drafting.after.runs:
        raise NotWaiting(f"Message {message_id} is no longer waiting: its answer has begun.")
    if any(each.message_id == message_id for each in drafting.after.queue):
        _write_synced(drafting, WithdrawnLine(*drafting.place(), message_id))


def _cancel(drafting: _Drafting, run_id: RunId | None) -> None:
    if run_id is None:
        drafting.acts.append(Stopping(_cancel_all(drafting)))
        return
    waiting = next((each for each in drafting.after.queue if each.run_id == run_id), None)
    running = drafting.after.running
    if waiting is not None:
        _withdraw(drafting, waiting.message_id)
    elif running is not None and running.run_id == run_id:
        _stop(drafting, running)
    elif drafting.after.asked is not None and drafting.after.asked.run_id == run_id:
        _decline(drafting, drafting.after.asked)
    else:
        drafting.acts.append(Stopping(()))
        return
    drafting.acts.append(Stopping((run_id,)))


def _cancel_all(drafting: _Drafting) -> tuple[RunId, ...]:
    """Stops what is running and takes back what is waiting; the runs concerned, the running one first."""
    running, waiting = drafting.after.running, drafting.after.queue
    for each in waiting:
        _withdraw(drafting, each.message_id)
    if drafting.after.asked is not None:
        _decline(drafting, drafting.after.asked)
    if running is not None:
        _stop(drafting, running)
    return (*((running.run_id,) if running else ()), *(each.run_id for each in waiting))


def _decline(drafting: _Drafting, asked: Asked) -> None:
    """Stop, where a person was asked: nothing of it will run."""
    answers = tuple({"interruptId": each.get("id"), "status": "cancelled"} for each in asked.interrupts)
    _write_synced(drafting, AnswerLine(*drafting.place(), asked.run_id, answers, place=drafting.after.place))


def _stop(drafting: _Drafting, running: Run) -> None:
    if drafting.after.has_lane:
        drafting.acts.append(Stop(running.run_id))
    else:
        _write_synced(drafting, CancelLine(*drafting.place(), running.run_id))


def _keep(drafting: _Drafting, run_id: RunId, message: Message) -> None:
    if not _is_ours(drafting.after, run_id):
        return
    drafting.write(MessageLine(*drafting.place(), message, run_id))
    drafting.is_synced = bool(message.get("toolCalls"))  # what is about to act must be known to have been asked
    if drafting.after.is_deleted:
        drafting.acts.append(Stop(run_id))


def _end(drafting: _Drafting, event: Ended) -> None:
    if not _is_ours(drafting.after, event.run_id):
        return
    for message in event.said:
        drafting.write(MessageLine(*drafting.place(), message, event.run_id))
    if event.outcome == "waiting":
        drafting.write(ApprovalLine(*drafting.place(), event.run_id, event.interrupts))
    _write_synced(drafting, RunLine(*drafting.place(), event.run_id, event.outcome, event.usage, event.error))


def _go_on(drafting: _Drafting) -> None:
    """What the lane's holder does when no run is in flight: empty a deleted thread, or begin the next run."""
    now = drafting.after
    if not now.has_lane or now.running is not None:
        return
    if now.is_deleted:
        drafting.acts.append(Remove())
    elif now.may_go_on:
        _start_waiting(drafting, now.queue[0])


def _start_waiting(drafting: _Drafting, waiting: Waiting) -> None:
    options: Options = waiting.options
    parent = options.parent_run_id if options.is_branch else drafting.after.head
    _start(drafting, waiting.run_id, waiting.message_id, parent, options.model)


def _start(
    drafting: _Drafting,
    run_id: RunId,
    message_id: MessageId,
    parent: RunId | None,
    model: str | None,
    visitor: str | None = None,
) -> None:
    drafting.write(StartLine(*drafting.place(), run_id, message_id, parent, model, visitor))
    drafting.acts.append(Start(run_id, message_id, model))
