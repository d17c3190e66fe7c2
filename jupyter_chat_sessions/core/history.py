"""The conversation as an agent is shown it: the messages of the path of runs from the root to a run."""

from __future__ import annotations

from collections.abc import Sequence

from .ids import RunId
from .transcript import FOLLOWS_HEAD, Line, Message, MessageLine, RunLine, StartLine


def path_of(lines: Sequence[Line], run_id: RunId) -> list[RunId]:
    """The runs from the oldest known one to `run_id`, each the parent of the next."""
    parents: dict[RunId, RunId | None] = {}
    last: RunId | None = None
    for line in lines:
        if isinstance(line, StartLine):
            parents[line.run_id] = last if line.parent_run_id == FOLLOWS_HEAD else line.parent_run_id
            last = line.run_id
    path: list[RunId] = []
    at: RunId | None = run_id
    while at is not None and at in parents and at not in path:
        path.append(at)
        at = parents[at]
    return path[::-1]


def messages_to(lines: Sequence[Line], run_id: RunId) -> list[Message]:
    """The messages an agent reads before it answers in `run_id`: each run's question, then what it said."""
    asked: dict[RunId, str] = {line.run_id: line.message_id for line in lines if isinstance(line, StartLine)}
    questions: dict[str, Message] = {}
    answers: dict[RunId, list[Message]] = {}
    for line in lines:
        if not isinstance(line, MessageLine):
            continue
        if line.message["role"] == "user":
            questions.setdefault(line.message["id"], line.message)
        elif line.run_id is not None:
            answers.setdefault(line.run_id, []).append(line.message)
    _mark_cut_short(lines, answers)
    messages: list[Message] = []
    before: str | None = None
    for each in path_of(lines, run_id):
        question = questions.get(asked[each])
        goes_on = asked[each] == before  # the run after a person's answer has the question of the run that asked
        messages += [question] if question and not goes_on else []
        messages += answers.get(each, [])
        before = asked[each]
    return messages


def _mark_cut_short(lines: Sequence[Line], answers: dict[RunId, list[Message]]) -> None:
    """Lets the last words of a run that did not succeed say so, as `metadata.jupyter.outcome`."""
    for line in lines:
        if not isinstance(line, RunLine) or line.outcome in ("success", "waiting"):
            continue
        said = answers.get(line.run_id, [])
        place = next((at for at in reversed(range(len(said))) if said[at]["role"] == "assistant"), None)
        if place is not None:
            metadata = said[place].get("metadata") or {}
            jupyter = {**metadata.get("jupyter", {}), "outcome": line.outcome}
            said[place] = {**said[place], "metadata": {**metadata, "jupyter": jupyter}}
