"""M4: sockets that are never read, while an answer streams to them: the server's memory, and what others wait for it.

Ten sockets of one thread join and are not read from then on; whichever the server closes (it answers no ping) comes
back at once. Beside them one viewer reads. The same with that viewer alone is measured before, in the same server.
"""

from __future__ import annotations

import socket
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .harness import Figure
from .servers import Heard, Server, listen, provider, server

UNREAD = 10
RATE = 500
MANY = 600_000
GIVEN_UP_S = 45.0
GOAL_MB = 15.0
"""Ten times the megabyte that is kept for one, and what a megabyte of Python more or less is."""
_MB = 1 << 20


class Unread:
    """Sockets of one thread that are opened and never read."""

    def __init__(self, to: Server, name: str, count: int) -> None:
        self._to = to
        self._name = name
        self._open = [(time.monotonic(), self._join()) for _ in range(count)]
        self.comebacks = 0

    def _join(self) -> socket.socket:
        joined = socket.socket()
        joined.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        joined.connect(("127.0.0.1", self._to.port))
        joined.sendall(
            f"GET {self._to.room(self._name)} HTTP/1.1\r\nHost: 127.0.0.1:{self._to.port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {'A' * 22}==\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: token {self._to.token}\r\n\r\n".encode()
        )
        return joined

    def come_back(self) -> None:
        """Joins again for each that the server has given up by now: it answers no ping."""
        for place, (since, each) in enumerate(self._open):
            if time.monotonic() - since > GIVEN_UP_S:
                each.close()
                self._open[place] = time.monotonic(), self._join()
                self.comebacks += 1

    def close(self) -> None:
        for _, each in self._open:
            each.close()


class Watch:
    """The server's memory, twice a second."""

    def __init__(self, of: Server, unread: Unread | None) -> None:
        self._of = of
        self._unread = unread
        self._is_over = threading.Event()
        self.bytes: list[int] = [of.memory_bytes]
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._is_over.wait(0.5):
            self.bytes.append(self._of.memory_bytes)
            if self._unread is not None:
                self._unread.come_back()

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()


@contextmanager
def _watched(to: Server, name: str, count: int) -> Iterator[tuple[Watch, Unread | None]]:
    unread = Unread(to, name, count) if count else None
    watch = Watch(to, unread)
    try:
        yield watch, unread
    finally:
        watch.close()
        if unread is not None:
            unread.close()


def measure(is_quick: bool) -> list[Figure]:
    """At a pace of 500 pieces a second, for two minutes, and twenty minutes' worth of them as fast as they come."""
    with tempfile.TemporaryDirectory() as folder, provider() as url, server(Path(folder), url) as to:
        _stream(to, "full-20000", 20_000, 0, 60)  # what is made once is made
        return [_paced(to, 20 if is_quick else 120), _at_full_speed(to)]


def _paced(to: Server, seconds: int) -> Figure:
    model, pieces = f"rate-{RATE}-{RATE * seconds}", RATE * seconds
    alone = _stream(to, model, pieces, 0, seconds + 60.0)
    return _figure(f"{RATE}/s for {seconds} s", alone, _stream(to, model, pieces, UNREAD, seconds + 60.0))


def _at_full_speed(to: Server) -> Figure:
    alone = _stream(to, f"full-{MANY}", MANY, 0, 300.0)
    return _figure(f"full speed, {MANY} pieces", alone, _stream(to, f"full-{MANY}", MANY, UNREAD, 300.0))


@dataclass(frozen=True, slots=True)
class Streamed:
    """What one answer came to."""

    heard: Heard
    memory: list[int]
    comebacks: int


def _stream(to: Server, model: str, pieces: int, count: int, patience_s: float) -> Streamed:
    name = str(uuid.uuid4())
    with _watched(to, name, count) as (watch, unread):
        heard = listen(to, [name], model, pieces, patience_s=patience_s)
    return Streamed(heard, watch.bytes, unread.comebacks if unread else 0)


def _figure(what: str, alone: Streamed, beside: Streamed) -> Figure:
    grown = _grown(beside.memory) - _grown(alone.memory)
    note = (
        f"the server grew by {_grown(beside.memory):.1f} MB, with the reader alone by {_grown(alone.memory):.1f} MB; "
        f"{beside.comebacks} were given up and back; "
        f"the reader's ages {_ages(beside.heard)}, alone {_ages(alone.heard)}"
    )
    return Figure("M4", f"{UNREAD} unread, {what}", grown, grown, grown, "MB", f"<= {GOAL_MB:g} MB", None, note)


def _ages(heard: Heard) -> str:
    return f"{heard.p50_ms:.1f}/{heard.p95_ms:.1f}/{heard.p99_ms:.1f} ms, {heard.held:.0%} held"


def _grown(memory: list[int]) -> float:
    return (max(memory) - memory[0]) / _MB
