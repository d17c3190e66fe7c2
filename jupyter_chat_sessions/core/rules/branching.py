"""Other answers beside one, made again or turned to: only while nothing runs or waits, so none changes its place."""

from __future__ import annotations

from ..branches import end_of_branch
from ..errors import IdempotencyMismatch, MessageNotFound, RunInProgress, RunNotFound
from ..events import Regenerated, Switched
from ..transcript import HeadLine
from .drafting import Drafting
from .running import start


def answer_again(drafting: Drafting, event: Regenerated) -> None:
    """Begins another answer to the same message, beside its first; the same request again is the same run."""
    now = drafting.after
    if event.run_id in now.runs:
        if now.runs[event.run_id].message_id != event.message_id:
            raise IdempotencyMismatch(f"A request with this id was to answer another message than {event.message_id}.")
        return
    accepted = now.accepted.get(event.message_id)
    first = now.runs.get(accepted.run_id) if accepted else None
    if first is None:
        raise MessageNotFound(f"Message {event.message_id} has no answer in this thread that could be made again.")
    if now.is_busy or not now.has_lane:
        raise RunInProgress("An answer is being made in this thread; stop it or wait for it.")
    start(drafting, event.run_id, event.message_id, first.parent_run_id, first.model, event.visitor)
    drafting.is_synced = True


def turn(drafting: Drafting, event: Switched) -> None:
    """Moves the head to the end of the branch through a run; nothing is written where it is there already."""
    now = drafting.after
    if event.run_id not in now.runs:
        raise RunNotFound(f"There is no run {event.run_id} in this thread to turn to.")
    if now.is_busy or now.asked is not None:
        raise RunInProgress("An answer is being made in this thread, or waits for a decision; turn to another later.")
    end = end_of_branch(now.runs, event.run_id)
    if end != now.head:
        drafting.write_synced(HeadLine(*drafting.place(), end))
