"""A frame straight to a websocket: its bytes are made once for all who watch, and handed to the kernel without a queue.

Tornado's `write_message` encodes, frames and queues anew for every socket, with a task each; for a hundred viewers of
one answer that is most of the work. What is used of tornado here beyond its public API is looked for first, and where
it is not as expected (TLS, compression, another version), `write_message` sends.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Awaitable

from tornado.iostream import IOStream, StreamClosedError
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from ..core.frames import Frame

_TEXT = 0x81
"""The first byte of a text message in one piece (RFC 6455, section 5.2)."""


class Envelope:
    """The last frame that was sent, in a websocket's framing: one frame goes to many sockets, one after another."""

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._bytes = b""

    def of(self, frame: Frame) -> bytes:
        if frame is not self._frame:
            self._frame, self._bytes = frame, in_websocket_framing(frame.text.encode())
        return self._bytes


ENVELOPE = Envelope()


def in_websocket_framing(payload: bytes) -> bytes:
    """A text message from a server: never masked, in one piece."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", _TEXT, size) + payload
    if size <= 0xFFFF:
        return struct.pack("!BBH", _TEXT, 126, size) + payload
    return struct.pack("!BBQ", _TEXT, 127, size) + payload


def send(socket: WebSocketHandler, frame: Frame) -> Awaitable[None] | None:
    """Sends a frame. `None`: the operating system has it; else what ends when it has. `WebSocketClosedError`."""
    stream = _plain_stream(socket)
    if stream is None:
        return asyncio.ensure_future(socket.write_message(frame.text))
    data = ENVELOPE.of(frame)
    try:
        if not stream.writing():
            taken = _taken(stream, data)
            if taken == len(data):
                return None
            data = data[taken:]
        return stream.write(data)
    except StreamClosedError:
        raise WebSocketClosedError from None


def _plain_stream(socket: WebSocketHandler) -> IOStream | None:
    """The TCP stream below a websocket that neither encrypts nor compresses."""
    connection = socket.ws_connection
    stream = getattr(connection, "stream", None)
    is_plain = type(stream) is IOStream and getattr(connection, "_compressor", stream) is None
    return stream if is_plain else None


def _taken(stream: IOStream, data: bytes) -> int:
    """How much the operating system takes at once. What is wrong with the connection, the stream will find."""
    if stream.closed():
        raise StreamClosedError
    try:
        return stream.socket.send(data)
    except OSError:  # it is full, or gone
        return 0
