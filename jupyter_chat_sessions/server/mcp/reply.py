"""The answer to one POST: JSON; or a stream of events, where its client takes one and there is something to tell early.

The rule kept here: as long as nothing was sent, an error keeps its HTTP status. A client that takes JSON alone gets
JSON, and where that takes long, blank lines before it, which a JSON text may begin with.
"""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from tornado.iostream import StreamClosedError

from ..taking import TakingHandler


class Reply:
    """What is said to the client of a request, in its order. Who has left is told nothing, and misses nothing."""

    def __init__(self, handler: TakingHandler, *, is_batch: bool) -> None:
        self._handler = handler
        self._is_batch = is_batch
        self._responses: list[dict[str, Any]] = []
        self._status = 200
        self._has_begun = False
        self.is_stream = takes_events(handler.request.headers.get("Accept", ""))

    async def tell(self, notification: dict[str, Any] | None) -> None:
        """Tells what a client may hear before the end; `None`: nothing but that it is not forgotten."""
        await self._begin()
        if not self.is_stream:
            await self._write("\n")
        else:
            await self._write(": still here\n\n" if notification is None else _event(notification))

    async def respond(self, response: dict[str, Any], status: int = 200) -> None:
        """Answers one of the request's messages. `status` is what HTTP says, where it has not spoken yet."""
        if self._has_begun and self.is_stream:
            await self._write(_event(response))
        else:
            self._responses.append(response)
            self._status = status

    def end(self) -> None:
        """All is said."""
        if self._handler.has_left:
            return
        if self._has_begun and self.is_stream:
            self._handler.finish()
            return
        if not self._responses:  # there were notifications alone
            self._handler.set_status(202)
            self._handler.finish()
            return
        body: Any = self._responses if self._is_batch else self._responses[0]
        if self._has_begun:
            self._handler.finish(json.dumps(body))
        else:
            self._handler.write_json(body, 200 if self._is_batch else self._status)

    async def _begin(self) -> None:
        if self._has_begun:
            return
        self._has_begun = True
        kind = "text/event-stream" if self.is_stream else "application/json; charset=UTF-8"
        self._handler.set_header("Content-Type", kind)
        self._handler.set_header("Cache-Control", "no-cache, no-transform")
        self._handler.set_header("X-Accel-Buffering", "no")
        if self.is_stream:
            said, self._responses = self._responses, []
            await self._write("".join(_event(each) for each in said))

    async def _write(self, text: str) -> None:
        if not self._handler.has_left:
            with contextlib.suppress(StreamClosedError):
                self._handler.write(text)
                await self._handler.flush()


def _event(message: dict[str, Any]) -> str:
    """A message as a server-sent event. It has no name: clients pass over events with one they do not know."""
    return f"data: {json.dumps(message, separators=(',', ':'))}\n\n"


def takes_events(accept: str) -> bool:
    """Whether a header `Accept` names server-sent events."""
    for each in accept.lower().split(","):
        kind, *parameters = (part.strip() for part in each.split(";"))
        if kind == "text/event-stream":
            return not any(_REFUSING.fullmatch(part) for part in parameters)
    return False


_REFUSING = re.compile(r"q\s*=\s*0(\.0*)?")
