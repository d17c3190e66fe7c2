"""Responses and conversations that are there already: from what is kept of their runs, else from the transcript."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ...chats.chats import Chats
from ...core.errors import NotFound
from ...core.history import messages_to
from ...core.ids import RunId
from ...core.transcript import MessageLine
from ...engine.session import Session
from .asking import Answering, Question
from .bodies import NewResponse
from .desk import Desk
from .items import items_of
from .names import DEFAULT_MODEL, ResponseNotFound, conversation_id, parse_response_id
from .record import EVERYTHING, Lines, Record, all_lines, message_of, options_of, reopened
from .responses import About, Response


def about_new(answering: Answering, question: Question, body: NewResponse) -> Response:
    """A response that is being made."""
    accepted = answering.accepted
    now = accepted.session.conversation
    about = About(
        thread_id=accepted.session.thread_id,
        run_id=accepted.run_id,
        created=datetime.now().timestamp(),
        model=body.model or DEFAULT_MODEL,
        previous=_parent(accepted.session, accepted.run_id, body),
        instructions=question.given.instructions,
        tools=question.given.tools,
        metadata=body.metadata or {},
        is_background=bool(body.background),
    )
    is_waiting = any(each.run_id == accepted.run_id for each in now.queue)
    return Response(about, "queued" if is_waiting else "in_progress")


def _parent(session: Session, run_id: RunId, body: NewResponse) -> RunId | None:
    run = session.conversation.runs.get(run_id)
    if run is not None:
        return run.parent_run_id
    return parse_response_id(body.previous_response_id)[1] if body.previous_response_id else None


async def retrieved(chats: Chats, desk: Desk, session: Session, run_id: RunId) -> tuple[Response, Record]:
    """A response that was begun before, and what its run said so far. `ResponseNotFound` where there is none."""
    lines = await all_lines(session, chats.disk)
    try:
        about, status = _about(session, run_id, lines)
        record = desk.records.find(session.thread_id, run_id) or await _reopened(chats, desk, session, run_id)
    except NotFound:
        raise ResponseNotFound("There is no such response.") from None
    return Response(about, status), record


async def _reopened(chats: Chats, desk: Desk, session: Session, run_id: RunId) -> Record:
    record = await reopened(session, run_id, chats.disk, waits=False)
    desk.records.keep(run_id, record)
    return record


def _about(session: Session, run_id: RunId, lines: Lines) -> tuple[About, str]:
    """What a transcript tells of a response, and its status while it has not ended."""
    message_id = message_of(run_id, lines)
    options = options_of(message_id, lines)
    start = next((line for line in lines if line["type"] == "start" and line["run_id"] == run_id), None)
    sent = next(line for line in lines if line["type"] == "message" and line["message"]["id"] == message_id)
    about = About(
        thread_id=session.thread_id,
        run_id=run_id,
        created=_time((start or sent)["created"]),
        model=options.get("model") or DEFAULT_MODEL,
        previous=RunId(start["parent_run_id"]) if start and start["parent_run_id"] else None,
        instructions=options.get("instructions"),
        tools=tuple(options.get("tools", ())),
    )
    return about, "queued" if start is None else "in_progress"


def _time(created: str) -> float:
    return datetime.fromisoformat(created.replace("Z", "+00:00")).timestamp()


def conversation_record(session: Session, metadata: Mapping[str, str]) -> dict[str, Any]:
    """A conversation."""
    created = int(_time(session.header.created)) if session.header else 0
    shown = {"id": conversation_id(session.thread_id), "object": "conversation", "created_at": created}
    return {**shown, "metadata": dict(metadata)}


async def items_page(chats: Chats, session: Session, order: str, limit: int, after: str | None) -> dict[str, Any]:
    """A page of a conversation's items: those behind the item `after`, in that order."""
    await session.whole()
    page = await chats.disk(session.journal.tail, EVERYTHING)
    head = session.conversation.head
    messages = [] if head is None else messages_to(page.lines, head)
    options = [line.options for line in page.lines if isinstance(line, MessageLine)]
    tools = frozenset(str(tool["name"]) for each in options for tool in each.tools)
    found = items_of(session.thread_id, messages, tools)
    if order == "desc":
        found.reverse()
    if after is not None:
        place = next((place for place, each in enumerate(found) if each["id"] == after), None)
        if place is None:
            raise NotFound(f"There is no item {after[:80]!r} in this conversation.")
        found = found[place + 1 :]
    data = found[:limit]
    ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
    return {"object": "list", "data": data, **ends, "has_more": len(found) > limit}
