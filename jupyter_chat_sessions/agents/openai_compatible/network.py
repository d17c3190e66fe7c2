"""What httpx reads answers from: asyncio's own transports, which hand over bytes as they come.

httpx reads through anyio, made for many event loops; for each piece of an answer its scopes, guards and events cost
more than parsing the piece, and they are what the garbage collector walks through while hundreds of answers wait.
Everything above the bytes stays httpx's. What is replaced has no public name there: it is looked for first, and where
it is not as expected, or a proxy stands in between, httpx's own network is used.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Iterable
from typing import Any, TypeVar, cast

import httpcore
import httpx

from .patience import Patience, RanOut

_NEXT_ADDRESS_S = 0.25
"""After so long another address of a host is tried beside the first (RFC 8305)."""
_MOST_AHEAD = 2**18
"""Bytes that are taken from the system before anybody reads them."""

T = TypeVar("T")


def read_directly(client: httpx.AsyncClient) -> bool:
    """Has the client read from asyncio where it asks without a proxy; whether that could be done."""
    pool: Any = getattr(getattr(client, "_transport", None), "_pool", None)
    if not isinstance(getattr(pool, "_network_backend", None), httpcore.AsyncNetworkBackend):
        return False
    pool._network_backend = Network()
    return True


class Network(httpcore.AsyncNetworkBackend):
    """Connections of asyncio's event loop."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Stream:
        """Connects; names with several addresses by the quickest of them."""
        local = None if local_address is None else (local_address, 0)
        loop = asyncio.get_running_loop()
        connecting = loop.create_connection(Stream, host, port, local_addr=local, happy_eyeballs_delay=_NEXT_ADDRESS_S)
        try:
            _, stream = await _within(timeout, connecting)
        except (RanOut, TimeoutError) as error:
            raise httpcore.ConnectTimeout(f"no connection within {timeout} s") from error
        except Exception as error:  # a host or a port that is none has many: UnicodeError, OverflowError, IndexError
            raise httpcore.ConnectError(str(error)) from error
        for option in socket_options or ():
            stream.get_extra_info("socket").setsockopt(*option)
        return stream

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> Stream:
        """No provider is asked for this way."""
        raise httpcore.ConnectError("Only addresses on a network can be connected to.")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Stream(httpcore.AsyncNetworkStream, asyncio.Protocol):
    """One connection. One reader and one writer at a time, as httpcore sees to."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._come: list[bytes] = []
        self._size = 0
        self._is_paused = False
        self._is_full = False
        self._is_over = False
        self._failure: Exception | None = None
        self._reading: asyncio.Future[None] | None = None
        self._writing: asyncio.Future[None] | None = None

    # --- what httpcore asks for ---------------------------------------------------------------------------------------

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has come, all of it if it is not more; empty at the end."""
        if not self._come and not self._is_over:
            self._reading = asyncio.get_running_loop().create_future()
            try:
                await _within(timeout, self._reading)
            except RanOut:
                raise httpcore.ReadTimeout(f"nothing came within {timeout} s") from None
            finally:
                self._reading = None
        if self._come:
            return self._taken(max_bytes)
        if self._failure is not None:
            raise httpcore.ReadError(str(self._failure)) from self._failure
        return b""

    def _taken(self, max_bytes: int) -> bytes:
        data = self._come[0] if len(self._come) == 1 else b"".join(self._come)
        self._come = [data[max_bytes:]] if len(data) > max_bytes else []
        self._size = max(len(data) - max_bytes, 0)
        if self._is_paused and not self._is_over:
            self._is_paused = False
            self._transport.resume_reading()
        return data[:max_bytes]

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Hands bytes over; waits while the other side takes none."""
        if self._is_over:
            raise httpcore.WriteError("the connection is closed")
        self._transport.write(buffer)
        if self._is_full:
            self._writing = asyncio.get_running_loop().create_future()
            try:
                await _within(timeout, self._writing)
            except RanOut:
                raise httpcore.WriteTimeout(f"nothing was taken within {timeout} s") from None
            finally:
                self._writing = None
            if self._is_over:
                raise httpcore.WriteError("the connection was closed")

    async def aclose(self) -> None:
        """Closes at once: whoever closes wants no more of it."""
        self._transport.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Stream:
        """The same connection, encrypted from here on."""
        loop = asyncio.get_running_loop()
        starting = loop.start_tls(self._transport, self, ssl_context, server_hostname=server_hostname)
        try:
            secure = await _within(timeout, starting)
        except (RanOut, TimeoutError) as error:
            self._transport.abort()
            raise httpcore.ConnectTimeout(f"no handshake within {timeout} s") from error
        except OSError as error:  # as are certificates that are not believed
            self._transport.abort()
            raise httpcore.ConnectError(str(error)) from error
        if secure is None:
            raise httpcore.ConnectError("The connection was closed during the handshake.")
        self._transport = secure
        return self

    def get_extra_info(self, info: str) -> Any:
        """`is_readable`, of a connection at rest: its other end has closed it, or talks out of turn."""
        if info == "is_readable":
            return bool(self._come) or self._is_over
        return self._transport.get_extra_info({"client_addr": "sockname", "server_addr": "peername"}.get(info, info))

    # --- what asyncio tells -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._come.append(data)
        self._size += len(data)
        if self._size > _MOST_AHEAD and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        _wake(self._reading)

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        _wake(self._writing)

    def _end(self, failure: Exception | None) -> None:
        self._is_over = True
        self._failure = self._failure or failure
        _wake(self._reading)
        _wake(self._writing)


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


async def _within(timeout: float | None, waiting: Awaitable[T]) -> T:
    """What is waited for; `RanOut` after `timeout` seconds."""
    if timeout is None:
        return await waiting
    patience = Patience(timeout)
    try:
        with patience:
            return await waiting
    finally:
        patience.end()
