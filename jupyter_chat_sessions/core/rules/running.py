"""The run in flight: at most one. What is not of it is dropped, so a late word never lands in another answer."""

from __future__ import annotations

from ..conversation import Conversation
from ..errors import RunInProgress
from ..events import Contributed, Effect, Ended, Remove, Said, Show, Start, Stop
from ..ids import MessageId, RunId
from ..transcript import ApprovalLine, MessageLine, RunLine, StartLine
from .drafting import Drafting


def hear(conversation: Conversation, event: Said) -> tuple[Effect, ...]:
    """What a piece of an answer asks for. It changes nothing, so no step is drafted for it."""
    if not _is_ours(conversation, event.run_id):
        return ()
    return (Stop(event.run_id),) if conversation.is_deleted else (Show(event.event),)


def keep(drafting: Drafting, event: Contributed) -> None:
    """Keeps a message the run has completed."""
    if not _is_ours(drafting.after, event.run_id):
        return
    drafting.write(MessageLine(*drafting.place(), event.message, event.run_id))
    drafting.is_synced = bool(event.message.get("toolCalls"))  # what will act must be known to have been asked
    if drafting.after.is_deleted:
        drafting.acts.append(Stop(event.run_id))


def end(drafting: Drafting, event: Ended) -> None:
    """Keeps what the run had begun to say, what it asks a person, and its outcome."""
    if not _is_ours(drafting.after, event.run_id):
        return
    for message in event.said:
        drafting.write(MessageLine(*drafting.place(), message, event.run_id))
    if event.outcome == "waiting":
        drafting.write(ApprovalLine(*drafting.place(), event.run_id, event.interrupts, drafting.after.place))
    drafting.write_synced(RunLine(*drafting.place(), event.run_id, event.outcome, event.usage, event.error))


def go_on(drafting: Drafting) -> None:
    """What the lane's holder does after any event, while no run is in flight: begin the next, or empty the thread."""
    now = drafting.after
    if not now.has_lane or now.running is not None:
        return
    if now.is_deleted:
        drafting.acts.append(Remove())
    elif now.may_go_on:
        waiting = now.queue[0]
        options = waiting.options
        parent = options.parent_run_id if options.is_branch else now.head
        start(drafting, waiting.run_id, waiting.message_id, parent, options.model)


def start(
    drafting: Drafting,
    run_id: RunId,
    message_id: MessageId,
    parent: RunId | None,
    model: str | None,
    visitor: str | None = None,
) -> None:
    """Begins a run. Who calls this has seen that the lane is held and no run is in flight."""
    if drafting.after.is_closing:
        raise RunInProgress("The server is about to stop; ask again when it is back.")
    drafting.write(StartLine(*drafting.place(), run_id, message_id, parent, model, visitor))
    drafting.acts.append(Start(run_id, message_id, model))


def _is_ours(conversation: Conversation, run_id: RunId) -> bool:
    running = conversation.running
    return conversation.has_lane and running is not None and running.run_id == run_id
