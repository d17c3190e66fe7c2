"""The websocket of a thread: its address names the thread, so to connect is to subscribe (docs/wire.md).

A socket owns nothing: the run goes on without it, and another one goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import ws_authenticated
from jupyter_server.base.websocket import WebSocketMixin
from tornado import web
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from ..core.errors import ChatError, Malformed, NotFound, ThreadDeleted, ThreadGone, Unauthorized, Unreadable
from .doors import AUTH_RESOURCE, ThreadDoor

if TYPE_CHECKING:  # what costs time to import waits for the first request
    from ..core.frames import Frame
    from ..engine.session import Session

PING_MS = 10_000
MOST_FRAME_BYTES = 4_000_000
MOST_BEHIND_BYTES = 1_000_000
WAITING_FRAME_BYTES = 900
"""What a frame costs that waits in Python's memory, beside its words."""

CLOSES: tuple[tuple[type[ChatError], int], ...] = (
    (Malformed, 4400),
    (Unauthorized, 4401),
    (ThreadGone, 4500),  # it may stand elsewhere, or be put back
    (ThreadDeleted, 4410),
    (NotFound, 4404),
    (Unreadable, 4422),
)


def close_code(error: ChatError) -> int:
    """The code a socket is closed with: 44xx means that coming back would not help."""
    return next((code for kind, code in CLOSES if isinstance(error, kind)), 4500)


class Live(WebSocketMixin, ThreadDoor, WebSocketHandler):
    """One viewer of one thread."""

    _session: Session | None = None
    _unsent = 0
    _is_behind = False
    _room: asyncio.Event | None = None
    """Set when what is unsent is little again; there while it is much and somebody waits."""

    @property
    def ping_interval(self) -> int:
        """Milliseconds, well under the 30 s after which proxies cut a silent socket."""
        return PING_MS

    @property
    def ping_timeout(self) -> int:
        """Milliseconds after which a socket that answers no ping has lost its other end, and is closed."""
        return 3 * PING_MS

    def send_ping(self) -> None:
        """Pings, and says the same in a frame, since pages do not see pings."""
        from ..core.frames import HEARTBEAT

        super().send_ping()
        if self.ws_connection is None:  # given up: nobody is there for the closing handshake, which takes seconds
            self._leave()
        elif self._session is not None and not self._is_behind:
            self._write(HEARTBEAT)

    @property
    def max_message_size(self) -> int:
        return MOST_FRAME_BYTES

    @ws_authenticated
    async def get(self, *arguments: Any) -> None:
        """Lets in whoever may execute on `chat-sessions`, or read by a grant; the origin is checked in both cases."""
        try:
            self.admit("read", arguments)
        except ChatError as error:
            self.refuse(error)
            return
        if self.grant is None:
            await self._authorize()
        await super().get(*arguments)

    async def _authorize(self) -> None:
        is_allowed = await ensure_async(
            self.authorizer.is_authorized(self, self.current_user, "execute", AUTH_RESOURCE)
        )
        if not is_allowed:
            raise web.HTTPError(403)

    async def open(self, given: str) -> None:
        """Shows where the thread stands; an address that is no thread's is refused in words."""
        super().open()
        self.set_nodelay(True)
        try:
            after = self._after()
            session = await self.session_of(given, must_exist=False)
            if self.token_shown is not None:
                await self.app.grants.welcome(self, self.token_shown)
            if self.ws_connection is None:  # it was closed meanwhile, and nobody would tell the session
                self._leave()
                return
            self._session = session
            if self.grant is None and self.get_query_argument("notebooks", "") == "true":
                self.app.open_pages.join(self, self.subject)
            self._write(self._hello(session, after))
        except ChatError as error:
            self.dismiss(error)
        except web.HTTPError:
            self.dismiss(Malformed("The query of the address is not UTF-8."))

    def _hello(self, session: Session, after: int) -> Frame:
        """Where the thread stands, and how long a frame may be: a longer one breaks the connection."""
        from ..core.frames import Frame

        join = session.watch if self.can_be_asked else session.listen
        return Frame({**join(self, after).body, "most_bytes": MOST_FRAME_BYTES})

    def _after(self) -> int:
        given = self.get_query_argument("after", "0")
        if not given.isascii() or not given.isdigit() or len(given) > 18:
            raise Malformed(f"after is the seq of the last line you have, a whole number, not {given[:40]!r}.")
        return int(given)

    def on_close(self) -> None:
        """Leaves; the run goes on."""
        super().on_close()
        self._leave()

    def _leave(self) -> None:
        if self.token_shown is not None:
            self.app.grants.farewell(self)
        if self._session is not None:
            self.app.open_pages.leave(self)
            self._session.unwatch(self)
            self._session = None

    # --- a viewer -----------------------------------------------------------------------------------------------------

    def tell(self, frame: Frame) -> None:
        """Sends a frame, unless so much is unsent that a fresh snapshot will serve better."""
        if self._is_behind:
            return
        if self._unsent > MOST_BEHIND_BYTES:
            self._is_behind = True
            return
        self._write(frame)

    def dismiss(self, why: ChatError) -> None:
        """Says why, and closes. Nothing is heard or told from here on."""
        from ..core.frames import nack

        self._leave()
        self._write(nack(None, why.code, why.message))
        self.close(close_code(why), why.code)

    def _write(self, frame: Frame) -> None:
        from .sending import send

        try:
            sending = send(self, frame)
        except WebSocketClosedError:
            return
        if sending is not None:
            size = len(frame.text) + WAITING_FRAME_BYTES
            self._unsent += size
            asyncio.ensure_future(sending).add_done_callback(lambda done: self._was_sent(done, size))

    def _was_sent(self, done: asyncio.Future[None], size: int) -> None:
        self._unsent -= size
        if self._room is not None and self._unsent <= MOST_BEHIND_BYTES:
            self._room.set()
        if not done.cancelled() and done.exception() is None and self._is_behind and self._unsent == 0:
            self._is_behind = False
            self._catch_up()

    def _catch_up(self) -> None:
        """It has drained: shows it where the thread stands now."""
        if self._session is not None and self.ws_connection is not None:
            try:
                self._write(self._hello(self._session, 0))
            except ChatError as error:
                self.dismiss(error)

    # --- what its person does -----------------------------------------------------------------------------------------

    async def on_message(self, message: str | bytes) -> None:
        """Meets one frame; the answer is an `ack` or a `nack` with its id. Who reads no answers is not heard."""
        from .asking import answer_to
        from .sender import sender_at

        if self._session is not None:
            self._write(await answer_to(message, self._session, sender_at(self), self._hear_page))
            if self._unsent > MOST_BEHIND_BYTES:
                self._room = asyncio.Event()
                await self._room.wait()
                self._room = None

    def _hear_page(self, question_id: str, value: Any, error: Mapping[str, str] | None) -> None:
        self.app.open_pages.hear(self, question_id, value, error)
