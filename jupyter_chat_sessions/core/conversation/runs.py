"""What the lines of a run do: it begins, with what the sender of its message asked for, and it ends once."""

from __future__ import annotations

from dataclasses import replace

from ..transcript import FOLLOWS_HEAD, Options, RunLine, StartLine
from .messages import NO_WISHES
from .value import Conversation, Run


def with_start(before: Conversation, line: StartLine) -> Conversation:
    """The conversation with this run in flight, and at its head."""
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
    wishes = NO_WISHES if accepted is None else accepted.wishes
    return wishes if line.visitor is None else replace(wishes, visitor=line.visitor)


def with_outcome(before: Conversation, line: RunLine) -> Conversation:
    """The conversation with this run over."""
    run = before.runs.get(line.run_id)
    runs = before.runs if run is None else before.runs.insert(line.run_id, replace(run, outcome=line.outcome))
    has_ended = before.running is not None and before.running.run_id == line.run_id
    seq = max(before.seq, line.seq)
    return replace(before, seq=seq, runs=runs, running=None if has_ended else before.running)
