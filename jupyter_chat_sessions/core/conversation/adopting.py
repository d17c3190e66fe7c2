"""What each line does to a conversation, by its type: it never refuses, for what stands on disk has happened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ..ids import ThreadId
from ..transcript import (
    AnswerLine,
    ApprovalLine,
    CancelLine,
    ConsentLine,
    DeletedLine,
    Header,
    HeadLine,
    Line,
    MessageLine,
    NotebookLine,
    RestoredLine,
    RunLine,
    StartLine,
    TitleLine,
    WithdrawnLine,
)
from .asking import Asked, decided_by, granted_by
from .messages import with_message
from .runs import with_outcome, with_start
from .value import Conversation


def begin(
    thread_id: ThreadId, header: Header | None, lines: Iterable[Line] = (), place: str | None = None
) -> Conversation:
    """The conversation that a header and lines tell to whoever reads them in this place."""
    conversation = Conversation(thread_id, notebook=header.notebook if header else None, place=place)
    for line in lines:
        conversation = adopt(conversation, line)
    return conversation


def moved(before: Conversation, place: str | None) -> Conversation:
    """The conversation in another place, where nothing has been granted or asked yet."""
    return replace(before, place=place, queue=(), asked=None, granted=frozenset(), wanted={}, decided=None)


def adopt(conversation: Conversation, line: Line) -> Conversation:
    """The conversation after this line."""
    told = TOLD_BY.get(type(line))
    after = conversation if told is None else told(conversation, line)
    return after if after.seq >= line.seq else replace(after, seq=line.seq)


def _with_question(before: Conversation, line: ApprovalLine) -> Conversation:
    if line.place != before.place:  # who wrote it there could ask for one thing and have another run
        return before
    return replace(before, asked=Asked(line.run_id, line.interrupts))


def _with_answers(before: Conversation, line: AnswerLine) -> Conversation:
    if before.asked is None or before.asked.run_id != line.run_id:
        return before
    if line.place != before.place:
        return replace(before, asked=None, granted=frozenset())
    granted = before.granted | granted_by(line, before.asked)
    return replace(before, asked=None, decided=decided_by(line, before.asked), granted=granted)


def _with_withdrawn(before: Conversation, line: WithdrawnLine) -> Conversation:
    return replace(before, queue=tuple(each for each in before.queue if each.message_id != line.message_id))


def _with_head(before: Conversation, line: HeadLine) -> Conversation:
    return replace(before, head=line.run_id, asked=None)


def _with_cancel(before: Conversation, line: CancelLine) -> Conversation:
    return replace(before, cancel_asked=line.run_id or (before.running.run_id if before.running else None))


def _with_title(before: Conversation, line: TitleLine) -> Conversation:
    return replace(before, chosen_title=line.title, titled_at=line.seq)


def _with_consent(before: Conversation, line: ConsentLine) -> Conversation:
    return replace(before, consent=line.folder)


def _with_notebook(before: Conversation, line: NotebookLine) -> Conversation:
    return replace(before, notebook=line.notebook)


def _deleted(before: Conversation, line: DeletedLine) -> Conversation:
    return replace(before, is_deleted=True)


def _restored(before: Conversation, line: RestoredLine) -> Conversation:
    return replace(before, is_deleted=False)


TOLD_BY: Mapping[type[Line], Callable[[Conversation, Any], Conversation]] = {
    MessageLine: with_message,
    StartLine: with_start,
    RunLine: with_outcome,
    WithdrawnLine: _with_withdrawn,
    HeadLine: _with_head,
    ApprovalLine: _with_question,
    AnswerLine: _with_answers,
    CancelLine: _with_cancel,
    TitleLine: _with_title,
    ConsentLine: _with_consent,
    NotebookLine: _with_notebook,
    DeletedLine: _deleted,
    RestoredLine: _restored,
}
"""What each line tells. A line of another type tells nothing but its number: a copy, an import, a later version's."""
