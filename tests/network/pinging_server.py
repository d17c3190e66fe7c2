"""A real jupyter_server in a process of its own, with an agent that says what it is told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PING_MS = 1000
"""How often it pings in tests; in life it is every 10 s."""
CONFIG = """
import sys
sys.path.insert(0, {here!r})
from reciting_agent import Reciting
c.ChatSessions.agents = {{"reciting": Reciting}}
c.ChatSessions.default_model = "reciting"
c.ChatSessions.detect_local = False
c.ChatSessions.spare_kernel = False
from jupyter_chat_sessions.server import live
live.PING_MS = {ping_ms}
"""


@dataclass(frozen=True, slots=True)
class RealServer:
    """A server, its folder and the way in."""

    process: subprocess.Popen[bytes]
    port: int
    token: str
    root: Path

    @property
    def log(self) -> str:
        """What it has written."""
        return (self.root.parent / "server.log").read_text()

    @property
    def resident_bytes(self) -> int:
        """What of it is in memory."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer below `/chat-sessions`."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/chat-sessions{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def lines(self, thread_id: str) -> list[dict[str, Any]]:
        """A transcript as it stands on disk."""
        raw = (self.root / ".chats" / thread_id / "chat.jsonl").read_bytes()
        return [json.loads(line) for line in raw.splitlines()]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def real_server(home: Path, *, ping_ms: int = 10_000) -> Iterator[RealServer]:
    """Runs one on `home/notebooks` until the block ends."""
    root, config = home / "notebooks", home / "config"
    root.mkdir()
    config.mkdir()
    (config / "jupyter_server_config.py").write_text(CONFIG.format(here=str(HERE), ping_ms=ping_ms))
    port, token = free_port(), uuid.uuid4().hex
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTHON"))}
    environment |= {
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
    }
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.root_dir": root,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "ServerApp.jpserver_extensions": {"jupyter_chat_sessions": True},
        "IdentityProvider.token": token,
    }
    command = [sys.executable, "-m", "jupyter_server", *(f"--{name}={value}" for name, value in options.items())]
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, cwd=root, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    found = RealServer(process, port, token, root)
    try:
        _wait_for(found)
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(server: RealServer) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert server.process.poll() is None, server.log[-3000:]
        try:
            server.ask("GET", "/health")
            return
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < deadline, server.log[-3000:]
            time.sleep(0.05)
