"""A real jupyter_server with the extension loaded, on a root of its own."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from served import Answer, Connect, Rest, Socket
from tornado.httpclient import HTTPResponse
from tornado.websocket import WebSocketClientConnection

PREFIX = "chat-sessions"


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"jupyter_chat_sessions": True}}}


@pytest.fixture
def new_id() -> Callable[[], str]:
    return lambda: str(uuid.uuid4())


@pytest.fixture
def rest(jp_fetch: Callable[..., Awaitable[HTTPResponse]]) -> Rest:
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
def live(jp_ws_fetch: Callable[..., Awaitable[WebSocketClientConnection]]) -> Iterator[Connect]:
    """`await live(thread_id, after=0)`: a connected socket, its `hello` not yet read."""
    opened: list[Socket] = []

    async def connect(thread_id: str, **query: Any) -> Socket:
        connection = await jp_ws_fetch(PREFIX, "threads", thread_id, "live", params=query)
        opened.append(Socket(connection))
        return opened[-1]

    yield connect
    for socket in opened:
        socket.connection.close()
