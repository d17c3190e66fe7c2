"""Frames on their way to real sockets, straight or by tornado."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, WebSocketHandler, websocket_connect

from jupyter_chat_sessions.core.frames import Frame
from jupyter_chat_sessions.server import sending

SIZES = [0, 1, 100, 125, 126, 127, 65_535, 65_536, 3_000_000, 5, 4_000_000, 1]


class Speaker(WebSocketHandler):
    """Says what it is told to, all at once."""

    def initialize(self, opened: asyncio.Future[Speaker], compresses: bool) -> None:
        self._opened = opened
        self._compresses = compresses
        self.closed = asyncio.Event()

    def get_compression_options(self) -> dict[str, Any] | None:
        return {} if self._compresses else None

    def open(self, *arguments: str) -> None:
        self._opened.set_result(self)

    def on_close(self) -> None:
        self.closed.set()


@asynccontextmanager
async def connected(*, compresses: bool = False) -> AsyncIterator[tuple[Speaker, WebSocketClientConnection]]:
    """A server's end and a client's end of one websocket."""
    opened: asyncio.Future[Speaker] = asyncio.get_running_loop().create_future()
    server = HTTPServer(Application([("/", Speaker, {"opened": opened, "compresses": compresses})]))
    (socket,) = bind_sockets(0, "127.0.0.1")
    server.add_socket(socket)
    options: dict[str, Any] = {"compression_options": {}} if compresses else {}
    try:
        client = await websocket_connect(f"ws://127.0.0.1:{socket.getsockname()[1]}/", **options)
        yield await opened, client
        client.close()
    finally:
        server.stop()
        await server.close_all_connections()


def frame_of(size: int) -> Frame:
    return Frame({"words": "w" * size})


@pytest.mark.parametrize("compresses", [False, True])
async def test_frames_of_every_size_come_whole_and_in_order_though_nobody_reads_at_first(compresses: bool) -> None:
    async with connected(compresses=compresses) as (speaker, client):
        waits = [waited for size in SIZES if (waited := sending.send(speaker, frame_of(size))) is not None]
        assert compresses or len(waits) < len(SIZES), "small ones go at once"
        assert waits, "what the operating system does not take waits"
        for size in SIZES:
            heard = await asyncio.wait_for(client.read_message(), 20)
            assert heard is not None
            assert len(json.loads(heard)["words"]) == size
        await asyncio.gather(*waits)


async def test_one_frame_is_put_in_its_envelope_once_for_all_who_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    framed: list[bytes] = []
    frame_it = sending.in_websocket_framing
    monkeypatch.setattr(sending, "in_websocket_framing", lambda payload: framed.append(payload) or frame_it(payload))
    async with connected() as (first, client), connected() as (second, other):
        for frame in (frame_of(1), frame_of(2)):
            for speaker in (first, second):
                sending.send(speaker, frame)
        assert [await each.read_message() for each in (client, client)] == [
            frame.text for frame in map(frame_of, (1, 2))
        ]
        assert await other.read_message() == frame_of(1).text
    assert len(framed) == 2


async def test_a_socket_that_has_closed_is_told_so() -> None:
    async with connected() as (speaker, client):
        client.close()
        await speaker.closed.wait()
        with pytest.raises(WebSocketClosedError):
            sending.send(speaker, frame_of(1))
