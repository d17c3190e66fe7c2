"""Where chat completions are asked for: one address, one request at a time, its answer as it comes."""

from __future__ import annotations

import contextlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..keys import Key
from ..web import UnusableProxy, proxy_for, session
from .failures import Asked, ProviderFailed, failure, failure_of_status
from .loaded import listed_tokens, loaded_tokens
from .patience import Patience, RanOut
from .sse import DONE, SseReader, Unreadable, object_in

if TYPE_CHECKING:
    import aiohttp

_MOST_OF_A_REFUSAL = 64 * 1024
_REFUSAL_S = 10.0
_MOST_OF_A_WHOLE = 32 * 2**20
_DRAIN_S = 0.25


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A base URL, and how long connecting to it may take. `asked` is what failures are told about."""

    base_url: str
    asked: Asked
    connect_s: float

    @contextlib.asynccontextmanager
    async def answer(self, body: bytes, key: Key | None, patience: Patience) -> AsyncIterator[Answer]:
        """The answer, while it comes. Leaving closes the request at once, unless it has been read to its end.

        Raises `ProviderFailed`, and `RanOut` where the patience did, also for what is read inside.
        """
        web = await session()
        import aiohttp

        answer: Answer | None = None
        try:
            with patience:
                response = await self._ask(web, body, key)
            try:
                if response.status != 200:
                    raise await self._refusal(response)
                answer = Answer(response, patience)
                yield answer
            finally:
                response.close()
        except UnusableProxy:
            words = "The proxy that the server's environment names cannot be used: it must be an http or https address."
            raise ProviderFailed("unreachable", words) from None
        except (aiohttp.ClientError, OSError):
            raise failure("truncated" if answer and answer.has_begun else "unreachable", self.asked) from None
        except Unreadable:
            raise failure("server", self.asked, "what it sent is no chat completion", is_passing=False) from None

    async def loaded_tokens(self, provider: str) -> int | None:
        """How much the server has loaded of the model, where it tells."""
        return await loaded_tokens(self.base_url, provider, self.asked.model)

    async def listed_tokens(self, key: Key | None) -> int | None:
        """How much its list of models says that the model can hold, where it tells."""
        return await listed_tokens(self.base_url, self.asked.model, key)

    async def _ask(self, web: aiohttp.ClientSession, body: bytes, key: Key | None) -> aiohttp.ClientResponse:
        import aiohttp

        url = f"{self.base_url}/chat/completions"
        headers = {"accept": "text/event-stream", "accept-encoding": "identity", "content-type": "application/json"}
        if key is not None and urlsplit(url).username is None:  # an address may bring credentials of its own
            headers["authorization"] = f"Bearer {key.reveal()}"
        return await web.post(
            url,
            data=io.BytesIO(body),
            headers=headers,
            proxy=proxy_for(url),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self.connect_s),
        )

    async def _refusal(self, response: aiohttp.ClientResponse) -> Exception:
        """What an answer other than 200 means. Of its body only the beginning is read, and not for long."""
        import aiohttp

        body = b""
        patience = Patience(_REFUSAL_S)
        try:
            with patience:
                async for block in response.content.iter_any():
                    body += block
                    if len(body) > _MOST_OF_A_REFUSAL:
                        break
        except (RanOut, aiohttp.ClientError):
            pass  # its status says enough
        finally:
            patience.end()
        return failure_of_status(response.status, response.headers, body[:_MOST_OF_A_REFUSAL], self.asked)


class Answer:
    """An answer while it comes. Between two reads nothing is held but what is here: hundreds may wait at once."""

    def __init__(self, response: aiohttp.ClientResponse, patience: Patience) -> None:
        self._content = response.content
        self._patience = patience
        self._is_whole = "json" in response.headers.get("content-type", "")  # a server that does not stream
        self._reader = SseReader()
        self.has_begun = False
        """Whether something of it has been read."""
        self.is_over = False
        """Whether it has ended, or broken off cleanly."""

    async def chunks(self) -> list[dict[str, Any]]:
        """The chunks that came together; none where they are not complete yet, or there are no more."""
        if self._reader.is_done:
            self.is_over = True
            await self._drain()
            return []
        if self._is_whole:
            self.is_over = True
            return [object_in(await self._all()), DONE]
        with self._patience:
            block = await self._content.readany()
        self.is_over = not block
        chunks = self._reader.feed(block) if block else self._reader.end()
        self.has_begun = self.has_begun or bool(chunks)
        return chunks

    async def _all(self) -> bytes:
        body = bytearray()
        with self._patience:
            async for block in self._content.iter_any():
                body += block
                if len(body) > _MOST_OF_A_WHOLE:
                    raise Unreadable
        return bytes(body)

    async def _drain(self) -> None:
        """Reads to the end of a stream that has said all, which is there already: so its connection is used again."""
        import aiohttp

        patience = Patience(_DRAIN_S)
        try:
            with patience:
                while await self._content.readany():
                    pass
        except (RanOut, aiohttp.ClientError):
            pass
        finally:
            patience.end()
