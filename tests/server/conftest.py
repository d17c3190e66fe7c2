"""A real jupyter_server with the extension loaded, on a root of its own, with an agent that plays what a test wrote."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import openai
import pytest
from jupyter_server.serverapp import ServerApp
from openai_kit import Client
from played import Played
from served import Answer, Connect, Raw, Rest, Socket
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.websocket import WebSocketClientConnection

from jupyter_chat_sessions.chats.chats import Chats

PREFIX = "chat-sessions"


@pytest.fixture
def chat_config() -> dict[str, Any]:
    """More configuration, by class: a test asks for it with `parametrize("chat_config", [...])`."""
    return {}


@pytest.fixture
def agent() -> Played:
    return Played()


@pytest.fixture
def jp_server_config(chat_config: dict[str, Any], agent: Played) -> dict[str, Any]:
    ours = {"default_model": "direct", "agents": {"played": lambda: agent}, "spare_kernel": False}
    ours |= chat_config.get("ChatSessions", {})
    server = {"jpserver_extensions": {"jupyter_chat_sessions": True}, **chat_config.get("ServerApp", {})}
    return {**chat_config, "ChatSessions": ours, "ServerApp": server}


@pytest.fixture
def chats(jp_serverapp: ServerApp) -> Callable[[], Chats]:
    """What is behind the doors, as soon as somebody has knocked."""
    return lambda: jp_serverapp.web_app.settings["jupyter_chat_sessions"].chats


@pytest.fixture
def new_id() -> Callable[[], str]:
    return lambda: str(uuid.uuid4())


@pytest.fixture
def rest(chats: Callable[[], Chats], jp_fetch: Callable[..., Awaitable[HTTPResponse]]) -> Rest:
    """`await rest("POST", "/threads", body)`: an answer, whatever its status."""

    async def request(method: str, path: str, body: Any = None, **more: Any) -> Answer:
        query = more.pop("query", {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        elif body is None and method in ("POST", "PUT", "PATCH"):
            body = ""
        parts = path.strip("/").split("/")
        return Answer(await jp_fetch(PREFIX, *parts, method=method, body=body, params=query, raise_error=False, **more))

    return request


@pytest.fixture
def raw(
    chats: Callable[[], Chats],
    http_server_client: AsyncHTTPClient,
    jp_base_url: str,
    jp_auth_header: dict[str, str],
) -> Raw:
    """`await raw("GET", "/threads/%2e%2e", is_known=False)`: the address as it stands, with or without credentials."""

    async def request(
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: dict[str, str] | None = None,
        is_known: bool = True,
        base: str = f"{jp_base_url}{PREFIX}",
    ) -> Answer:
        headers = {**(jp_auth_header if is_known else {}), **(headers or {})}
        response = await http_server_client.fetch(
            f"{base}{path}",
            method=method,
            body=body,
            headers=headers,
            raise_error=False,
            allow_nonstandard_methods=True,
            follow_redirects=False,
        )
        return Answer(response)

    return request


@pytest.fixture
def live(
    chats: Callable[[], Chats], jp_ws_fetch: Callable[..., Awaitable[WebSocketClientConnection]]
) -> Iterator[Connect]:
    """`await live(thread_id, after=0)`: a connected socket, its `hello` not yet read."""
    opened: list[Socket] = []

    async def connect(thread_id: str, **query: Any) -> Socket:
        connection = await jp_ws_fetch(PREFIX, "threads", thread_id, "live", params=query)
        opened.append(Socket(connection))
        return opened[-1]

    yield connect
    for socket in opened:
        socket.connection.close()


@pytest.fixture
def client(
    jp_serverapp: ServerApp,
    jp_base_url: str,
    http_server_client: AsyncHTTPClient,
    jp_asyncio_loop: asyncio.AbstractEventLoop,
) -> Iterator[Client]:
    """`client()`: an `openai.AsyncOpenAI` of this server; `client(default_headers={…})` with more."""
    made: list[openai.AsyncOpenAI] = []

    def make(**more: Any) -> openai.AsyncOpenAI:
        url = f"http://127.0.0.1:{jp_serverapp.port}{jp_base_url}{PREFIX}/v1"
        made.append(openai.AsyncOpenAI(**{"base_url": url, "api_key": jp_serverapp.identity_provider.token, **more}))
        return made[-1]

    yield make
    for each in made:
        jp_asyncio_loop.run_until_complete(each.close())


@pytest.fixture
def desk(jp_serverapp: ServerApp) -> Callable[[], Any]:
    """What the OpenAI-compatible doors keep between requests."""
    return lambda: jp_serverapp.web_app.settings["jupyter_chat_sessions"].desk


@pytest.fixture
def mcp(chats: Any, http_server_client: Any, jp_serverapp: ServerApp, jp_base_url: str) -> Any:
    """`async with mcp(thread_id) as client`: a connected client of the `mcp` package; `mode="legacy"` shakes hands."""
    import httpx2
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    @asynccontextmanager
    async def connect(thread_id: str = "", mode: Any = "auto", port: int | None = None) -> AsyncIterator[Client]:
        url = f"http://127.0.0.1:{port or jp_serverapp.port}{jp_base_url}chat-sessions/mcp/{thread_id}".rstrip("/")
        headers = {"Authorization": f"token {jp_serverapp.identity_provider.token}"}
        async with httpx2.AsyncClient(headers=headers, timeout=30) as http:
            transport = streamable_http_client(url, http_client=http)
            async with Client(transport, mode=mode) as client:
                yield client

    return connect
