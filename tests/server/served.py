"""What tests of the doors hold in their hands: answers and sockets."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tornado.httpclient import HTTPResponse
from tornado.websocket import WebSocketClientConnection


class Answer:
    """An HTTP answer, refused or not."""

    def __init__(self, response: HTTPResponse) -> None:
        self.status = response.code
        self.headers = response.headers
        self.body = response.body or b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Rest = Callable[..., Awaitable[Answer]]


class Socket:
    """A live websocket: frames as they come, kept."""

    def __init__(self, connection: WebSocketClientConnection) -> None:
        self.connection = connection
        self.frames: list[dict[str, Any]] = []

    async def next(self, timeout: float = 20) -> dict[str, Any]:
        message = await asyncio.wait_for(self.connection.read_message(), timeout)
        if message is None:
            raise EOFError(self.connection.close_code)
        frame: dict[str, Any] = json.loads(message)
        self.frames.append(frame)
        return frame

    async def until(self, wanted: Callable[[dict[str, Any]], bool], timeout: float = 20) -> dict[str, Any]:
        while True:
            frame = await self.next(timeout)
            if wanted(frame):
                return frame

    async def event(self, kind: str) -> dict[str, Any]:
        """The next AG-UI event of that type."""
        frame = await self.until(lambda frame: frame.get("event", {}).get("type") == kind)
        event: dict[str, Any] = frame["event"]
        return event

    async def send(self, content: Any, **more: Any) -> str:
        message_id = more.pop("id", str(uuid.uuid4()))
        await self.say(kind="send", id=message_id, content=content, **more)
        return message_id

    async def say(self, **frame: Any) -> None:
        await self.connection.write_message(json.dumps(frame))

    def lines(self) -> list[dict[str, Any]]:
        """Every transcript line told so far."""
        told: list[dict[str, Any]] = []
        for frame in self.frames:
            if frame["kind"] == "hello":
                told = [] if frame["reset"] else told
                told += frame["lines"]
            elif frame["kind"] == "event" and frame["event"].get("name") == "line":
                told.append(frame["event"]["value"])
        return told


Connect = Callable[..., Awaitable[Socket]]


def found(root: Path, name: str) -> list[Path]:
    """Every file of that name below a folder."""
    return sorted(root.rglob(name))
