"""What every door of the server has in common: who may enter, how bad input is answered, how errors are told.

Each method of a door is wrapped in `@door`: jupyter_server authenticates and authorizes (resource `chat-sessions`),
XSRF and origin are checked by its base class, and a `ChatError` becomes `{"code", "message"}` with a status.

Whoever comes with a scoped token is known by it alone, whatever else they bring, and finds every door shut but those
that `@door_for` opens to a right they have, there only what their grant names.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from ..core.errors import (
    Busy,
    ChatError,
    Conflict,
    DiskFull,
    Forbidden,
    Malformed,
    NotFound,
    ReadOnly,
    Stale,
    StorageFailed,
    ThreadNotFound,
    TooLarge,
    Unauthorized,
    Unreadable,
)
from ..core.ids import RunId, ThreadId, parse_thread_id
from .entrance import Entrance

if TYPE_CHECKING:
    from pydantic import BaseModel

    from ..chats.chats import Chats
    from ..chats.places import Place
    from ..core.grants import Right
    from ..engine.session import Session

STATUS: tuple[tuple[type[ChatError], int], ...] = (
    (Malformed, 400),
    (Unauthorized, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Stale, 412),
    (TooLarge, 413),
    (Unreadable, 422),
    (Busy, 429),
    (ReadOnly, 403),
    (DiskFull, 507),
    (StorageFailed, 503),
)
PHRASES = {each.value: each.phrase for each in HTTPStatus}
CODES = {
    400: "malformed",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "timeout",
    413: "too_large",
    415: "malformed",
    416: "range_not_satisfiable",
}
AUTH_RESOURCE = "chat-sessions"
PREFIX = "chat-sessions"
MOST_BODY_BYTES = 2_000_000

Method = TypeVar("Method", bound=Callable[..., Awaitable[None]])
Model = TypeVar("Model", bound="BaseModel")


def status_of(error: ChatError) -> int:
    """The HTTP status that tells of an error."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


def door(method: Method, action: str | None = None, right: Right | None = None) -> Method:
    """Makes a handler's method a door: authenticated, authorized, its `ChatError`s answered.

    `action` is what the authorizer is asked to allow, where it is not the one of the HTTP method. `right` is what a
    scoped token must give; without one, no scoped token opens this door.
    """

    @functools.wraps(method)
    async def answered(self: ChatHandler, *arguments: Any) -> None:
        try:
            self.admit(right, arguments)
            await method(self, *arguments)
        except ChatError as error:
            self.refuse(error)

    of_users: Any = web.authenticated(authorized(action)(answered) if action else authorized(answered))

    @functools.wraps(method)
    async def guarded(self: ChatHandler, *arguments: Any) -> None:
        # A grant says by itself what is allowed: whoever gave it was authenticated and authorized.
        await (of_users if self.grant is None else answered)(self, *arguments)

    guarded.is_door = True  # type: ignore[attr-defined]
    return guarded  # type: ignore[return-value]


def running_door(method: Method) -> Method:
    """A door behind which code may run: who enters must be allowed to `execute`, as on the websocket."""
    return door(method, "execute")


def door_for(right: Right, action: str | None = None) -> Callable[[Method], Method]:
    """A door that opens to scoped tokens with this right as well, for the thread or the notebook they are for."""
    return lambda method: door(method, action, right)


class ThreadDoor(Entrance):
    """What doors over HTTP and over websockets share: the chats, the subject, the thread an address names."""

    auth_resource = AUTH_RESOURCE

    @property
    def chats(self) -> Chats:
        """The server's chats, put together at the first request."""
        chats: Chats = self.settings["jupyter_chat_sessions"].chats
        return chats

    async def prepare(self, **more: Any) -> Any:
        """Finds out who is there: by the scoped token they show, else by jupyter_server's identity provider."""
        try:
            if not await self.enter_by_token():
                return await super().prepare(**more)
        except ChatError as error:
            self.set_header("WWW-Authenticate", "Bearer")
            self.refuse(error)

    async def session_of(self, given: str, *, must_exist: bool = True, place: Place | None = None) -> Session:
        """The session of the thread that an address names; `?notebook=` and `?folder=` hint at where it lives."""
        owner = self.subject if self.grant is None else self.grant.owner
        place = self.hint() if place is None else place
        session = await self.chats.session(parse_thread_id(given), owner, place, must_exist=must_exist)
        return self.opened(session)

    def opened(self, session: Session) -> Session:
        """The session, unless it is of a thread that the scoped token shown is not for."""
        now = session.conversation
        if self.grant is not None and not self.grant.opens(session.thread_id, session.home.folder, now.notebook):
            raise ThreadNotFound(f"There is no thread {session.thread_id}.")
        return session

    def hint(self, notebook: str | None = None, folder: str | None = None) -> Place:
        """Where the body, or else the query, says that the thread lives; a scoped token says it by itself."""
        notebook = notebook or self.get_query_argument("notebook", None)
        folder = self.get_query_argument("folder", None) if folder is None else folder
        if self.grant is None:
            return self.chats.places.named(notebook, folder)
        from ..chats.places import Place

        granted = Place(self.grant.folder, self.grant.notebook)
        is_named = bool(notebook or folder) and granted.notebook is not None
        if is_named and self.chats.places.named(notebook, folder) not in (granted, Place(granted.folder)):
            raise Forbidden(f"Your token is for {granted.notebook!r}; it need not be named.")
        return granted

    def refuse(self, error: ChatError) -> None:
        """Answers with an error's status, code and words."""
        self.set_status(status_of(error))
        self.write_json({"code": error.code, "message": error.message})

    def write_error(self, status_code: int, **details: Any) -> None:
        """Errors that are not ours, in the same shape; internals stay in the log."""
        exception = details.get("exc_info", (None, None, None))[1]
        message = PHRASES.get(status_code, "The request failed.")
        if isinstance(exception, web.HTTPError) and exception.log_message and status_code < 500:
            message = exception.log_message % exception.args
        if status_code == 405:
            self.set_header("Allow", ", ".join(self._methods()))
        self.write_json({"code": CODES.get(status_code, "server_error"), "message": message})

    def _methods(self) -> list[str]:
        """The HTTP methods this door has."""
        absent = web.RequestHandler._unimplemented_method
        return [each for each in self.SUPPORTED_METHODS if getattr(type(self), each.lower()) is not absent]

    def write_json(self, body: Any, status: int | None = None) -> None:
        """Ends the request with a JSON body."""
        if status is not None:
            self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(json.dumps(body))


class ChatHandler(ThreadDoor, APIHandler):
    """The base of the REST doors."""

    def finish(self, *chunk: Any, **_: Any) -> Any:
        """Ends the request. APIHandler's would call every content JSON, also files and events."""
        with contextlib.suppress(web.HTTPError):  # a query that is no text must not keep the request from ending
            self.update_api_activity()
        return super(APIHandler, self).finish(*chunk)

    def body_as(self, model: type[Model]) -> Model:
        """The request's JSON body as `model`; `Malformed` tells which field does not fit."""
        if len(self.request.body) > MOST_BODY_BYTES:
            raise TooLarge(f"A body is at most {MOST_BODY_BYTES:,} bytes; this one has {len(self.request.body):,}.")
        return parsed(model, self.request.body or b"{}")

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number from the query."""
        given = self.get_query_argument(name, None)
        if given is None:
            return default
        if not given.isascii() or not given.isdigit() or len(given) > 18:
            raise Malformed(f"{name} is a whole number from {least} to {most}, not {given[:40]!r}.")
        if not least <= int(given) <= most:
            raise Malformed(f"{name} is a whole number from {least} to {most}, not {int(given)}.")
        return int(given)

    def name_ids(self, thread_id: ThreadId, run_id: RunId | None = None) -> None:
        """Tells the caller which ids were used."""
        self.set_header("X-Thread-Id", thread_id)
        if run_id is not None:
            self.set_header("X-Run-Id", run_id)


def parsed(model: type[Model], given: bytes) -> Model:
    """What was given as `model`, or `Malformed` with the place that does not fit."""
    from pydantic import ValidationError

    from .bodies import misfit

    try:
        return model.model_validate_json(given)
    except ValidationError as fault:
        raise misfit(fault, "body") from None
