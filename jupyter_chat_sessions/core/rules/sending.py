"""What is sent: a message is one line, accepted once. The same id with the same body is the same message."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..conversation import Conversation, fingerprint
from ..errors import Busy, IdempotencyMismatch, Malformed, RunInProgress
from ..events import Sent
from ..transcript import Message, MessageLine, Options
from .deciding import decline
from .drafting import Drafting
from .recalling import note_answer, recall, takes_earlier
from .stopping import stop_all

MOST_WAITING = 100


def accept(drafting: Drafting, event: Sent) -> None:
    """Keeps the message, which waits for its turn from then on; what its client says came before it is told first."""
    if _is_known(drafting.after, event):
        return
    _make_room(drafting, event)
    options = replace(event.options, place=drafting.after.place)
    earlier = event.earlier if takes_earlier(drafting.after, options) else ()
    follows = options.parent_run_id if options.is_branch else drafting.after.head
    for turn in earlier:
        if turn.question is not None:
            recall(drafting, turn, turn.question, _of_earlier(options), follows)
            follows = turn.run_id
    if options.is_branch:
        options = replace(options, parent_run_id=follows)
    drafting.write_synced(MessageLine(*drafting.place(), _message(event), event.run_id, options))
    for turn in earlier:
        if turn.question is None:
            note_answer(drafting, turn, event.message_id, drafting.after.head)


def _is_known(now: Conversation, event: Sent) -> bool:
    known = now.accepted.get(event.message_id)
    if known is not None and known.fingerprint != fingerprint(event.content):
        raise IdempotencyMismatch(f"Message {event.message_id} was accepted before with another content.")
    if known is None and now.has_run(event.run_id):
        raise IdempotencyMismatch(f"Run {event.run_id} answers another message; each message has a run of its own.")
    return known is not None


def _make_room(drafting: Drafting, event: Sent) -> None:
    """Sees to it that the message may go into the queue, by what its sender wants done with what is in its way."""
    now = drafting.after
    if event.mode == "reject" and now.is_busy:
        raise RunInProgress("An answer is being made in this thread; send with mode=queue to wait for it.")
    if event.mode == "interrupt":
        stop_all(drafting)
    elif len(now.queue) >= MOST_WAITING:
        raise Busy(f"{MOST_WAITING} messages are waiting in this thread already; try again when some are answered.")
    parent = event.options.parent_run_id
    if parent is not None and parent not in now.runs:
        raise Malformed(f"There is no run {parent} in this thread to branch from.")
    asked = drafting.after.asked
    if asked is not None and asked.is_clients:  # that client may never come back
        decline(drafting, asked)


def _of_earlier(options: Options) -> Options:
    """Of what the sender asked for, what holds for a turn that comes along. The message says whether it is listed."""
    return Options(
        door=options.door,
        is_listed=False,
        keeps_history=options.keeps_history,
        place=options.place,
        visitor=options.visitor,
    )


def _message(event: Sent) -> Message:
    message: dict[str, Any] = {"id": event.message_id, "role": "user", "content": event.content}
    kept = {"context": list(event.context) if event.context else None, "call": event.call}
    jupyter = {name: value for name, value in kept.items() if value is not None}
    return {**message, "metadata": {"jupyter": jupyter}} if jupyter else message
