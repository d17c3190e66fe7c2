"""M11: what the extension adds to the start of a Jupyter server.

Each measurement is a fresh process with a server that is initialised and then loads one extension: ours, or one that
does nothing. Only the loading is judged: the start of the server around it takes seconds and varies by more. Then what
a server holds in memory for each thread that is open in it, and for each socket that watches one.
"""

from __future__ import annotations

import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .harness import Figure, interval
from .servers import Server, provider, server

GOAL_CPU_MS = 30.0
GOAL_MB = 3.0
GOAL_SOCKET_KB = 25.0
MANY, WARM = 500, 20
SLACK = 1.5
OURS, EMPTY = "jupyter_chat_sessions", "tests.benchmarks.empty_extension"

_LOAD = """
import gc, json, sys, time
from jupyter_server.serverapp import ServerApp

def private_mb():
    gc.collect()
    status = open("/proc/self/status").read() if sys.platform == "linux" else "RssAnon: 0 kB"
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024

name = sys.argv[1]
server = ServerApp(open_browser=False, jpserver_extensions={}, log_level="ERROR")
server.initialize(argv=[], find_extensions=False, new_httpserver=False)
start_ms, held = time.process_time() * 1000, private_mb()
began = time.process_time()
assert server.extension_manager.add_extension(name, enabled=True)
server.extension_manager.link_extension(name)
server.extension_manager.load_extension(name)
cpu_ms = (time.process_time() - began) * 1000
assert server.extension_manager.extension_apps[name]
print(json.dumps({"cpu_ms": cpu_ms, "mb": private_mb() - held, "start_ms": start_ms}))
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What one extension's loading took, and what the server's own start had taken before it."""

    cpu_ms: float
    mb: float
    start_ms: float


def load(extension: str) -> Load:
    """Loads the extension in a fresh server."""
    root = Path(__file__).parents[2]
    shown = subprocess.run(
        [sys.executable, "-c", _LOAD, extension], cwd=root, capture_output=True, text=True, check=True
    )
    return Load(**json.loads(shown.stdout.splitlines()[-1]))


def measure(is_quick: bool) -> list[Figure]:
    """CPU and memory of loading ours, beside an extension that does nothing."""
    rounds = 5 if is_quick else 15
    order = random.Random(1)
    ours: list[Load] = []
    empty: list[Load] = []
    for _ in range(rounds + 1):
        for extension, loads in order.sample([(OURS, ours), (EMPTY, empty)], 2):
            loads.append(load(extension))
    ours, empty = ours[1:], empty[1:]
    start_ms = statistics.median(each.start_ms for each in ours + empty)
    cpu = _figure("CPU", "ms", GOAL_CPU_MS, [each.cpu_ms for each in ours], [each.cpu_ms for each in empty])
    memory = _figure("memory", "MB", GOAL_MB, [each.mb for each in ours], [each.mb for each in empty])
    shares = f"; the server's own start takes {start_ms:.0f} ms"
    return [_noted(cpu, shares), memory, *_held()]


def _held() -> list[Figure]:
    """What a server holds for a thread of one turn that is open, and for a socket, in kB."""
    threads = [str(uuid.uuid4()) for _ in range(MANY + WARM)]
    with tempfile.TemporaryDirectory() as folder, provider() as url:
        with server(Path(folder), url) as to:
            body = {"content": "A question of some words", "model": "custom:full-20"}
            for name in threads:
                to.ask(f"/chat-sessions/threads/{name}/messages?wait=true", "POST", body)
        with server(Path(folder), url) as to:
            _open(to, threads[:WARM])
            joined = [_joined(to, threads[0]) for _ in range(WARM)]
            of_thread = _grown_kb(to, lambda: _open(to, threads[WARM:]))
            of_socket = _grown_kb(to, lambda: joined.extend(_joined(to, threads[0]) for _ in range(MANY)))
            for each in joined:
                each.close()
    note = f"{MANY} of one thread, each greeted"
    both = f"{MANY} threads of one turn, asked for one after another"
    return [
        Figure("M11", "memory of an open thread", of_thread, of_thread, of_thread, "kB", "", None, both),
        Figure(
            "M11", "memory of a socket", of_socket, of_socket, of_socket, "kB", f"<= {GOAL_SOCKET_KB:g} kB", None, note
        ),
    ]


def _open(to: Server, threads: Sequence[str]) -> None:
    for name in threads:
        to.ask(f"/chat-sessions/threads/{name}")


def _grown_kb(to: Server, join: Callable[[], None]) -> float:
    before = to.memory_bytes
    join()
    return (to.memory_bytes - before) / 1024 / MANY


def _joined(to: Server, name: str) -> socket.socket:
    """A websocket of the thread that has been greeted."""
    joined = socket.create_connection(("127.0.0.1", to.port), timeout=60)
    joined.sendall(
        f"GET {to.room(name)} HTTP/1.1\r\nHost: 127.0.0.1:{to.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {'A' * 22}==\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: token {to.token}\r\n\r\n".encode()
    )
    heard = b""
    while b'"kind":"hello"' not in heard:
        heard += joined.recv(1 << 16)
    return joined


def _figure(what: str, unit: str, goal: float, ours: Sequence[float], empty: Sequence[float]) -> Figure:
    low, high = interval(ours)
    note = f"an extension that does nothing: {statistics.median(empty):.1f} {unit}, {len(ours)} rounds"
    return Figure(
        "M11", f"{what} of loading it", statistics.median(ours), low, high, unit, f"<= {goal:g} {unit}", None, note
    )


def _noted(figure: Figure, more: str) -> Figure:
    return Figure(**{**{name: getattr(figure, name) for name in Figure.__slots__}, "note": figure.note + more})
