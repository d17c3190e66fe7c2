"""A request on its way into its thread: what it answers, what is new in it, and the run that is told for it.

The rule kept here: a message is known by its id. One that was accepted is not accepted again: its answer is told, and
made again only where it failed. Nothing of this ends a run.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...chats.accepting import is_blank
from ...core.conversation import CLIENT_TOOL, Accepted, Asked, fingerprint
from ...core.errors import Conflict, Forbidden, IdempotencyMismatch, InvalidRunId, Malformed, NotWaiting
from ...core.events import Sent
from ...core.ids import MessageId, RunId, Subject, new_run_id, parse_message_id, parse_run_id
from ...core.transcript import Options
from ...engine.session import PATH_MESSAGES, Session
from ..openai.given import Given, joined
from ..openai.joints import Joint, joint_behind, known_turns
from ..openai.record import Record, reopened
from .bodies import Resume, RunAgentInput, given_in
from .telling import Heard

Interrupts = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request. `may_approve`: whether they may decide what a run asks a person; `visitor`: their share."""

    subject: Subject
    may_approve: bool
    visitor: str | None
    disk: Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Told:
    """The run that is told for a request, from its beginning. `known`: calls that an earlier run has told."""

    record: Record
    heard: Heard
    run_id: RunId
    known: Interrupts = ()


async def begin(session: Session, body: RunAgentInput, caller: Caller) -> Told | None:
    """The run that a request begins or comes back to; `None` where it says nothing."""
    given = given_in(body)
    await session.whole()
    asked_id = _run_id(body.run_id)
    if session.conversation.has_run(asked_id):
        await _check_same(session, body, given, asked_id, caller)
        return await _come_back(session, asked_id, caller)
    told = None
    is_new = given.words is not None and body.question_ids[-1] not in session.conversation.accepted
    asked = session.conversation.asked
    if asked is not None and (body.resume or any(each["toolCallId"] in given.results for each in asked.interrupts)):
        told = await _answer(session, body.resume or (), given, asked, asked_id, caller)
        if not is_new:
            return told
        told.record.leave()
    elif body.resume:
        raise NotWaiting("Nothing in this thread waits for that answer: it has been given, or the chat went on.")
    if given.words is None:
        return None
    return await _send(session, body, given, asked_id if told is None else new_run_id(), caller)


def _run_id(given: str) -> RunId:
    """The run a client named; a fresh one where its name is none of ours."""
    with contextlib.suppress(InvalidRunId):
        return parse_run_id(given)
    return new_run_id()


def _record(session: Session, caller: Caller) -> Record:
    """A record that hears the thread from now on. Its client can be asked, if it may decide."""
    record = Record(session)
    if caller.may_approve:
        session.watch(record)
    else:
        session.listen(record)
    return record


async def _come_back(session: Session, run_id: RunId, caller: Caller) -> Told:
    record = await reopened(session, run_id, caller.disk, waits=False, kind=Heard)
    assert isinstance(record.telling, Heard), "it was asked to be one"
    return Told(record, record.telling, run_id)


async def _check_same(session: Session, body: RunAgentInput, given: Given, run_id: RunId, caller: Caller) -> None:
    """Raises where a request that names an earlier run says what that run does not answer: it would be lost."""
    asked = session.conversation.asked
    if body.resume and asked is not None and asked.run_id == run_id:
        raise Conflict(f"Run {run_id} asks; the run that goes on from the answer has an id of its own.")
    if given.words is None:
        return
    known = session.conversation.accepted.get(parse_message_id(body.question_ids[-1]))
    if known is None:
        raise IdempotencyMismatch(f"Run {run_id} answers another message; give each run an id of its own.")
    _check_words(known, await _joint(session, body, given, caller), given)


def _check_words(known: Accepted, joint: Joint, given: Given) -> None:
    if known.fingerprint not in (fingerprint(joint.words), fingerprint(given.words)):
        raise IdempotencyMismatch("This message was accepted before with another content; give it a new id.")


async def _send(session: Session, body: RunAgentInput, given: Given, run_id: RunId, caller: Caller) -> Told:
    message_id = parse_message_id(body.question_ids[-1])
    known = session.conversation.accepted.get(message_id)
    joint = await _joint(session, body, given, caller)
    if known is not None:
        _check_words(known, joint, given)
        return await _said_before(session, message_id, known.run_id, run_id, caller)
    content, earlier = given.as_question()
    if session.conversation.head is not None:
        content, earlier = joint.words, ()
    if is_blank(content):
        raise Malformed("messages: the last one has at least one character that is not blank.")
    waiting = session.conversation.asked
    if waiting is not None and not waiting.is_clients:
        raise Conflict("A person is asked here: answer the interrupts of the last run with resume.")
    settings: dict[str, str] | None = None if caller.may_approve else {}  # see `asking.heeded`
    options = Options(
        model=body.model,
        parent_run_id=joint.parent,
        is_branch=joint.is_branch,
        instructions=given.instructions,
        tools=given.tools,
        permissions=settings,
        visitor=caller.visitor,
        door="ag-ui",
        keeps_history=True,
    )
    record = _record(session, caller)
    try:
        receipt = await session.send(Sent(message_id, content, run_id, "queue", options, earlier=earlier))
    except BaseException:
        record.leave()
        raise
    return _follow(record, receipt.run_id, message_id, given)


async def _joint(session: Session, body: RunAgentInput, given: Given, caller: Caller) -> Joint:
    """What of a request's last words is new, and where it goes: messages are known by their ids."""
    now, asked = session.conversation, given.turns[-1].asked
    *before, last = body.question_ids
    new = [words for words, id_ in zip(asked, body.question_ids[-len(asked) :], strict=True) if id_ not in now.accepted]
    words = joined(new or asked[-1:])
    if not now.accepted.keys() & set(before) or last in now.accepted or now.is_busy or now.asked is not None:
        return Joint(words)
    page = await caller.disk(session.journal.before, None, PATH_MESSAGES)
    return joint_behind(words, set(before), known_turns(page.lines, now.head))


def _follow(record: Record, run_id: RunId, message_id: MessageId, given: Given, known: Interrupts = ()) -> Told:
    heard = Heard(run_id, message_id, [each["name"] for each in given.tools], known, waits=False)
    record.follow(heard)
    return Told(record, heard, run_id, known)


async def _said_before(session: Session, message_id: MessageId, first: RunId, run_id: RunId, caller: Caller) -> Told:
    """The newest answer to a message that was accepted before; another one where that has failed."""
    runs = [each for each in session.conversation.runs.values() if each.message_id == message_id]
    newest = max(runs, key=lambda each: each.seq, default=None)
    if newest is None or newest.outcome in (None, "success", "waiting"):
        return await _come_back(session, first if newest is None else newest.run_id, caller)
    receipt = await session.regenerate(message_id, run_id, caller.visitor)
    return await _come_back(session, receipt.run_id, caller)


# --- answers to what a run waits for ---------------------------------------------------------------------------------


async def _answer(
    session: Session, resume: Sequence[Resume], given: Given, asked: Asked, run_id: RunId, caller: Caller
) -> Told:
    """Gives the decisions and results a run waits for."""
    decided = {each.interrupt_id: each for each in resume}
    unknown = decided.keys() - {each["id"] for each in asked.interrupts}
    if unknown:
        raise NotWaiting("Nothing in this thread waits for that answer: it has been given, or the chat went on.")
    if not asked.is_clients and not caller.may_approve:
        raise Forbidden("Your token does not allow deciding what may run.")
    answers = [_answer_to(each, decided, given.results) for each in asked.interrupts]
    record = _record(session, caller)
    try:
        receipt = await session.answer(answers, run_id, asked.run_id, caller.subject)
    except BaseException:
        record.leave()
        raise
    return _follow(record, receipt.run_id, receipt.message_id, given, asked.interrupts)


def _answer_to(
    interrupt: Mapping[str, Any], decided: Mapping[str, Resume], results: Mapping[str, str]
) -> dict[str, Any]:
    answer: dict[str, Any] = {"interruptId": interrupt["id"], "status": "resolved"}
    if interrupt.get("reason") == CLIENT_TOOL and interrupt["toolCallId"] in results:
        return {**answer, "payload": {"result": results[interrupt["toolCallId"]]}}
    given = decided.get(interrupt["id"])
    if given is None:
        raise Malformed(f"The call of {interrupt['tool']} is not answered; answers are given all at once.")
    return {**answer, "status": given.status, "payload": _payload(given.payload)}


def _payload(given: Any) -> dict[str, Any]:
    """A decision in our words: clients also say it with a bare yes or no, or as `approved`."""
    if isinstance(given, bool):
        return {"approve": given}
    if isinstance(given, str):
        return {"approve": True, "answer": given}
    if not isinstance(given, dict):
        return {}
    return {"approve": given["approved"], **given} if isinstance(given.get("approved"), bool) else given
