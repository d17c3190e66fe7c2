"""From what clients wrote to what a session understands: the same for frames and for requests."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, cast
from weakref import WeakKeyDictionary

from pydantic import ValidationError

from ..chats.accepting import message_sent
from ..core.errors import ChatError, Forbidden, Malformed
from ..core.events import Sent
from ..core.frames import Frame, ack, cancel_ack, nack, plain_ack
from ..core.grants import Right
from ..core.ids import RunId, Subject, ThreadId, parse_message_id, parse_run_id, regenerating_run_id
from ..core.roles import Permission
from ..core.transcript import Options
from ..engine.session import Session
from . import bodies

log = logging.getLogger(__name__)

Content = str | list[bodies.Part]
Items = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, and what there is to ask for. `visitor`: which share they came by, `None` for the thread's own people.

    `with_values` gives what goes along with a message the values of the variables that it only names; `prepare` is told
    of a thread in which a message is being written.
    """

    subject: Subject
    rights: Collection[Right]
    visitor: str | None
    tools: Collection[str]
    with_values: Callable[[Items, Session], Awaitable[Items]]
    prepare: Callable[[ThreadId], None]


async def sent(
    message_id: str, content: Content, asked: bodies.MessageOptions, session: Session, sender: Sender
) -> Sent:
    """A message as the event a session meets."""
    options = Options(
        mode=None if asked.mode == "queue" else asked.mode,
        model=asked.model,
        parent_run_id=maybe_run_id(asked.parent_run_id),
        is_branch="parent_run_id" in asked.model_fields_set,
        permissions=heeded(asked.permissions, sender.rights),
        instructions=asked.instructions or None,
        tool_names=None if asked.tool_names is None else tuple(asked.tool_names),
        asks_first=asked.asks_first,
        visitor=sender.visitor,
    )
    context = await sender.with_values(bodies.items(asked.context), session)
    return message_sent(message_id, bodies.plain(content), options, sender.tools, context)


def heeded(permissions: dict[str, Permission] | None, rights: Collection[Right]) -> dict[str, Permission] | None:
    """The settings a message comes with. They say what its sender would approve: who may not approve brings empty ones.

    None at all would leave those of whoever sent before in force.
    """
    return permissions if "approve" in rights else {}


HearPage = Callable[[str, Any, "Mapping[str, str] | None"], None]
"""Takes what a page answered about a notebook it has open: the question's id, a value, or a refusal."""


async def answer_to(message: str | bytes, session: Session, sender: Sender, hear_page: HearPage) -> Frame:
    """Meets one websocket frame; the `ack` or `nack` that answers it."""
    try:
        frame = _parsed(message)
        needed: Right = "approve" if isinstance(frame, bodies.AnswerFrame) else "send"
        if needed not in sender.rights:
            raise Forbidden("Your token does not allow this.")
        if isinstance(frame, bodies.NotebookFrame):
            hear_page(frame.id, frame.value, cast("Mapping[str, str] | None", frame.error))
            return plain_ack(frame.id)
        if isinstance(frame, bodies.WritingFrame):
            sender.prepare(session.thread_id)
            return plain_ack(frame.id)
        if isinstance(frame, bodies.SendFrame):
            said = await sent(frame.id, frame.content, frame.options, session, sender)
            return ack(frame.id, await session.send(said))
        return await _meet(frame, session, sender)
    except ChatError as refusal:
        return nack(_id_in(message), refusal.code, refusal.message)
    except Exception:
        log.exception("A frame could not be met.")
        return nack(_id_in(message), "server_error", "The server failed; its log says more.")


MOST_REMEMBERED = 100
_met: WeakKeyDictionary[Session, dict[str, Frame]] = WeakKeyDictionary()
"""The answers to the last frames that stopped something or turned a thread, by their ids."""


async def _met_once(frame: bodies.CancelFrame | bodies.HeadFrame, session: Session) -> Frame:
    """The answer to a frame that, sent again after a reconnect, must not stop what has been begun meanwhile."""
    answers, key = _met.setdefault(session, {}), f"{frame.kind} {frame.id}"
    if key in answers:
        return answers[key]
    if isinstance(frame, bodies.CancelFrame):
        answer = cancel_ack(frame.id, await session.cancel(maybe_run_id(frame.runId)))
    else:
        await session.switch(parse_run_id(frame.runId))
        answer = plain_ack(frame.id)
    answers[key] = answer
    if len(answers) > MOST_REMEMBERED:
        del answers[next(iter(answers))]
    return answer


async def _meet(frame: bodies.DecidingFrame, session: Session, sender: Sender) -> Frame:
    if isinstance(frame, (bodies.CancelFrame, bodies.HeadFrame)):
        return await _met_once(frame, session)
    if isinstance(frame, bodies.RegenerateFrame):
        run_id = regenerating_run_id(session.thread_id, frame.id)
        return ack(frame.id, await session.regenerate(parse_message_id(frame.messageId), run_id, sender.visitor))
    if isinstance(frame, bodies.WithdrawFrame):
        await session.withdraw(parse_message_id(frame.messageId))
        return plain_ack(frame.id)
    going_on = answering_run_id(session.thread_id, frame.id)
    return ack(frame.id, await session.answer(frame.answers, going_on, maybe_run_id(frame.runId), sender.subject))


def maybe_run_id(given: str | None) -> RunId | None:
    """The run a client named, if it named one."""
    return None if given is None else parse_run_id(given)


def answering_run_id(thread_id: ThreadId, request: str) -> RunId:
    """The run that goes on from an answer: the same request, the same run."""
    return regenerating_run_id(thread_id, f"answer:{request}")


def _parsed(message: str | bytes) -> bodies.ClientFrame:
    """A frame as its model, or `Malformed` with the place that does not fit."""
    if isinstance(message, bytes):
        raise Malformed("A frame is JSON text, not bytes.")
    try:
        return bodies.client_frame.validate_json(message)
    except ValidationError as fault:
        raise bodies.misfit(fault, "frame") from None


def _id_in(message: str | bytes) -> str | None:
    """The id of a frame that was refused, where it can be made out."""
    try:
        given = json.loads(message)
    except (ValueError, RecursionError):
        return None
    frame_id = given.get("id") if isinstance(given, dict) else None
    return frame_id if isinstance(frame_id, str) and len(frame_id) <= 200 else None
