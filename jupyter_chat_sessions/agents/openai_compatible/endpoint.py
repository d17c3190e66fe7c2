"""Where chat completions are asked for: one address, one HTTP client kept open, one request at a time as a stream.

httpx is imported at the first request, in a worker thread, as is a client made: both take the time of many pieces.
"""

from __future__ import annotations

import asyncio
import contextlib
import weakref
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..keys import Key
from ..providers import is_loopback
from .failures import Asked, ProviderFailed, failure, failure_of_status
from .loaded import listed_tokens, loaded_tokens
from .patience import Patience, RanOut
from .sse import DONE, SseReader, Unreadable, object_in

if TYPE_CHECKING:
    import httpx

_MOST_OF_A_REFUSAL = 64 * 1024
_REFUSAL_S = 10.0
_MOST_OF_A_WHOLE = 32 * 2**20
_DRAIN_S = 0.25

_clients: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, httpx.AsyncClient]] = (
    weakref.WeakKeyDictionary()
)
"""By loop, since a connection belongs to the loop it was opened in, then by base URL."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A base URL, and how long connecting to it may take. `asked` is what failures are told about."""

    base_url: str
    asked: Asked
    connect_s: float

    async def chunks(
        self, body: bytes, key: Key | None, patience: Patience
    ) -> AsyncGenerator[list[dict[str, Any]], None]:
        """The answer's chunks, those that came together as one list. Closing this closes the request at once.

        Raises `ProviderFailed`, and `RanOut` where the patience did. Ends where the answer ends or breaks off cleanly.
        """
        client = await self._client()
        import httpx

        has_begun = False
        try:
            request = self._request(client, body, key)
            with patience:
                response = await client.send(request, stream=True)
            async with contextlib.aclosing(response):
                if response.status_code != 200:
                    raise await self._refusal(response)
                async with contextlib.aclosing(self._read(response, patience)) as lists:
                    async for chunks in lists:
                        has_begun = True
                        yield chunks
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL):
            raise failure("unreachable", self.asked) from None
        except httpx.TransportError:
            raise failure("truncated" if has_begun else "unreachable", self.asked) from None
        except httpx.HTTPError as fault:
            raise failure("server", self.asked, type(fault).__name__) from None
        except Unreadable:
            raise failure("server", self.asked, "what it sent is no chat completion", is_passing=False) from None

    async def loaded_tokens(self, provider: str) -> int | None:
        """How much the server has loaded of the model, where it tells."""
        return await loaded_tokens(await self._client(), self.base_url, provider, self.asked.model)

    async def listed_tokens(self, key: Key | None) -> int | None:
        """How much its list of models says that the model can hold, where it tells."""
        return await listed_tokens(await self._client(), self.base_url, self.asked.model, key)

    async def _client(self) -> httpx.AsyncClient:
        try:
            return await client_for(self.base_url)
        except (ImportError, ValueError):  # an address of a proxy that is none, or one that needs another package
            words = "The proxy that the server's environment names cannot be used; SOCKS needs the package socksio."
            raise ProviderFailed("unreachable", words) from None

    def _request(self, client: httpx.AsyncClient, body: bytes, key: Key | None) -> httpx.Request:
        import httpx

        headers = {"accept": "text/event-stream", "accept-encoding": "identity", "content-type": "application/json"}
        if key is not None:
            headers["authorization"] = f"Bearer {key.reveal()}"
        url, timeout = f"{self.base_url}/chat/completions", httpx.Timeout(None, connect=self.connect_s)
        return client.build_request("POST", url, content=body, headers=headers, timeout=timeout)

    async def _read(self, response: httpx.Response, patience: Patience) -> AsyncGenerator[list[dict[str, Any]], None]:
        if "json" in response.headers.get("content-type", ""):  # a server that does not stream
            yield [object_in(await self._whole(response, patience)), DONE]
            return
        reader = SseReader()
        async with contextlib.aclosing(response.aiter_bytes()) as blocks:  # type: ignore[type-var]
            while not reader.is_done:
                try:
                    with patience:
                        block = await blocks.__anext__()
                except StopAsyncIteration:
                    break
                chunks = reader.feed(block)
                if chunks:
                    yield chunks
            if reader.is_done:
                await _drain(blocks)
        last = reader.end()
        if last:
            yield last

    async def _whole(self, response: httpx.Response, patience: Patience) -> bytes:
        body = b""
        with patience:
            async for block in response.aiter_bytes():
                body += block
                if len(body) > _MOST_OF_A_WHOLE:
                    raise Unreadable
        return body

    async def _refusal(self, response: httpx.Response) -> Exception:
        """What an answer other than 200 means. Of its body only the beginning is read, and not for long."""
        import httpx

        body = b""
        patience = Patience(_REFUSAL_S)
        try:
            with patience:
                async for block in response.aiter_bytes():
                    body += block
                    if len(body) > _MOST_OF_A_REFUSAL:
                        break
        except (RanOut, httpx.TransportError):
            pass  # its status says enough
        finally:
            patience.end()
        return failure_of_status(response.status_code, response.headers, body[:_MOST_OF_A_REFUSAL], self.asked)


async def _drain(blocks: AsyncIterator[bytes]) -> None:
    """Reads to the end of a stream that has said all, which is there already: only so is its connection used again."""
    import httpx

    patience = Patience(_DRAIN_S)
    try:
        with patience:
            async for _ in blocks:
                pass
    except (RanOut, httpx.TransportError):
        pass
    finally:
        patience.end()


async def client_for(base_url: str) -> httpx.AsyncClient:
    """The client of that address in this loop, made at its first use."""
    clients = _clients.setdefault(asyncio.get_running_loop(), {})
    if base_url not in clients:
        made = await asyncio.to_thread(_make_client, base_url)
        clients.setdefault(base_url, made)
    return clients[base_url]


def _make_client(base_url: str) -> httpx.AsyncClient:
    import httpx

    limits = httpx.Limits(max_connections=None, max_keepalive_connections=8, keepalive_expiry=60)
    # What is on this computer is never asked for through a proxy.
    return httpx.AsyncClient(limits=limits, trust_env=not is_loopback(base_url), follow_redirects=False)


async def close_clients() -> None:
    """Closes the clients of this loop, as when its server ends."""
    for client in _clients.pop(asyncio.get_running_loop(), {}).values():
        await client.aclose()
