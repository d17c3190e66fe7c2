"""A request's message on its way into its thread: found again or accepted, then the record of its run."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...chats.accepting import is_blank
from ...core.conversation import CLIENT_TOOL
from ...core.errors import Conflict, Malformed, NotWaiting
from ...core.events import Sent
from ...core.ids import MessageId, RunId, new_run_id, regenerating_run_id
from ...core.transcript import Options
from ...engine.session import PATH_MESSAGES, Session
from ..asking import answering_run_id
from .attempts import RETRIES, Accepted, Attempt, accepted_before, digest, message_id_for
from .desk import Desk
from .given import Given, threads_named
from .joints import Joint, joint_of, known_turns
from .names import parse_call_id
from .record import EVERYTHING, Record, all_lines, reopened
from .resolving import KEYS, THREAD, Asker, Target, target_of
from .telling import Telling

IDEMPOTENCY_KEY = "Idempotency-Key"
HISTORY = "X-History"
"""`whole` says that the messages are all that the client wants to have been said: a single one is then the first."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request as both kinds of doors put it. `waits`: whether what a person is asked is waited for."""

    path: str
    body: bytes
    given: Given
    model: str | None
    waits: bool
    conversation: str | None = None
    previous: str | None = None


@dataclass(frozen=True, slots=True)
class Answering:
    """The run that answers a request, and what it says. `is_bound`: it goes on without this client."""

    accepted: Accepted
    record: Record
    is_bound: bool
    attempt: Attempt
    asked: str


async def ask(asker: Asker, desk: Desk, question: Question, on_accepted: Callable[[], None]) -> Answering:
    """Has a request's message accepted, once. `on_accepted` is told the moment it is on disk."""
    bound = [asker.header(name) for name in (THREAD, *KEYS, IDEMPOTENCY_KEY)]
    asked = digest(asker.subject, question.path, *bound, question.body)
    is_retry = asker.header(RETRIES) not in (None, "0")
    earlier = desk.attempts.find(asked) if is_retry else None
    before = None if earlier is None else await earlier.outcome()
    if earlier is not None and before is not None:
        earlier.given_up_at, earlier.has_left = None, False
        on_accepted()
        return Answering(*await _joined(asker, desk, question, before), True, earlier, asked)
    attempt = desk.attempts.begin(asked)
    try:
        target = await target_of(asker, question.conversation, question.previous, threads_named(question.given))
        accepted, record = await _accept(asker, desk, target, question, asked, is_retry=is_retry)
    except BaseException:
        desk.attempts.give_up(attempt)
        raise
    on_accepted()
    attempt.accepted.set_result(accepted)
    desk.records.keep(accepted.run_id, record)
    return Answering(accepted, record, target.is_bound, attempt, asked)


async def _joined(asker: Asker, desk: Desk, question: Question, before: Accepted) -> tuple[Accepted, Record]:
    """The answer that an earlier attempt began. One that ended because its client had left is made again."""
    session = await asker.chats.session(before.session.thread_id, asker.subject, asker.place)
    record = desk.records.find(session.thread_id, before.run_id)
    if record is not None and not record.was_cancelled:
        return before, record
    await session.whole()
    accepted, record = await _answered_before(asker, session, before.message_id, before.run_id, waits=question.waits)
    desk.records.keep(accepted.run_id, record)
    return accepted, record


async def _answered_before(
    asker: Asker, session: Session, message_id: MessageId, first: RunId, *, waits: bool
) -> tuple[Accepted, Record]:
    """The newest answer to a message that was accepted before; another one where that was broken off.

    Once the conversation has gone on, an answer that was broken off stays so: another would leave out what came since.
    """
    now = session.conversation
    runs = [each for each in now.runs.values() if each.message_id == message_id]
    newest = max(runs, key=lambda each: each.seq, default=None)
    run_id = first if newest is None else newest.run_id
    if newest is not None and newest.outcome in ("cancelled", "interrupted") and now.head == run_id and not now.is_busy:
        # Attempts that come at once agree on the run: it is named after the one it stands for.
        run_id = (await session.regenerate(message_id, regenerating_run_id(session.thread_id, run_id))).run_id
    return Accepted(session, message_id, run_id), await reopened(session, run_id, asker.chats.disk, waits=waits)


async def _accept(
    asker: Asker, desk: Desk, target: Target, question: Question, asked: str, *, is_retry: bool
) -> tuple[Accepted, Record]:
    """Answers what the thread waits for, then says what is new; the last run of these is the request's."""
    session, given = target.session, question.given
    await session.whole()
    if is_retry and target.is_bound:
        before = accepted_before(asked, await all_lines(session, asker.chats.disk))
        if before is not None:
            return await _answered_before(asker, session, *before, waits=question.waits)
    if given.results or given.approvals:
        answered = await _answer(asker, session, given, waits=question.waits)
        if answered is not None and given.words is None:
            return answered
        if answered is not None:  # words behind the results: they are answered next, and are this request's
            answered[1].leave()
        elif given.words is None and (given.approvals or session.conversation.head is not None):
            raise NotWaiting("Nothing in this thread waits for that answer: it has been given, or the chat went on.")
    return await _send(asker, target, question, asked, await _joint(asker, desk, target, given))


async def _joint(asker: Asker, desk: Desk, target: Target, given: Given) -> Joint | None:
    """Where what is new goes; `None` for a thread that knows nothing yet, and where the client said it."""
    now = target.session.conversation
    is_plain = len(given.turns) == 1 and len(given.turns[0].asked) == 1
    is_whole = (asker.header(HISTORY) or "").lower() == "whole"
    if now.head is None or target.goes_on_from or given.words is None or (is_plain and not is_whole):
        return None
    most = EVERYTHING if is_whole else PATH_MESSAGES  # a whole history meets the thread at its beginning
    journal = target.session.journal
    known = await asker.chats.disk(lambda: known_turns(journal.before(None, most).lines, now.head))
    has_gone_on = len(target.session.conversation.accepted) > len(now.accepted)  # somebody spoke meanwhile
    is_free = not now.queue and now.asked is None and not has_gone_on
    if now.running is not None:
        is_free = is_free and now.has_lane and not desk.attempts.is_waited_for(now.running.run_id)
    return joint_of(given.turns, known, is_whole=is_whole, may_take_back=is_free)


def _listening(session: Session, *, waits: bool) -> Record:
    """A record that hears the thread from now on. Where nothing is waited for, its client is who can be asked."""
    record = Record(session)
    if waits:
        session.listen(record)
    else:
        session.watch(record)
    return record


async def _send(
    asker: Asker, target: Target, question: Question, asked: str, joint: Joint | None
) -> tuple[Accepted, Record]:
    session, given = target.session, question.given
    content, earlier = given.as_question()
    goes_on_from, is_branch = target.goes_on_from, target.goes_on_from in session.conversation.runs
    if joint is not None:
        content, goes_on_from, is_branch = joint.words, joint.parent, joint.is_branch
        earlier = tuple(turn.as_earlier() for turn in joint.missing)
    if is_blank(content):
        raise Malformed("There is nothing to answer: the last message, or `input`, is missing or blank.")
    waiting = session.conversation.asked
    if waiting is not None and not waiting.is_clients and not question.waits:
        raise Conflict("A person is asked here: first send an mcp_approval_response for each mcp_approval_request.")
    options = Options(
        model=question.model,
        parent_run_id=goes_on_from if is_branch else None,
        is_branch=is_branch,
        instructions=given.instructions,
        tools=given.tools,
        door="openai",
        is_listed=target.is_listed,
        keeps_history=True,
    )
    message_id = message_id_for(asked, asker.header(IDEMPOTENCY_KEY), asker.subject)
    run_id = new_run_id()
    record = _listening(session, waits=question.waits)
    try:
        receipt = await session.send(Sent(message_id, content, run_id, "queue", options, earlier=earlier))
    except BaseException:
        record.leave()
        raise
    if receipt.run_id == run_id:
        tools = [each["name"] for each in given.tools]
        record.follow(Telling(run_id, message_id, tools, waits=question.waits))
    else:  # the same message again: its answer is under way, or over
        record.leave()
        return await _answered_before(asker, session, message_id, receipt.run_id, waits=question.waits)
    return Accepted(session, message_id, run_id), record


# --- answers to what a run waits for ---------------------------------------------------------------------------------


async def _answer(asker: Asker, session: Session, given: Given, *, waits: bool) -> tuple[Accepted, Record] | None:
    """Gives the results and decisions a run waits for. `None` where it waits for none of them."""
    results = {parse_call_id(shown)[1]: text for shown, text in given.results.items()}
    said = json.dumps([sorted(results.items()), sorted(given.approvals.items())])
    run_id = answering_run_id(session.thread_id, digest(said))
    now = session.conversation
    if run_id in now.runs:  # the same answer again
        record = await reopened(session, run_id, asker.chats.disk, waits=waits)
        return Accepted(session, now.runs[run_id].message_id, run_id), record
    if now.asked is None or not _is_meant(now.asked.interrupts, results, given.approvals):
        return None
    interrupts, tools = now.asked.interrupts, [each["name"] for each in now.wishes.tools]
    answers = [_answer_to(each, results, given.approvals) for each in interrupts]
    record = _listening(session, waits=waits)
    try:
        receipt = await session.answer(answers, run_id, now.asked.run_id, asker.subject)
    except BaseException:
        record.leave()
        raise
    record.follow(Telling(run_id, receipt.message_id, tools, interrupts, waits=waits))
    return Accepted(session, receipt.message_id, run_id), record


def _is_meant(
    interrupts: Sequence[Mapping[str, Any]], results: Mapping[str, str], approvals: Mapping[str, tuple[bool, str]]
) -> bool:
    return any(each["toolCallId"] in results or each["id"] in approvals for each in interrupts)


def _answer_to(
    interrupt: Mapping[str, Any], results: Mapping[str, str], approvals: Mapping[str, tuple[bool, str]]
) -> dict[str, Any]:
    """One of the answers, which are given all at once."""
    answer = {"interruptId": interrupt["id"], "status": "resolved"}
    if interrupt.get("reason") == CLIENT_TOOL:
        if interrupt["toolCallId"] not in results:
            raise Malformed(f"The call of {interrupt['tool']} has no result yet; results are given all at once.")
        return {**answer, "payload": {"result": results[interrupt["toolCallId"]]}}
    if interrupt["id"] not in approvals:
        raise Malformed(f"Whether {interrupt['tool']} may run is not answered; approvals are given all at once.")
    is_approved, why = approvals[interrupt["id"]]
    return {**answer, "payload": {"approve": is_approved, **({"note": why} if why else {})}}
