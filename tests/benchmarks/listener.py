"""Sockets that ask and listen, in a process of their own: one JSON job on standard input, one JSON result on the other.

A job is `{"peer": bool, "port", "token", "model", "pieces", "patience_s", "settle_s", "rooms": [{"path", "sockets"}]}`.
In each room the first socket asks; every socket counts what it is sent, and the first notes how old each piece is by
then. Pieces that were said before `settle_s` are counted and their ages told apart.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import sys
import time
import uuid
from typing import Any

_STAMP = re.compile(r"\d{12,}(?= )")


class Ear(asyncio.Protocol):
    """One websocket, read by hand so that the measuring costs little."""

    def __init__(self, room: Room, is_first: bool, job: dict[str, Any]) -> None:
        self._room = room
        self._is_first = is_first
        self._job = job
        self._data = b""
        self._is_open = False
        self.bytes = self.frames = 0
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {self._room.path} HTTP/1.1\r\nHost: 127.0.0.1:{self._job['port']}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: token {self._job['token']}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        self._data += data
        if not self._is_open:
            head, mark, rest = self._data.partition(b"\r\n\r\n")
            if not mark:
                return
            if b" 101 " not in head.split(b"\r\n", 1)[0]:
                raise ConnectionError(head.decode())
            self._is_open, self._data = True, rest
        now = time.monotonic_ns()
        while self._take(now):
            pass

    def _take(self, now: int) -> bool:
        data = self._data
        if len(data) < 2:
            return False
        opcode, size, at = data[0] & 15, data[1] & 127, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            if len(data) < 2 + width:
                return False
            size, at = int.from_bytes(data[2 : 2 + width], "big"), 2 + width
        if len(data) < at + size:
            return False
        payload, self._data = data[at : at + size], data[at + size :]
        if opcode == 1:
            self._hear(payload, now)
        elif opcode == 9:
            self.send(payload, 10)
        return True

    def _hear(self, payload: bytes, now: int) -> None:
        if not self.opened.done():
            self.opened.set_result(None)  # the first frame: where the room stands
            return
        self.bytes += len(payload)
        self.frames += 1
        if self._is_first:
            self._room.hear(payload, now)

    def send(self, payload: bytes, opcode: int = 1) -> None:
        size = len(payload)
        length = bytes([128 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self._transport.write(bytes([128 | opcode]) + length + b"\0\0\0\0" + payload)


class Room:
    """One thread, or one chat of the peer: its sockets, and what its first one has heard."""

    def __init__(self, path: str, job: dict[str, Any]) -> None:
        self.path = path
        self.ages: list[tuple[int, int]] = []
        """When each piece was said, and how old it was when it came, in nanoseconds."""
        self.ears: list[Ear] = []
        self.ended = asyncio.Event()
        self._job = job
        self._heard = 0

    async def join(self, sockets: int) -> None:
        loop = asyncio.get_running_loop()
        for number in range(sockets):
            ear = Ear(self, number == 0, self._job)
            self.ears.append(ear)
            await loop.create_connection(lambda ear=ear: ear, "127.0.0.1", self._job["port"])  # type: ignore[misc]
            await ear.opened

    def ask(self) -> None:
        question = {"id": str(uuid.uuid4())}
        if self._job["peer"]:
            question |= {"type": "client", "action": "send", "body": self._job["model"]}
        else:
            question |= {"kind": "send", "content": "go", "options": {"model": f"custom:{self._job['model']}"}}
        self.ears[0].send(json.dumps(question).encode())

    def hear(self, payload: bytes, now: int) -> None:
        frame = json.loads(payload)
        if self._job["peer"]:
            # The peer sends the whole answer each time: what is new is what comes after what was heard.
            message = frame.get("message", {})
            body = message.get("body", "") if message.get("sender") == "persona" else ""
            said, self._heard = body[self._heard :], max(len(body), self._heard)
        else:
            event = frame.get("event", {})
            said = event.get("delta", "") if event.get("type") == "TEXT_MESSAGE_CONTENT" else ""
        self.ages += [(int(stamp), now - int(stamp)) for stamp in _STAMP.findall(said)]
        if len(self.ages) >= self._job["pieces"]:
            self.ended.set()


async def _listen(job: dict[str, Any]) -> dict[str, Any]:
    rooms = [Room(each["path"], job) for each in job["rooms"]]
    for room, each in zip(rooms, job["rooms"], strict=True):
        await room.join(each["sockets"])
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    began = time.monotonic()
    for room in rooms:
        room.ask()
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(asyncio.gather(*(room.ended.wait() for room in rooms)), job["patience_s"])
    seconds = time.monotonic() - began
    settled = (began + job["settle_s"]) * 1e9
    told = [each for room in rooms for each in room.ages]
    ages = sorted(age / 1e6 for said, age in told if said >= settled)
    early = sorted(age / 1e6 for said, age in told if said < settled)
    ears = [ear for room in rooms for ear in room.ears]
    return {
        "seconds": seconds,
        "delivered": len(told),
        "offered": len(rooms) * job["pieces"],
        "ages_ms": {name: ages[int(part * (len(ages) - 1))] if ages else None for name, part in _PARTS.items()},
        "early_p99_ms": early[int(0.99 * (len(early) - 1))] if early else None,
        "bytes_a_socket": sum(ear.bytes for ear in ears) / len(ears),
        "frames_a_socket": sum(ear.frames for ear in ears) / len(ears),
    }


_PARTS = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

if __name__ == "__main__":
    result = asyncio.run(_listen(json.loads(sys.stdin.readline())))
    print(json.dumps(result), flush=True)
    os._exit(0)  # sockets of a server that is behind are not waited for
