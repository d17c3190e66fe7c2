"""Real servers in processes of their own: ours, a peer's, the provider's, and the sockets that listen to them."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PEER_PYTHON = os.environ.get("JUPYTERLAB_CHAT_PYTHON")
"""An environment's interpreter, with jupyterlab_chat 0.25.3, jupyter_server and httpx. Without it: no peer."""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A jupyter_server under measurement."""

    process: subprocess.Popen[bytes]
    port: int
    token: str
    root: Path
    is_peer: bool

    @property
    def cpu_s(self) -> float:
        """The CPU time its process has taken."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def memory_bytes(self) -> int:
        """What of it is in memory."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def ask(self, path: str, method: str = "GET", body: Any = None, headers: Mapping[str, str] | None = None) -> bytes:
        """What is answered at an address below the server's root."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", **(headers or {})},
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            content: bytes = answer.read()
            return content

    def room(self, name: str) -> str:
        """The address of a chat's websocket."""
        return f"/api/chat/ws/{name}.chat" if self.is_peer else f"/chat-sessions/threads/{name}/live?folder="


@contextmanager
def provider() -> Iterator[str]:
    """The base URL of a provider that speaks at the pace its model's name says."""
    program = [sys.executable, str(HERE / "pacer.py")]
    process = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.stdin.close()
        process.wait(10)


@contextmanager
def server(root: Path, provider_url: str, *, is_peer: bool = False) -> Iterator[Server]:
    """A jupyter_server on `root` with nothing but one chat extension, ours or the peer's."""
    port, token = _free_port(), uuid.uuid4().hex
    extensions = {"jupyterlab_chat": True, "peer_persona": True} if is_peer else {"jupyter_chat_sessions": True}
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYTHON"))}
    environment |= {
        "CUSTOM_BASE_URL": provider_url,
        "PACER_URL": provider_url,
        "JUPYTER_CONFIG_DIR": str(root / ".config"),
        "JUPYTER_DATA_DIR": str(root / ".data"),
        "JUPYTER_RUNTIME_DIR": str(root / ".runtime"),
        "JUPYTER_NO_CONFIG": "1",
    }
    if is_peer:
        environment["PYTHONPATH"] = str(HERE)
    options = {
        "ServerApp.port": port,
        "ServerApp.root_dir": root,
        "ServerApp.open_browser": False,
        "ServerApp.allow_root": True,
        "ServerApp.jpserver_extensions": extensions,
        "ServerApp.log_level": "ERROR",
        "IdentityProvider.token": token,
    }
    if not is_peer:
        options |= {"ChatSessions.default_model": "custom:full-1", "ChatSessions.detect_local": False}
        options |= {"ChatSessions.spare_kernel": False}  # m10 measures it; here it would be noise
    program = [PEER_PYTHON or "" if is_peer else sys.executable, "-m", "jupyter_server"]
    command = [*program, *(f"--{name}={value}" for name, value in options.items())]
    process = subprocess.Popen(command, env=environment, cwd=root, stdin=subprocess.DEVNULL)
    found = Server(process, port, token, root, is_peer)
    try:
        _wait_for(found)
        yield found
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def first_frame(to: Server, name: str) -> tuple[float, int]:
    """Connects to a chat: the seconds until its first frame, where the chat stands, is there whole, and its bytes."""
    began = time.perf_counter()
    with socket.create_connection(("127.0.0.1", to.port), timeout=60) as connection, connection.makefile("rb") as file:
        connection.sendall(
            f"GET {to.room(name)} HTTP/1.1\r\nHost: 127.0.0.1:{to.port}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {'A' * 22}==\r\nSec-WebSocket-Version: 13\r\n"
            f"Authorization: token {to.token}\r\n\r\n".encode()
        )
        while file.readline() != b"\r\n":
            pass
        size = file.read(2)[1] & 127
        if size >= 126:
            size = int.from_bytes(file.read(2 if size == 126 else 8), "big")
        assert len(file.read(size)) == size
        return time.perf_counter() - began, size


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_for(found: Server) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            found.ask("/api")
            return
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline or found.process.poll() is not None:
                raise
            time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Heard:
    """What listening to a server came to."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    cpu_us: float
    """CPU microseconds of the server for each piece of each room."""
    held: float
    """Delivered over offered, within the time the pace needs and a little more."""
    bytes_a_socket: float
    frames_a_socket: float
    early_p99_ms: float
    """Of the pieces said before `settle_s`, while all answers were begun at once."""


def listen(
    to: Server,
    rooms: Sequence[str],
    model: str,
    pieces: int,
    *,
    sockets: int = 1,
    patience_s: float,
    settle_s: float = 0.0,
) -> Heard:
    """Asks in each room for so many pieces, and hears them. The ages told are of what was said from `settle_s` on."""
    job = {
        "peer": to.is_peer,
        "port": to.port,
        "token": to.token,
        "model": model,
        "pieces": pieces,
        "patience_s": patience_s,
        "settle_s": settle_s,
        "rooms": [{"path": to.room(name), "sockets": sockets} for name in rooms],
    }
    process = subprocess.Popen(
        [sys.executable, str(HERE / "listener.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(job) + "\n")
    process.stdin.flush()
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.3)
    before = to.cpu_s
    process.stdin.write("go\n")
    process.stdin.flush()
    result = json.loads(process.stdout.readline())
    cpu = to.cpu_s - before
    process.wait(10)
    ages = {name: float("inf") if age is None else age for name, age in result["ages_ms"].items()}
    return Heard(
        p50_ms=ages["p50"],
        p95_ms=ages["p95"],
        p99_ms=ages["p99"],
        cpu_us=cpu / max(result["delivered"], 1) * 1e6,
        held=result["delivered"] / result["offered"],
        bytes_a_socket=result["bytes_a_socket"],
        frames_a_socket=result["frames_a_socket"],
        early_p99_ms=result["early_p99_ms"] or 0.0,
    )
