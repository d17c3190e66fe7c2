"""What these doors have in common: OpenAI's envelope for errors, server-sent events, and what a client's leaving means.

The rules kept here: who is not known is told 401 and nothing else; once a message is accepted no client library sends
it again.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tornado import web
from tornado.iostream import StreamClosedError

from ...core.errors import ChatError, Malformed
from .. import doors
from ..doors import CODES, Method, Model, parsed, status_of
from ..taking import WHO, TakingHandler, taken

if TYPE_CHECKING:
    from ...core.grants import Right

HEARTBEAT_S = 10.0

_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 409: "conflict_error"}
_CODES = {**CODES, 401: "invalid_api_key"}


class Failed(ChatError):
    """A run whose failure the client is told by a status of its own."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


def envelope(status: int, code: str, message: str) -> dict[str, Any]:
    """An error as OpenAI's clients read it."""
    kind = "rate_limit_error" if status == 429 else "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": _TYPES.get(status, kind), "param": None, "code": code}}


def door(method: Method, action: str | None = None, right: Right | None = None) -> Method:
    """As `doors.door`, once the body is there."""
    return taken(doors.door(method, action, right))


def running_door(method: Method) -> Method:
    """A door behind which code may run."""
    return door(method, "execute")


def sending_door(method: Method) -> Method:
    """The same, open to scoped tokens with the right to send."""
    return door(method, "execute", "send")


class OpenAIHandler(TakingHandler):
    """The base of these doors."""

    def initialize(self) -> None:
        super().initialize()
        self.is_accepted = False
        self.on_leave: Callable[[], None] | None = None

    async def prepare(self, **more: Any) -> None:
        """Gives the request an id by which it can be talked about."""
        self.set_header("x-request-id", f"req_{uuid.uuid4().hex}")
        await super().prepare(**more)

    def body_as(self, model: type[Model]) -> Model:
        """The request's JSON body as `model`; `Malformed` tells which field does not fit."""
        return parsed(model, self.body or b"{}")

    def header(self, name: str) -> str | None:
        """A header's value; a blank one is none."""
        given = self.request.headers.get(name, "").strip()
        return given or None

    # --- errors ---------------------------------------------------------------------------------------------------

    def refuse(self, error: ChatError) -> None:
        """Answers with an error in OpenAI's envelope."""
        status = error.status if isinstance(error, Failed) else status_of(error)
        self._tell_error(status, error.code, error.message)

    def write_error(self, status_code: int, **details: Any) -> None:
        """Errors that are not ours, in the same envelope; internals stay in the log."""
        exception = details.get("exc_info", (None, None, None))[1]
        message = doors.PHRASES.get(status_code, "The request failed.")
        if isinstance(exception, web.HTTPError) and exception.log_message and status_code < 500:
            message = exception.log_message % exception.args
        if status_code == 403 and self.current_user is None:
            status_code, message = 401, WHO
        if status_code == 405:
            self.set_header("Allow", ", ".join(self._methods()))
        self._tell_error(status_code, _CODES.get(status_code, "server_error"), message)

    def _tell_error(self, status: int, code: str, message: str) -> None:
        if status == 401 and self.current_user is None:
            self.set_header("WWW-Authenticate", "Bearer")
        if self.is_accepted or status < 500:
            self.set_header("x-should-retry", "true" if status == 429 and not self.is_accepted else "false")
        self.write_json(envelope(status, code, message), status)

    # --- answers --------------------------------------------------------------------------------------------------

    def accepted(self) -> None:
        """A message of this request is on disk: it is not to be sent again, whatever happens from now on."""
        self.is_accepted = True
        self.set_header("x-should-retry", "false")

    def begin_stream(self) -> None:
        """Headers of server-sent events."""
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache, no-transform")
        self.set_header("X-Accel-Buffering", "no")

    async def send_event(self, data: Any, name: str | None = None) -> None:
        """One server-sent event; `StreamClosedError` where nobody is there any more."""
        text = data if isinstance(data, str) else json.dumps(data, separators=(",", ":"))
        self.write(f"event: {name}\ndata: {text}\n\n" if name else f"data: {text}\n\n")
        await self._flushed()

    async def send_heartbeat(self) -> None:
        """A comment, so that no proxy takes silence for an end."""
        self.write(": still here\n\n")
        await self._flushed()

    async def _flushed(self) -> None:
        if self.has_left:
            raise StreamClosedError
        await self.flush()

    def on_connection_close(self) -> None:
        """The client has left."""
        super().on_connection_close()
        if self.on_leave is not None:
            self.on_leave()

    def flag(self, name: str) -> bool:
        """A yes or no from the query."""
        given = self.get_query_argument(name, "false").lower()
        if given not in ("true", "false", "1", "0"):
            raise Malformed(f"{name} is true or false, not {given[:40]!r}.")
        return given in ("true", "1")
