"""A network that can be bad: a TCP proxy on loopback, in a thread and loop of its own, turned from any thread.

It delays, drops what is open, refuses, goes deaf (keeps sockets open and forwards nothing, as a vanished Wi-Fi does),
and cuts a connection over which nothing has gone for a while, as proxies in front of Jupyter do after 30 seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any

CHUNK = 65_536


class Link:
    """One connection through the proxy."""

    def __init__(self, near: asyncio.StreamWriter, far: asyncio.StreamWriter) -> None:
        self.near, self.far = near, far
        self.last_heard = asyncio.get_running_loop().time()
        self.hears = asyncio.Event()
        self.hears.set()
        self.task = asyncio.current_task()
        self.bytes_left: int | None = None
        """How many bytes more it carries to the client before it breaks."""

    def cut(self) -> None:
        """Breaks it in both directions, with a reset: nothing is said."""
        for writer in (self.near, self.far):
            writer.transport.abort()


class Proxy:
    """`with Proxy(port) as proxy:` clients connect to `proxy.port`."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._links: set[Link] = set()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.AbstractServer | None = None
        self.port = 0
        self.accepted = 0
        """How many connections clients have made."""
        self.idle_cuts = 0
        self.is_refusing = False
        """New connections are reset at once."""
        self.delay_s = 0.0
        self.idle_cut_s: float | None = None
        self.break_after: Callable[[], int | None] = lambda: None
        """For each new connection: after how many bytes to the client it breaks; `None`: never."""

    # --- from any thread ----------------------------------------------------------------------------------------------

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._do(self._open())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    @property
    def open_links(self) -> int:
        return len(self._links)

    def drop(self) -> None:
        """Breaks every open connection; new ones are welcome."""
        self._do(self._drop())

    def go_deaf(self) -> None:
        """What is open stays so and carries nothing any more; new connections are carried."""
        self._do(self._go_deaf())

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    # --- in its loop --------------------------------------------------------------------------------------------------

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()
        tasks = [link.task for link in self._links if link.task is not None]
        await self._drop()
        await asyncio.gather(*tasks)

    async def _drop(self) -> None:
        for link in list(self._links):
            link.hears.set()
            link.cut()

    async def _go_deaf(self) -> None:
        for link in self._links:
            link.hears.clear()

    async def _accept(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self.is_refusing:
            near.transport.abort()
            return
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # the server is not there
            near.transport.abort()
            return
        link = Link(near, far)
        link.bytes_left = self.break_after()
        self._links.add(link)
        ways = (self._carry(link, reader, far), self._carry(link, far_reader, near), self._watch_idleness(link))
        parts = [asyncio.ensure_future(way) for way in ways]
        await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)  # one side has gone: so does the other
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)
        link.cut()
        self._links.discard(link)

    async def _carry(self, link: Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(CHUNK):
            link.last_heard = self._loop.time()
            if self.delay_s:
                await asyncio.sleep(self.delay_s)
            await link.hears.wait()
            if writer is link.near and link.bytes_left is not None:
                data, link.bytes_left = data[: link.bytes_left], link.bytes_left - len(data)
            writer.write(data)
            await writer.drain()
            if link.bytes_left is not None and link.bytes_left <= 0:
                return
        await link.hears.wait()  # the end of one side is not told to the other either

    async def _watch_idleness(self, link: Link) -> None:
        while True:
            await asyncio.sleep(0.02)
            idle_cut_s = self.idle_cut_s
            if idle_cut_s is not None and link.hears.is_set() and self._loop.time() - link.last_heard > idle_cut_s:
                self.idle_cuts += 1
                return


@contextlib.contextmanager
def offline(proxy: Proxy) -> Iterator[None]:
    """While this holds, the network is down: what is open breaks, what is tried is refused."""
    proxy.is_refusing = True
    proxy.drop()
    try:
        yield
    finally:
        proxy.is_refusing = False
