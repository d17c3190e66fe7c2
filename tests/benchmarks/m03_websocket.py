"""M3: what a piece of text costs a real server from its provider to a websocket, and how soon Stop reaches a provider.

The provider says 20,000 pieces at full speed, from a process of its own, to a Jupyter server in another; a websocket in
this one hears them. The server's CPU is what the system counts for its process, all threads. Beside it, in the same
rounds: reading the same stream with httpx's lines and JSON, which is the least a client does.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from socket import socket
from typing import Any

import httpx
from tornado.websocket import WebSocketClientConnection, websocket_connect

from .harness import Figure, interval
from .m02_provider import PIECES, _by_httpx_alone, _provider

sys.path.append(str(Path(__file__).parents[1] / "agents"))

from upstream import running_upstream

GOAL_US = 60.0
GOAL_MS = 100.0
TOKEN = "benchmark"
_TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def _server(environment: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """A Jupyter server with the extension, on a folder of its own: its process id and port."""
    with tempfile.TemporaryDirectory() as home, closing(socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        options = [
            f"--ServerApp.port={port}",
            f"--ServerApp.root_dir={home}",
            f"--IdentityProvider.token={TOKEN}",
            "--ServerApp.jpserver_extensions={'jupyter_chat_sessions': True}",
            "--ServerApp.allow_root=True",
            "--ServerApp.open_browser=False",
            "--ChatSessions.detect_local=False",
            "--ChatSessions.spare_kernel=False",
        ]
        paths = dict.fromkeys(("HOME", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"), home)
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *options],
            env={**os.environ, **paths, **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _wait_for(port)
            yield process.pid, port
        finally:
            process.terminate()
            process.wait(20)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/api", trust_env=False).close()
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.1)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def _asked(port: int, model: str) -> WebSocketClientConnection:
    """A socket of a new thread in which that model has been asked."""
    thread = uuid.uuid4()
    url = f"ws://127.0.0.1:{port}/chat-sessions/threads/{thread}/live?token={TOKEN}"
    connection = await websocket_connect(url, max_message_size=2**28)
    options = {"model": model}
    await _tell(connection, kind="send", id=str(uuid.uuid4()), content="go", options=options)
    return connection


async def _tell(connection: WebSocketClientConnection, **frame: Any) -> None:
    await connection.write_message(json.dumps(frame))


async def _until(connection: WebSocketClientConnection, kind: str) -> int:
    """How many characters of text came until an event of that kind did, its own among them."""
    count = 0
    while True:
        message = await connection.read_message()
        assert message is not None, "the server closed the socket"
        event = json.loads(message).get("event", {})
        count += len(event["delta"]) if event.get("type") == "TEXT_MESSAGE_CONTENT" else 0
        if event.get("type") == kind:
            return count


async def _answer_cpu_s(pid: int, port: int) -> float:
    """What the server spends on one answer."""
    began = _cpu_s(pid)
    connection = await _asked(port, f"custom:echo-{PIECES}")
    assert await _until(connection, "RUN_FINISHED") == PIECES * len("word ")
    spent = _cpu_s(pid) - began
    connection.close()
    return spent


async def _alone_cpu_s(base_url: str) -> float:
    async with httpx.AsyncClient(trust_env=False) as client:
        began = time.process_time()
        assert await _by_httpx_alone(client, base_url) == PIECES
        return time.process_time() - began


async def _stop_s(port: int, upstream: Any) -> float:
    """From the frame that says stop to the moment the provider sees its client gone."""
    connection = await _asked(port, "openai:slow")
    await _until(connection, "TEXT_MESSAGE_CONTENT")
    said_at = time.monotonic()
    await _tell(connection, kind="cancel", id=str(uuid.uuid4()))
    await _until(connection, "RUN_FINISHED")
    while upstream.asked[-1].gone_at is None:  # noqa: ASYNC110 - another thread's to set
        await asyncio.sleep(0.001)
    connection.close()
    return float(upstream.asked[-1].gone_at - said_at)


def measure(is_quick: bool) -> list[Figure]:
    """The server's CPU a piece, and the time to stop."""
    rounds = 4 if is_quick else 12
    answers: list[float] = []
    alone: list[float] = []
    stops: list[float] = []

    async def all_of_it(base_url: str, upstream: Any, pid: int, port: int) -> None:
        for _ in range(rounds + 1):
            answers.append(await _answer_cpu_s(pid, port) / PIECES * 1e6)
            alone.append(await _alone_cpu_s(base_url) / PIECES * 1e6)
        for _ in range(rounds + 1):
            stops.append(await _stop_s(port, upstream) * 1e3)

    with _provider() as base_url, running_upstream() as upstream:
        environment = {"CUSTOM_BASE_URL": base_url, "OPENAI_BASE_URL": upstream.base_url}
        with _server(environment) as (pid, port):
            asyncio.run(all_of_it(base_url, upstream, pid, port))
    del answers[0], alone[0], stops[0]
    note = f"httpx's lines and JSON alone: {statistics.median(alone):.1f} us, {rounds} rounds"
    return [
        _figure("a piece from provider to websocket, server CPU", answers, "us", GOAL_US, note),
        _figure("from Stop to the provider's closed request", stops, "ms", GOAL_MS, f"{rounds} rounds"),
    ]


def _figure(what: str, values: list[float], unit: str, goal: float, note: str) -> Figure:
    low, high = interval(values)
    return Figure("M3", what, statistics.median(values), low, high, unit, f"<= {goal:g} {unit}", None, note)
