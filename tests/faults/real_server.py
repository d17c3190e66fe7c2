"""Real `jupyter server` processes on one folder, started, killed and talked to from outside."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from served import Socket
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

TOKEN = "fault-token"

AGENT = '''
import asyncio, json, os, time
from jupyter_chat_sessions.core.roles import Done, TextDelta, ToolCallDelta

class Scripted:
    """Does what the newest question says: "say 30" speaks 30 words at 100 a second, "tool" and "python" call one."""

    id, label, author = "scripted", "Scripted", "model"

    async def answer(self, request):
        asked = next(each["content"] for each in reversed(request.messages) if each["role"] == "user")
        verb, _, number = asked.partition(" ")
        if verb in CALLS and request.messages[-1]["role"] == "user":
            yield TextDelta("Let me see. ")
            name, arguments = CALLS[verb]
            yield ToolCallDelta(0, f"call_{request.run_id[:8]}", name, json.dumps(arguments))
            yield Done("tool_calls")
            return
        for each in range(int(number or 5)):
            yield TextDelta(f"{each} ")
            await asyncio.sleep(0.01)

CALLS = {
    "tool": ("list_files", {}),
    "python": ("run_python", {"code": "import time\\nfor n in range(20): print(n, flush=True), time.sleep(0.02)"}),
}
def taking(seconds, sync):
    """The same, on a disk that is slow to say that it has all."""
    return lambda fd: (sync(fd), time.sleep(seconds))[0]

if SYNC_S := float(os.environ.get("SLOW_SYNC_S", 0)):
    os.fsync, os.fdatasync = taking(SYNC_S, os.fsync), taking(SYNC_S, os.fdatasync)

c.ChatSessions.agents = {"scripted": Scripted}
c.ChatSessions.default_model = "scripted"
c.ChatSessions.detect_local = False
c.ChatSessions.tool_permissions = {"*": "allow"}
c.ChatSessions.spare_kernel = False
c.ServerApp.jpserver_extensions = {"jupyter_chat_sessions": True}
'''


def free_port() -> int:
    """A port of loopback that nobody uses."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


class Server:
    """One `jupyter server` on a folder. `wait` returns when it answers."""

    def __init__(self, root: Path, home: Path) -> None:
        self.root = root
        port = free_port()
        self.address = f"127.0.0.1:{port}/chat-sessions"
        environment = {
            **os.environ,
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "PYTHONPATH": str(Path(__file__).parents[2]),
        }
        (home / "config").mkdir(parents=True, exist_ok=True)
        (home / "config" / "jupyter_server_config.py").write_text(AGENT)
        self._log = (home / f"server-{port}.log").open("wb")
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", f"--port={port}",
                "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}",
            ],
            env=environment, stdout=self._log, stderr=self._log,
        )  # fmt: skip

    def wait(self) -> Server:
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = self.ask("GET", "/health")
                if answer[0] == 200:
                    return self
            except OSError as refused:
                answer = (0, str(refused))
            assert self._process.poll() is None, f"the server ended as it started: {self._said()}"
            assert time.monotonic() < deadline, f"the server did not start: {answer} {self._said()}"
            time.sleep(0.02)

    def _said(self) -> str:
        return Path(self._log.name).read_text()[-3000:]

    def kill(self) -> float:
        """As a power cut of this process alone; when that was (monotonic)."""
        when = time.monotonic()
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._log.close()
        return when

    def stop(self) -> None:
        """As Ctrl-Z does, or a machine that sleeps: nothing runs in it, and its locks are kept."""
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of one REST call."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"http://{self.address}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as response:
                raw = response.read()
                return response.status, json.loads(raw) if raw else None
        except urllib.error.HTTPError as refused:
            return refused.code, _json_or_text(refused.read())

    async def rest(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return await asyncio.to_thread(self.ask, method, path, body)

    async def live(self, thread_id: str, after: int = 0) -> Socket:
        url = f"ws://{self.address}/threads/{thread_id}/live?after={after}&token={TOKEN}"
        return Socket(await websocket_connect(HTTPRequest(url)))


def _json_or_text(raw: bytes) -> Any:
    try:
        return json.loads(raw or b"null")
    except ValueError:  # not one of ours, or not in order
        return raw.decode(errors="replace")


@dataclass
class Servers:
    """Starts servers in one home, all gone when the block of `serving` ends."""

    root: Path
    home: Path
    started: list[Server] = field(default_factory=list)

    def start(self, count: int = 1, root: Path | None = None) -> list[Server]:
        """So many more, begun together."""
        begun = [Server(root or self.root, self.home) for _ in range(count)]
        self.started += begun
        return [each.wait() for each in begun]


@contextmanager
def serving(folder: Path) -> Iterator[Servers]:
    """Servers on `folder/root`."""
    (folder / "root").mkdir(parents=True)
    servers = Servers(folder / "root", folder / "home")
    try:
        yield servers
    finally:
        for each in servers.started:
            if each.is_alive:
                each.kill()


def transcript(root: Path, thread_id: str) -> list[dict[str, Any]]:
    """The lines of a thread's transcript, its header left out; a torn last line is none yet."""
    try:
        raw = (root / ".chats" / thread_id / "chat.jsonl").read_bytes()
    except FileNotFoundError:
        return []
    lines = []
    for each in raw.split(b"\n")[1:]:
        try:
            lines.append(json.loads(each))
        except ValueError:
            continue
    return lines
