"""Who may run the thread: one process at a time. Whoever takes the lane ends what a dead process left running."""

from __future__ import annotations

from dataclasses import replace

from ..conversation import adopt
from ..events import Closed, Foreign, LaneReleased, LaneTaken, Stop
from ..transcript import MessageLine, RunLine
from .drafting import Drafting

_LEFT = {"code": "interrupted", "message": "The server stopped while this was being answered."}


def follow(drafting: Drafting, event: Foreign) -> None:
    """Adopts what another process wrote; the lane's holder heeds it where that asks to stop the run in flight."""
    drafting.after = adopt(drafting.after, event.line)
    running = drafting.after.running
    if running and drafting.after.has_lane and drafting.after.is_cancel_asked:
        drafting.acts.append(Stop(running.run_id))


def take(drafting: Drafting, event: LaneTaken) -> None:
    """Holds the lane from now on; a run that nobody makes any more has been interrupted."""
    if drafting.after.has_lane:
        return
    drafting.after = replace(drafting.after, has_lane=True)
    left = drafting.after.running
    if left is None:
        return
    for message in event.said:
        drafting.write(MessageLine(*drafting.place(), message, left.run_id))
    drafting.write_synced(RunLine(*drafting.place(), left.run_id, "interrupted", error=_LEFT))


def release(drafting: Drafting, event: LaneReleased) -> None:
    """Holds the lane no more."""
    drafting.after = replace(drafting.after, has_lane=False)


def close(drafting: Drafting, event: Closed) -> None:
    """Begins nothing any more; what is running may end."""
    drafting.after = replace(drafting.after, is_closing=True)
