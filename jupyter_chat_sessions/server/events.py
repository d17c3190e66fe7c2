"""Server-sent events: the websocket's frames for those who only listen."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tornado.iostream import StreamClosedError

from ..core.errors import ChatError
from .doors import ChatHandler, door_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..core.frames import Frame

HEARTBEAT_S = 10.0
MOST_WAITING_FRAMES = 2000


class Events(ChatHandler):
    """`/threads/{thread_id}/events`"""

    def initialize(self) -> None:
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue()
        self._is_behind = False
        self._join: Callable[[Events, int], Frame]

    @door_for("read")
    async def get(self, given: str) -> None:
        """`hello`, then what happens, until the client leaves or the thread is deleted.

        With `?decides=false` nobody is there who could be asked what a run needs a person's word for.
        """
        after = self.number("after", 0, 0, 10**18)
        session = await self.session_of(given, must_exist=False)
        if self.token_shown is not None:
            await self.app.grants.welcome(self, self.token_shown)
        decides = self.can_be_asked and self.get_query_argument("decides", "true") != "false"
        self._join = session.watch if decides else session.listen
        hello = self._join(self, after)
        try:
            self.set_header("Content-Type", "text/event-stream")
            self.set_header("Cache-Control", "no-cache, no-transform")
            self.set_header("X-Accel-Buffering", "no")
            self.name_ids(session.thread_id)
            await self._send(hello)
            while (frame := await self._next()) is not None:
                await self._send(frame)
                if self._is_behind and self._frames.empty():
                    self._is_behind = False
                    await self._send(self._snapshot())
        except StreamClosedError:
            return
        finally:
            session.unwatch(self)
            if self.token_shown is not None:
                self.app.grants.farewell(self)
        self.finish()

    def _snapshot(self) -> Frame:
        """Where the thread stands, for a listener who has drained; why there is none, where it has gone."""
        try:
            return self._join(self, 0)
        except ChatError as error:
            self._frames.put_nowait(None)
            return _refusal(error)

    async def _next(self) -> Frame | None:
        while True:
            try:
                return await asyncio.wait_for(self._frames.get(), HEARTBEAT_S)
            except asyncio.TimeoutError:
                self.write(": still here\n\n")
                await self.flush()

    async def _send(self, frame: Frame) -> None:
        self.write(f"data: {frame.text}\n\n")
        await self.flush()

    def tell(self, frame: Frame) -> None:
        """Queues a frame; a listener that has fallen far behind gets a fresh snapshot instead."""
        if self._is_behind:
            return
        if self._frames.qsize() >= MOST_WAITING_FRAMES:
            self._is_behind = True
            return
        self._frames.put_nowait(frame)

    def dismiss(self, why: ChatError) -> None:
        self._frames.put_nowait(_refusal(why))
        self._frames.put_nowait(None)

    def on_connection_close(self) -> None:
        self._frames.put_nowait(None)


def _refusal(why: ChatError) -> Frame:
    from ..core.frames import nack

    return nack(None, why.code, why.message)
