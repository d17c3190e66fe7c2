"""What a conversation does about each event: the one door to the rules of order.

    step(conversation, event, now) -> (conversation, effects)

Pure: no clock, no disk, no ids of its own. An event that cannot be met raises a `ChatError`; nothing has happened then.

The rules, each in the module of `core.rules` that the tables below name for its event:
- a message is one line, accepted once: the same id with the same body is the same message, with another body an error;
- at most one run is in flight; only the lane's holder starts, ends or stops one; the oldest waiting message is next;
- whoever takes the lane first ends what a dead process left running, as `interrupted`;
- what is not of the run in flight is dropped, so a late word never lands in another answer;
- while a person is asked, nothing begins: the first answer goes on, Stop declines, what is sent waits;
- the head moves to another branch only while nothing runs, waits or is asked, so no answer changes its place;
- while a client's tool is waited for, what is sent goes on without it: that client may never come back;
- a process that is about to stop begins nothing, whatever is asked for;
- a deleted thread accepts nothing, starts nothing, and goes to the trash when its last run has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .conversation import Conversation
from .errors import ThreadDeleted
from .events import (
    Answered,
    Cancelled,
    Closed,
    Consented,
    Contributed,
    Deleted,
    Effect,
    Ended,
    Event,
    Foreign,
    Imported,
    LaneReleased,
    LaneTaken,
    Rebound,
    Regenerated,
    Renamed,
    Said,
    Sent,
    Switched,
    Withdrew,
)
from .rules import branching, deciding, keeping, lane, recalling, running, sending, stopping
from .rules.drafting import Drafting

Rule = Callable[[Drafting, Any], None]

OF_THE_LIVING: Mapping[type[Event], Rule] = {
    Sent: sending.accept,
    Withdrew: stopping.withdraw,
    Regenerated: branching.answer_again,
    Switched: branching.turn,
    Answered: deciding.answer,
    Imported: recalling.bring_in,
    Renamed: keeping.rename,
    Consented: keeping.consent,
    Rebound: keeping.rebind,
}
"""What a deleted thread refuses."""

TO_THE_END: Mapping[type[Event], Rule] = {
    Contributed: running.keep,
    Ended: running.end,
    Cancelled: stopping.cancel,
    Deleted: keeping.delete,
    Foreign: lane.follow,
    LaneTaken: lane.take,
    LaneReleased: lane.release,
    Closed: lane.close,
}
"""What is met in a deleted thread too, until its last run has ended."""

_RULES = {**OF_THE_LIVING, **TO_THE_END}


def step(conversation: Conversation, event: Event, now: str) -> tuple[Conversation, tuple[Effect, ...]]:
    """The conversation after `event`, and what to do about it, in that order. `now` is ISO 8601, UTC."""
    if isinstance(event, Said):  # the path of every word: no draft of lines, no look at what is next
        return conversation, running.hear(conversation, event)
    if conversation.is_deleted and type(event) in OF_THE_LIVING:
        raise ThreadDeleted(f"Thread {conversation.thread_id} has been deleted.")
    drafting = Drafting(conversation, now)
    _RULES[type(event)](drafting, event)
    running.go_on(drafting)
    return drafting.after, drafting.effects()
