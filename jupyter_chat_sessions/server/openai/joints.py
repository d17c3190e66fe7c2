"""Where a request's history meets the thread: what of it is new, and what that follows.

The rule kept here: a client that sends its history again adds only what is new, also where it left out the beginning,
the middle, or put other words before its own. Where it took turns back or changed a question, what it says now stands
on a branch beside the thread's own words, as an edit in the chat does. What others said in the thread, or what is being
answered for somebody, is not taken back by who does not know it: then the question follows at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from ...core.history import path_of
from ...core.ids import RunId
from ...core.transcript import Line, Message, MessageLine, StartLine, text_of
from .given import Turn, Words, joined


@dataclass(frozen=True, slots=True)
class Known:
    """A turn of the thread's path: its question and its answer without blanks, and the run that it ends with.

    `is_kept`: who asked it keeps the history too, and knows it.
    """

    message_id: str
    run_id: RunId
    question: str
    answer: str
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Joint:
    """What is new, and what it follows: the head; or, on a branch, the run `parent` (`None`: the root) and `missing`,
    turns of the client's that the thread has not got."""

    words: Words
    is_branch: bool = False
    parent: RunId | None = None
    missing: tuple[Turn, ...] = ()


def joint_of(turns: Sequence[Turn], known: Sequence[Known], *, is_whole: bool, may_take_back: bool) -> Joint:
    """Where the last of these turns goes. `is_whole`: what the client sends is all that it wants to have been said."""
    *before, last = turns
    new = last.asked[_repeated(last, known) :]
    follows = Joint(joined(new))
    if len(new) < len(last.asked):
        return follows
    place, missing = _place(before, known, is_whole=is_whole)
    return _beside(follows, known, place, missing) if may_take_back else follows


def joint_behind(words: Words, before: Collection[str], known: Sequence[Known]) -> Joint:
    """Where new words go that a client puts behind the messages with these ids; its last one counts."""
    place = next((at for at in range(len(known), 0, -1) if known[at - 1].message_id in before), len(known))
    return _beside(Joint(words), known, place)


def _beside(follows: Joint, known: Sequence[Known], place: int, missing: Sequence[Turn] = ()) -> Joint:
    """On a branch behind so many turns, unless somebody else asked what would be left out."""
    if place == len(known) or not all(each.is_kept for each in known[place:]):
        return follows
    return Joint(follows.words, True, known[place - 1].run_id if place else None, tuple(missing))


def _repeated(last: Turn, known: Sequence[Known]) -> int:
    """How many of the questions at a request's end the thread has been asked before: their answers never arrived."""
    asked, questions = [_bare(each) for each in last.asked], [each.question for each in known]
    for count in range(min(len(asked) - 1, len(questions)), 0, -1):
        if asked[:count] == questions[-count:]:
            return count
    return 0


def _place(before: Sequence[Turn], known: Sequence[Known], *, is_whole: bool) -> tuple[int, Sequence[Turn]]:
    """Behind how many of the known turns the new words stand, and the client's turns that come between."""
    common = 0
    while common < min(len(before), len(known)) and _is_same(before[common], known[common]):
        common += 1
    if is_whole:
        return common, before[common:]
    if not before:
        return len(known), ()
    end = next((at for at in range(len(known), 0, -1) if _is_same(before[-1], known[at - 1])), 0)
    if end and (common == end or len(before) != end):  # of what it left out before that, nothing is asked
        return end, ()
    return (common, before[common:]) if common else (len(known), ())


def _is_same(given: Turn, known: Known) -> bool:
    """Clients put more around a question when they send it than they keep of it: then the answers tell."""
    question = _bare(given.question)
    if question == known.question:
        return True
    answer = "".join(_bare(each.get("content")) for each in given.said if each["role"] == "assistant")
    return bool(answer) and answer == known.answer and (question in known.question or known.question in question)


def known_turns(lines: Sequence[Line], head: RunId | None) -> list[Known]:
    """The turns of the path that ends at the head. A question without an answer is one with the next."""
    asked = {line.run_id: line.message_id for line in lines if isinstance(line, StartLine)}
    messages = [line for line in lines if isinstance(line, MessageLine)]
    questions = {line.message["id"]: line for line in messages if line.message["role"] == "user"}
    answers: dict[RunId, str] = {}
    for line in messages:
        if line.message["role"] == "assistant" and line.run_id is not None:
            answers[line.run_id] = answers.get(line.run_id, "") + _bare_text(line.message)
    turns: list[Known] = []
    path = [] if head is None else path_of(lines, head)
    for message_id, group in groupby(path, key=lambda run_id: asked[run_id]):
        runs = list(group)
        asked_in, answer = questions.get(message_id), "".join(answers.get(each, "") for each in runs)
        question = turns.pop().question if turns and not turns[-1].answer else ""
        question += _bare_text(asked_in.message) if asked_in else ""
        is_kept = asked_in is not None and asked_in.options.keeps_history
        turns.append(Known(message_id, runs[-1], question, answer, is_kept))
    return turns


def _bare_text(message: Message) -> str:
    return _bare(text_of(message))


def _bare(content: Any) -> str:
    """A content's words without blanks, which clients change as they like."""
    return "".join(text_of({"content": content}).split())
