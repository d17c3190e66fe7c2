"""Which thread a request means: one order for all these doors.

The thread it names; its conversation; the response it goes on from; its session key; the thread whose calls it answers;
else a fresh thread of its own. `user` in a body names nobody's thread: it is often one constant for a whole program.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...chats.chats import Chats
from ...chats.places import Place
from ...core.errors import ChatError, Malformed, NotFound, ThreadDeleted
from ...core.ids import RunId, SessionKey, Subject, ThreadId, new_thread_id, parse_session_key, parse_thread_id
from ...engine.session import Session
from .names import ConversationNotFound, ResponseNotFound, parse_conversation_id, parse_response_id

THREAD = "X-Thread-Id"
KEYS = ("X-Session-Key", "X-OpenClaw-Session-Key", "X-OpenWebUI-Chat-Id")
TASK = "X-OpenWebUI-Task"

_ONCE = uuid.UUID("3d0c9a52-54c7-4e0f-8b57-9f6b5a1f2f0e")
"""The namespace of the threads that an Idempotency-Key names."""

Header = Callable[[str], str | None]


class PreviousResponseNotFound(Malformed):
    code = "previous_response_not_found"


@dataclass(frozen=True, slots=True)
class Target:
    """The thread a request means. `is_bound`: the client named it, so it goes on without this client."""

    session: Session
    is_bound: bool
    is_listed: bool
    goes_on_from: RunId | None = None


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and where a thread of theirs would live."""

    chats: Chats
    subject: Subject
    place: Place
    header: Header
    lists_unnamed: bool


async def target_of(
    asker: Asker,
    conversation: str | None = None,
    previous: str | None = None,
    answered: Sequence[str] = (),
) -> Target:
    """The thread that a request means. `answered`: the threads whose calls it answers."""
    if conversation and previous:
        raise Malformed("A request has a conversation or a previous_response_id, not both.")
    named = asker.header(THREAD)
    if named is not None:
        session = await asker.chats.session(parse_thread_id(named), asker.subject, asker.place, must_exist=False)
        return Target(session, is_bound=True, is_listed=True)
    if conversation:
        return Target(await conversation_of(asker, conversation), is_bound=True, is_listed=True)
    if previous:
        return await _previous(asker, previous)
    key = _key_of(asker.header)
    if key is not None:
        session, _ = await asker.chats.keyed(key, asker.place, asker.subject)
        return Target(session, is_bound=True, is_listed=True)
    return await _unnamed(asker, answered)


async def conversation_of(asker: Asker, given: str) -> Session:
    """The thread of a conversation's id."""
    try:
        return await asker.chats.session(parse_conversation_id(given), asker.subject, asker.place)
    except NotFound:
        raise ConversationNotFound(f"There is no conversation {given[:80]!r}.") from None


async def response_of(asker: Asker, given: str) -> tuple[Session, RunId]:
    """The thread and run of a response. `ResponseNotFound` where there is none, or it is another's."""
    thread_id, run_id = parse_response_id(given)
    try:
        session = await asker.chats.session(thread_id, asker.subject, asker.place)
    except NotFound:
        raise ResponseNotFound(f"There is no response {given[:80]!r}.") from None
    await session.whole()
    if not session.conversation.has_run(run_id):
        raise ResponseNotFound(f"There is no response {given[:80]!r}.")
    return session, run_id


async def _previous(asker: Asker, given: str) -> Target:
    try:
        session, run_id = await response_of(asker, given)
    except ResponseNotFound as missing:
        raise PreviousResponseNotFound(missing.message) from None
    return Target(session, is_bound=True, is_listed=False, goes_on_from=run_id)


def _key_of(header: Header) -> SessionKey | None:
    """The session key of a request; none for what a program does beside a chat, such as finding it a title."""
    task = header(TASK)
    if task is not None and not task.startswith("{{"):  # a template that nobody filled in
        return None
    keys = (parse_session_key(header(name)) for name in KEYS)
    return next((key for key in keys if key is not None), None)


async def _unnamed(asker: Asker, answered: Sequence[str]) -> Target:
    is_listed = asker.lists_unnamed
    for thread_id in answered:
        try:
            session = await asker.chats.session(ThreadId(thread_id), asker.subject, asker.place)
        except ChatError:
            continue
        return Target(session, is_bound=False, is_listed=is_listed)
    try:
        session = await asker.chats.session(_thread_of_its_own(asker), asker.subject, asker.place, must_exist=False)
    except ThreadDeleted:
        session = await asker.chats.session(new_thread_id(), asker.subject, asker.place, must_exist=False)
    return Target(session, is_bound=False, is_listed=is_listed)


def _thread_of_its_own(asker: Asker) -> ThreadId:
    """A fresh thread; with an Idempotency-Key the same at any server, without a session key that would keep it."""
    once = asker.header("Idempotency-Key")
    if once is None:
        return new_thread_id()
    return ThreadId(str(uuid.uuid5(_ONCE, f"{asker.subject}\n{once}")))
