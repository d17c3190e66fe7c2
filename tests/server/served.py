"""What tests of the doors hold in their hands: answers and sockets."""

from __future__ import annotations

import asyncio
import json
import os
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

    @property
    def refusal(self) -> tuple[int, str]:
        """Status and code, of an answer that is an error in the documented shape."""
        body = self.json
        if set(body) == {"error"}:  # OpenAI's envelope
            assert set(body["error"]) == {"message", "type", "param", "code"}, body
            body = body["error"]
        else:
            assert set(body) == {"code", "message"}, body
        assert isinstance(body["message"], str)
        assert body["message"]
        assert "Traceback" not in body["message"]
        return self.status, body["code"]


Rest = Callable[..., Awaitable[Answer]]
Raw = Callable[..., Awaitable[Answer]]


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
        deadline = asyncio.get_running_loop().time() + timeout
        while True:  # heartbeats come for ever
            frame = await self.next(deadline - asyncio.get_running_loop().time())
            if wanted(frame):
                return frame

    async def event(self, kind: str) -> dict[str, Any]:
        """The next AG-UI event of that type."""
        frame = await self.until(lambda frame: frame.get("event", {}).get("type") == kind)
        event: dict[str, Any] = frame["event"]
        return event

    async def answer(self, frame_id: str) -> dict[str, Any]:
        """The `ack` or `nack` of that id."""
        return await self.until(lambda frame: frame["kind"] in ("ack", "nack") and frame["id"] == frame_id)

    async def refusal(self) -> tuple[str, int | None]:
        """The code in the `nack` of an address that is refused, and the code the socket is closed with."""
        frame = await self.next()
        assert (frame["kind"], frame["id"]) == ("nack", None)
        assert frame["message"]
        return frame["code"], await self.closed()

    async def closed(self) -> int | None:
        """The close code, once it is closed."""
        while await asyncio.wait_for(self.connection.read_message(), 30) is not None:
            pass
        return self.connection.close_code

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

    def text(self, run_id: str) -> str:
        """A run's words as this viewer was shown them: a snapshot, then deltas with a number not seen before."""
        words, seen = "", 0
        for frame in self.frames:
            run = frame.get("run") or {}
            if frame["kind"] == "hello" and run.get("run_id") == run_id:
                words, seen = run["text"], run["n"]
            elif frame.get("run_id") == run_id and frame["n"] > seen:
                seen = frame["n"]
                if frame["event"]["type"] == "TEXT_MESSAGE_CONTENT":
                    words += frame["event"]["delta"]
        return words


Connect = Callable[..., Awaitable[Socket]]


def found(root: Path, name: str) -> list[Path]:
    """Every file of that name below a folder."""
    return sorted(root.rglob(name))


def tree(root: Path) -> set[str]:
    """Every file and folder below a folder, by its path there; what goes meanwhile may be missing."""
    return {
        os.path.relpath(os.path.join(folder, name), root)
        for folder, folders, names in os.walk(root)
        for name in (*folders, *names)
    }


def lines_of(root: Path, thread_id: str) -> list[dict[str, Any]]:
    """A transcript as it stands on disk, its header first."""
    raw = (root / ".chats" / thread_id / "chat.jsonl").read_bytes()
    assert raw.endswith(b"\n")
    return [json.loads(line) for line in raw.splitlines()]


async def until(claim: Callable[[], Any], timeout: float = 30) -> None:
    """Returns when the claim holds; fails when it does not within the time."""
    deadline = asyncio.get_running_loop().time() + timeout
    while not claim():
        assert asyncio.get_running_loop().time() < deadline, "it did not come true in time"
        await asyncio.sleep(0.01)
