"""What a person is asked: while they are, nothing begins. The first answer goes on; to stop is to decline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..conversation import Asked
from ..errors import Malformed, NotWaiting, RunInProgress
from ..events import Answered
from ..transcript import AnswerLine
from .drafting import Drafting
from .running import start


def answer(drafting: Drafting, event: Answered) -> None:
    """Keeps the decision and goes on from there, in a run of its own; the same answer again is the same run."""
    now = drafting.after
    if event.run_id in now.runs:
        return
    asked = now.asked
    if asked is None or event.waiting_run_id not in (None, asked.run_id):
        raise NotWaiting("Nothing in this thread waits for that answer: it has been given, or the chat went on.")
    if not _fits(event.answers, asked):
        raise Malformed(f"There are {len(asked.interrupts)} questions to answer, each once, by its interruptId.")
    if not now.has_lane:
        raise RunInProgress("Another server is busy with this thread; answer again in a moment.")
    waiting = now.runs[asked.run_id]
    drafting.write_synced(AnswerLine(*drafting.place(), asked.run_id, event.answers, event.by, now.place))
    start(drafting, event.run_id, waiting.message_id, asked.run_id, waiting.model)


def _fits(answers: Sequence[Mapping[str, Any]], asked: Asked) -> bool:
    """Whether every question is answered, once, and nothing else is."""
    answered = [each.get("interruptId") for each in answers]
    return len(answered) == len(asked.interrupts) and all(each["id"] in answered for each in asked.interrupts)


def decline(drafting: Drafting, asked: Asked) -> None:
    """Answers no to all that is asked: nothing of it will run."""
    answers = tuple({"interruptId": each["id"], "status": "cancelled"} for each in asked.interrupts)
    drafting.write_synced(AnswerLine(*drafting.place(), asked.run_id, answers, place=drafting.after.place))
