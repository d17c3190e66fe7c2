"""Bodies that come in pieces, for doors that take large ones from programs.

The rules kept here: nothing is kept of who is refused, nor past the limit, so that a large or slow body costs no
memory; a refusal waits until the body is there, since a client that still sends does not listen.
"""

from __future__ import annotations

import asyncio
import functools
from typing import Any

from tornado import web

from ..core.errors import TooLarge
from .doors import ChatHandler, Method

MOST_THROWN_AWAY = 64_000_000
"""Past this a body is no longer read to its end, only to be told that it is too large."""
BODY_S = 120.0
WHO = "This server wants its token: pass it as the API key (Authorization: Bearer …)."


def taken(guarded: Method) -> Method:
    """A door behind which the whole body is there; what was found wrong while it came in is told first."""

    @functools.wraps(guarded)
    async def entered(self: TakingHandler, *arguments: Any) -> None:
        self.end_of_body()
        await guarded(self, *arguments)

    return entered  # type: ignore[return-value]


@web.stream_request_body
class TakingHandler(ChatHandler):
    """The base of these doors."""

    most_bytes = 20_000_000

    def initialize(self) -> None:
        self._body: list[bytes] = []
        self._size = 0
        self._refused: web.HTTPError | None = None
        self._patience: asyncio.TimerHandle | None = None
        self.has_left = False

    async def prepare(self, **more: Any) -> None:
        """Learns who asks, before anything of the body is kept."""
        try:
            await super().prepare(**more)
        except web.HTTPError as refused:
            self._refused = refused
        if self.current_user is None and self.grant is None:  # whatever else is wrong, as a missing _xsrf
            self._refused = web.HTTPError(401, WHO)
        if self._announced() > MOST_THROWN_AWAY:
            raise web.HTTPError(413, f"A body is at most {self.most_bytes:,} bytes.")
        self._patience = asyncio.get_running_loop().call_later(BODY_S, self._lose_patience)

    def _announced(self) -> int:
        given = self.request.headers.get("Content-Length", "0")
        return int(given) if given.isascii() and given.isdigit() else 0

    def data_received(self, chunk: bytes) -> None:
        """Keeps a piece of the body, unless nobody will read it."""
        self._size += len(chunk)
        if self._refused is None and self._size <= self.most_bytes:
            self._body.append(chunk)
            return
        self._body.clear()
        if self._size > MOST_THROWN_AWAY and not self._finished:
            self.send_error(413)

    def _lose_patience(self) -> None:
        if not self._finished:
            self.send_error(408)

    def end_of_body(self) -> None:
        """The whole body is there; raises what was wrong with the request before it."""
        if self._patience is not None:
            self._patience.cancel()
        if self._refused is not None:
            raise self._refused

    @property
    def body(self) -> bytes:
        """The body as it came. `TooLarge` where it is."""
        if self._size > self.most_bytes:
            raise TooLarge(f"A body is at most {self.most_bytes:,} bytes; this one has {self._size:,}.")
        return b"".join(self._body)

    def write_error(self, status_code: int, **details: Any) -> None:
        """Errors that are not ours; programs are told how to say who they are."""
        if status_code == 401:
            self.set_header("WWW-Authenticate", "Bearer")
        super().write_error(status_code, **details)

    def on_connection_close(self) -> None:
        """The client has left."""
        self.has_left = True
        self._body.clear()
        if self._patience is not None:
            self._patience.cancel()
        super().on_connection_close()
