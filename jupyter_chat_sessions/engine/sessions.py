"""The threads a server holds open: one session a thread, found at once, closed when nobody needs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from ..core.errors import Busy
from ..core.ids import ThreadId
from .looking import Looking
from .session import Session

log = logging.getLogger(__name__)

BUSY_LOOK_S = 0.1
QUIET_LOOK_S = 0.5
IDLE_CLOSE_S = 60.0

Open = Callable[[], Session]


class Sessions:
    """The registry. Everything is keyed by the thread; a socket or a request never owns anything here."""

    def __init__(
        self,
        on_activity: Callable[[], None] = lambda: None,
        idle_close_s: float = IDLE_CLOSE_S,
        disk: Callable[..., Awaitable[Any]] = asyncio.to_thread,
    ) -> None:
        self._open: dict[ThreadId, asyncio.Future[Session]] = {}
        self._on_activity = on_activity
        self._idle_close_s = idle_close_s
        self._ticker: asyncio.Task[None] | None = None
        self._looking = Looking(disk)
        self._is_closed = False
        self._leaving: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[Session]:
        """The sessions that are open now."""
        for thread_id in list(self._open):
            session = self.find(thread_id)
            if session is not None:
                yield session

    def find(self, thread_id: ThreadId) -> Session | None:
        """The thread's session, if it is open."""
        opening = self._open.get(thread_id)
        if opening is None or not opening.done() or opening.cancelled() or opening.exception() is not None:
            return None
        return opening.result()

    async def standing(self, thread_id: ThreadId) -> Session | None:
        """The thread's session, if it is open. One whose folder has gone is closed: it may stand elsewhere by now."""
        session = self.find(thread_id)
        if session is None or not session.is_gone:
            return session
        await self.drop(thread_id)
        return None

    async def get(self, thread_id: ThreadId, make: Open) -> Session:
        """The thread's session, opened if need be. Callers that come at once get the same one. `Busy` after the end."""
        while True:
            opening = self._open.get(thread_id)
            if opening is None:
                if self._is_closed:
                    raise Busy("The server is stopping.")
                opening = asyncio.ensure_future(self._begin(make))
                self._open[thread_id] = opening
                opening.add_done_callback(lambda done: self._forget_failed(thread_id, done))
            session = await asyncio.shield(opening)
            if self._open.get(thread_id) is opening:
                return session

    async def _begin(self, make: Open) -> Session:
        if self._ticker is None:
            self._ticker = asyncio.get_running_loop().create_task(self._tick(), name="chat sessions")
        session = make()
        try:
            await session.open()
        except BaseException:
            await session.close()
            raise
        return session

    def _forget_failed(self, thread_id: ThreadId, opening: asyncio.Future[Session]) -> None:
        if opening.cancelled() or opening.exception() is not None:
            self._open.pop(thread_id, None)

    async def drop(self, thread_id: ThreadId) -> None:
        """Closes the thread's session; the next request reads the disk."""
        opening = self._open.pop(thread_id, None)
        if opening is not None:
            await (await opening).close()

    async def close(self) -> None:
        """Closes everything: runs in flight end as `interrupted`. Nothing is opened from now on."""
        self._is_closed = True
        if self._ticker is not None:
            self._ticker.cancel()
            await asyncio.gather(self._ticker, return_exceptions=True)
        await self._looking.close()
        dropping = (self.drop(thread_id) for thread_id in list(self._open))
        await asyncio.gather(*dropping, *self._leaving, return_exceptions=True)

    async def _tick(self) -> None:
        """Looks for what other servers did: often where something is in flight, now and then where someone watches."""
        loop = asyncio.get_running_loop()
        quiet_look = loop.time()
        while True:
            await asyncio.sleep(BUSY_LOOK_S if any(session.conversation.is_busy for session in self) else QUIET_LOOK_S)
            is_quiet_look = loop.time() - quiet_look >= QUIET_LOOK_S
            quiet_look = loop.time() if is_quiet_look else quiet_look
            looking: list[Session] = []
            for session in self:
                if session.is_gone or (session.is_idle and loop.time() - session.idle_since > self._idle_close_s):
                    self._let_go(session.thread_id)
                elif session.conversation.is_busy or session.conversation.wants_lane:
                    looking.append(session)
                    self._on_activity()
                elif is_quiet_look and session.has_viewers:
                    looking.append(session)
            self._looking.look(looking)

    def _let_go(self, thread_id: ThreadId) -> None:
        """Drops a session that nobody needs, beside the looking: one that is slow to close must not hold it up."""
        leaving = asyncio.get_running_loop().create_task(self.drop(thread_id), name=f"closing {thread_id}")
        self._leaving.add(leaving)
        leaving.add_done_callback(self._note_left)

    def _note_left(self, leaving: asyncio.Task[None]) -> None:
        self._leaving.discard(leaving)
        failure = None if leaving.cancelled() else leaving.exception()
        if failure is not None:
            log.error("%s: not closed in order.", leaving.get_name(), exc_info=failure)
