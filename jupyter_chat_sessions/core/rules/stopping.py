"""What is taken back or stopped: a message while it waits, a run while it is made, a question while it is asked."""

from __future__ import annotations

from ..conversation import Run
from ..errors import MessageNotFound, NotWaiting
from ..events import Cancelled, Stop, Stopping, Withdrew
from ..ids import MessageId, RunId
from ..transcript import CancelLine, WithdrawnLine
from .deciding import decline
from .drafting import Drafting


def withdraw(drafting: Drafting, event: Withdrew) -> None:
    """Takes back a message that no run has begun to answer; one taken back before stays so."""
    now = drafting.after
    accepted = now.accepted.get(event.message_id)
    if accepted is None:
        raise MessageNotFound(f"There is no message {event.message_id} in this thread.")
    if accepted.run_id in now.runs:
        raise NotWaiting(f"Message {event.message_id} is no longer waiting: its answer has begun.")
    if any(each.message_id == event.message_id for each in now.queue):
        _take_back(drafting, event.message_id)


def cancel(drafting: Drafting, event: Cancelled) -> None:
    """Stops one run, whether it waits, is made, or asks; or all of them. What is over already is left as it is."""
    drafting.acts.append(Stopping(stop_all(drafting) if event.run_id is None else _stop_one(drafting, event.run_id)))


def stop_all(drafting: Drafting) -> tuple[RunId, ...]:
    """Stops what is running and takes back what is waiting; the runs concerned, the running one first."""
    running, waiting, asked = drafting.after.running, drafting.after.queue, drafting.after.asked
    for each in waiting:
        _take_back(drafting, each.message_id)
    if asked is not None:
        decline(drafting, asked)
    if running is not None:
        _stop(drafting, running)
    return (*((running.run_id,) if running else ()), *(each.run_id for each in waiting))


def _stop_one(drafting: Drafting, run_id: RunId) -> tuple[RunId, ...]:
    now = drafting.after
    waiting = next((each for each in now.queue if each.run_id == run_id), None)
    if waiting is not None:
        _take_back(drafting, waiting.message_id)
    elif now.running is not None and now.running.run_id == run_id:
        _stop(drafting, now.running)
    elif now.asked is not None and now.asked.run_id == run_id:
        decline(drafting, now.asked)
    else:
        return ()
    return (run_id,)


def _take_back(drafting: Drafting, message_id: MessageId) -> None:
    drafting.write_synced(WithdrawnLine(*drafting.place(), message_id))


def _stop(drafting: Drafting, running: Run) -> None:
    """Who does not hold the lane asks its holder, by a line."""
    if drafting.after.has_lane:
        drafting.acts.append(Stop(running.run_id))
    else:
        drafting.write_synced(CancelLine(*drafting.place(), running.run_id))
