"""What model servers on this computer have loaded, asked in the place each tells it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from jupyter_chat_sessions.agents.openai_compatible.loaded import listed_tokens, loaded_tokens

TOLD: dict[str, tuple[str, Any]] = {
    "ollama": ("/api/ps", {"models": [{"name": "m:3b", "model": "m:3b", "context_length": 32768}]}),
    "lmstudio": ("/api/v0/models", {"data": [{"id": "m:3b", "loaded_context_length": 32768}]}),
    "llamacpp": ("/props", {"default_generation_settings": {"n_ctx": 32768}}),
    "vllm": ("/v1/models", {"data": [{"id": "other"}, {"id": "m:3b", "max_model_len": 32768}][1:]}),
}


@asynccontextmanager
async def serving(path: str, told: Any) -> AsyncIterator[str]:
    """The base URL of a server that tells this at that place, and nothing anywhere else."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        status = 200 if asked == path else 404
        writer.write(b"HTTP/1.1 %d x\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    finally:
        server.close()


@pytest.mark.parametrize("provider", TOLD)
async def test_each_kind_of_server_is_asked_where_it_tells(provider: str) -> None:
    async with serving(*TOLD[provider]) as base_url:
        assert await loaded_tokens(base_url, provider, "m:3b") == 32768


@pytest.mark.parametrize("told", [b"", b"<html>", [], {}, {"models": None}, {"models": [{"name": "m:3b"}]}])
async def test_a_server_that_does_not_tell_is_no_failure(told: Any) -> None:
    async with serving("/api/ps", told) as base_url:
        assert await loaded_tokens(base_url, "ollama", "m:3b") is None
        assert await loaded_tokens("http://127.0.0.1:9/v1", "ollama", "m:3b") is None
        assert await loaded_tokens(base_url, "openai", "m:3b") is None


@pytest.mark.parametrize("name", ["context_length", "context_window", "max_context_length", "max_model_len"])
async def test_a_list_of_models_tells_how_much_each_holds_whatever_it_calls_that(name: str) -> None:
    listed = {"data": [{"id": "other", name: 9000}, {"id": "m:3b", name: 32768, "created": 1}]}
    async with serving("/v1/models", listed) as base_url:
        assert await listed_tokens(base_url, "m:3b", None) == 32768
        assert await listed_tokens(base_url, "m:7b", None) is None


@pytest.mark.parametrize(
    "told", [b"", b"<html>", b"[" * 100_000, [], {"data": [{"id": "m:3b", "context_length": "much"}, {}]}]
)
async def test_a_list_that_does_not_tell_is_no_failure(told: Any) -> None:
    async with serving("/v1/models", told) as base_url:
        assert await listed_tokens(base_url, "m:3b", None) is None
