"""The server's side of one kernel: its sockets, bounded in what they let in, and one execute request at a time.

What a kernel sends is hostile until proven otherwise: a message beyond the limit ends its socket before it is in
memory, and the socket is made anew; a message that cannot be read is passed over; what belongs to another request is
dropped. A request is complete when both its reply and its idle status have come.
"""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import zmq
import zmq.asyncio
from jupyter_client.manager import KernelManager
from jupyter_client.session import Session
from zmq.utils.monitor import parse_monitor_message

_RESEND_S = 0.05
"""A request that reaches a kernel between its bind and its loop is answered only when another follows."""
_LATE_IDLE_S = 1.0
_LOOK_S = 0.1
_AT_ONCE = 32
_AT_ONCE_BYTES = 1024 * 1024
"""How much is read before it is worked on and other tasks have their turn."""
_STALE_S = 0.2
"""How long is spent on what came between two calls."""

Message = Mapping[str, Any]


class Channel:
    """A socket that is made anew when the kernel's end broke the protocol."""

    def __init__(self, connect: Callable[[], object]) -> None:
        self._connect = connect
        self._open()

    def _open(self) -> None:
        socket = self._connect()
        assert isinstance(socket, zmq.asyncio.Socket)  # an asynchronous manager's context makes no others
        self.socket = socket
        self.socket.linger = 0
        self.monitor: zmq.asyncio.Socket = self.socket.get_monitor_socket(zmq.EVENT_CONNECTED | zmq.EVENT_DISCONNECTED)
        self.is_connected = False
        self.is_broken = False
        """Whether the connection has ended since it was made: libzmq does not reconnect after a protocol error."""

    def close(self) -> None:
        self.socket.disable_monitor()
        self.monitor.close(linger=0)
        self.socket.close(linger=0)

    def renew(self) -> None:
        self.close()
        self._open()

    async def observe(self) -> None:
        """Takes note of what has happened to the connection."""
        while (frames := await _received(self.monitor)) is not None:
            event = parse_monitor_message(frames)["event"]
            self.is_connected |= event == zmq.EVENT_CONNECTED
            self.is_broken |= event == zmq.EVENT_DISCONNECTED

    async def take(self) -> list[bytes] | None:
        """The frames of the next message, or `None` where none waits."""
        return await _received(self.socket)


async def _received(socket: zmq.asyncio.Socket) -> list[bytes] | None:
    if not int(socket.get(zmq.EVENTS)) & zmq.POLLIN:
        return None
    try:
        return list(await socket.recv_multipart(zmq.NOBLOCK))
    except zmq.Again:
        return None


@dataclass
class Request:
    """One execute request under way."""

    message_id: str
    reply: Message | None = None
    is_idle: bool = False
    replied_at: float = 0.0
    dropped: int = 0
    """How many times output was lost because a message was too large."""
    barrier: str | None = None
    """A later request, asked when the reply was lost: its answer tells that this one has ended."""
    is_lost: bool = False
    """Whether the reply was too large to be read. Only the reply to code that failed can be."""

    @property
    def has_ended(self) -> bool:
        return self.reply is not None and (self.is_idle or time.monotonic() - self.replied_at > _LATE_IDLE_S)


class Connection:
    """A kernel's shell and iopub channels, under a session id of their own."""

    def __init__(self, manager: KernelManager) -> None:
        self._manager = manager
        # Two clients with one session id have one ZMQ identity, and the older goes deaf.
        self._session = Session(
            key=manager.session.key, signature_scheme=manager.session.signature_scheme, session=uuid.uuid4().hex
        )
        self._shell = Channel(lambda: manager.connect_shell(identity=uuid.uuid4().bytes))
        self._iopub = Channel(manager.connect_iopub)
        self._taken = 0

    def close(self) -> None:
        self._shell.close()
        self._iopub.close()

    def _send(self, kind: str, content: Mapping[str, Any]) -> str:
        message = self._session.msg(kind, dict(content))
        self._session.send(self._shell.socket, message)
        return str(message["header"]["msg_id"])

    async def ready(self, is_alive: Callable[[], bool], within_s: float) -> None:
        """Waits until the kernel answers on both channels. `ChildProcessError` where it dies, `TimeoutError`."""
        deadline = time.monotonic() + within_s
        answered = heard = False
        while not (answered and heard):
            if not is_alive():
                raise ChildProcessError("the Python process ended as it started")
            if time.monotonic() > deadline:
                raise TimeoutError(f"the Python process did not answer within {within_s:g} s")
            if self._shell.is_connected:
                self._send("kernel_info_request", {})
            await self._wait(_RESEND_S)
            while (message := await self._next(self._shell)) is not None:
                answered |= message.get("msg_type") == "kernel_info_reply"
            while await self._next(self._iopub) is not None:
                heard = True

    async def execute(
        self, code: str, *, silent: bool = False, expressions: Mapping[str, str] | None = None
    ) -> Request:
        """Sends code, after what earlier requests left behind has been dropped."""
        await self._discard_stale()
        content = {
            "code": code,
            "silent": silent,
            "store_history": not silent,
            "user_expressions": dict(expressions or {}),
            "allow_stdin": False,
            "stop_on_error": False,
        }
        return Request(self._send("execute_request", content))

    async def told(self, code: str, *, expressions: Mapping[str, str] | None = None, within_s: float) -> Message:
        """The reply to code of ours, which shows nothing; empty where none comes in time."""
        request = await self.execute(code, silent=True, expressions=expressions)
        deadline = time.monotonic() + within_s
        while not request.has_ended and (left := deadline - time.monotonic()) > 0:
            await self.messages(request, min(left, _LOOK_S))
        return request.reply or {}

    async def _discard_stale(self) -> None:
        for channel in (self._shell, self._iopub):
            await channel.observe()
            if channel.is_broken:
                channel.renew()
            deadline = time.monotonic() + _STALE_S  # a thread of the kernel's may never stop
            while await channel.take() is not None:
                await asyncio.sleep(0)
                if time.monotonic() > deadline:
                    break

    async def messages(self, request: Request, within_s: float) -> list[Message]:
        """What came for the request, at most `within_s` later. Empty when nothing did; `request` tells its end."""
        await self._wait(within_s)
        found: list[Message] = []
        taken = self._taken
        while len(found) < _AT_ONCE and self._taken - taken < _AT_ONCE_BYTES:
            message = await self._next(self._iopub)
            if message is None:
                break
            if self._is_output(message, request):
                found.append(message)
        while (message := await self._next(self._shell)) is not None:
            self._take_reply(message, request)
        if not found:
            self._mend(request)
        await asyncio.sleep(0)  # a flood must not keep the loop from others
        return found

    def _is_output(self, message: Message, request: Request) -> bool:
        if message["parent_header"].get("msg_id") != request.message_id:
            return False
        if message["msg_type"] != "status":
            return True
        request.is_idle |= message["content"].get("execution_state") == "idle"
        return False

    def _take_reply(self, message: Message, request: Request) -> None:
        answers = message["parent_header"].get("msg_id")
        if request.reply is None and answers in (request.message_id, request.barrier):
            request.is_lost = answers == request.barrier
            request.reply = {} if request.is_lost else message["content"]
            request.replied_at = time.monotonic()

    def _mend(self, request: Request) -> None:
        """Makes broken channels anew. Called when all that came before the break has been read."""
        if self._iopub.is_broken:
            self._iopub.renew()
            request.dropped += 1
        if self._shell.is_broken:
            self._shell.renew()
            request.dropped += 1
            if request.reply is None:
                request.barrier = self._send("kernel_info_request", {})

    async def _wait(self, within_s: float) -> None:
        """Until a channel has something to say."""
        poller = zmq.asyncio.Poller()
        for channel in (self._shell, self._iopub):
            poller.register(channel.socket, zmq.POLLIN)
            poller.register(channel.monitor, zmq.POLLIN)
        await poller.poll(max(int(within_s * 1000), 0))
        await self._shell.observe()
        await self._iopub.observe()

    async def _next(self, channel: Channel) -> Message | None:
        """The next message that can be read."""
        while (frames := await channel.take()) is not None:
            self._taken += sum(map(len, frames))
            message = self._read(frames)
            if message is not None:
                return message
        return None

    def _read(self, frames: list[bytes]) -> Message | None:
        try:
            _, rest = self._session.feed_identities(frames)
            message: dict[str, Any] = self._session.deserialize(rest)
        except (ValueError, TypeError, KeyError, IndexError, RecursionError):
            return None  # forged, or not a message
        shapes = (message.get("parent_header"), message.get("content"), message.get("header"))
        return message if all(isinstance(each, dict) for each in shapes) else None
