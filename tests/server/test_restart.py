"""A real server killed in the middle of an answer: what was acknowledged is there, and the chat goes on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served import Socket, lines_of, until
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import websocket_connect

TOKEN = "restart-token"
CONFIG = """
import asyncio
from jupyter_chat_sessions.core.roles import TextDelta

class Slow:
    id, label, author = "slow", "Slow", "model"

    async def answer(self, request):
        for n in range(10_000):
            yield TextDelta(f"{n} ")
            await asyncio.sleep(0.02 if request.messages[-1]["content"] == "slow" else 0)
            if n == 3 and request.messages[-1]["content"] != "slow":
                return

c.ChatSessions.agents = {"slow": Slow}
c.ChatSessions.default_model = "slow"
c.ServerApp.jpserver_extensions = {"jupyter_chat_sessions": True}
"""


class Process:
    """`jupyter server` in a process of its own."""

    def __init__(self, root: Path, config: Path, port: int) -> None:
        environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(config), "PYTHONPATH": str(Path(__file__).parents[2])}
        self.address = f"127.0.0.1:{port}/chat-sessions"
        self._process = subprocess.Popen(
            [
                sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", f"--port={port}",
                "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}",
            ],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"http://{self.address}/health?token={TOKEN}", timeout=5).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "the server did not start"
                assert self._process.poll() is None, "the server ended as it started"
                time.sleep(0.05)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def stop(self) -> float:
        """Ends it in order; the seconds that took."""
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        return time.monotonic() - began

    async def live(self, thread_id: str, after: int = 0) -> Socket:
        url = f"ws://{self.address}/threads/{thread_id}/live?after={after}&token={TOKEN}"
        return Socket(await websocket_connect(HTTPRequest(url)))


@pytest.fixture
def start(tmp_path: Path, http_server_port: tuple[object, int]) -> Iterator[Callable[[], Process]]:
    root, config = tmp_path / "root", tmp_path / "config"
    root.mkdir()
    config.mkdir()
    (config / "jupyter_server_config.py").write_text(CONFIG)
    http_server_port[0].close()  # type: ignore[attr-defined]
    started: list[Process] = []

    def begin() -> Process:
        started.append(Process(root, config, http_server_port[1]))
        return started[-1]

    yield begin
    for process in started:
        process.kill()


@pytest.mark.slow
async def test_a_killed_server_has_lost_nothing_it_acknowledged_and_the_next_one_goes_on(
    start: Callable[[], Process], tmp_path: Path, new_id: Callable[[], str]
) -> None:
    thread_id, root = new_id(), tmp_path / "root"
    server = start()
    socket = await server.live(thread_id)
    first = await socket.answer(await socket.send("quick"))
    await socket.event("RUN_FINISHED")
    second = await socket.answer(await socket.send("slow", id="slow"))
    third = await socket.answer(await socket.send("queued", id="queued"))
    assert third["queued"]
    while len(socket.text(second["runId"]).split()) < 40:
        await socket.next()
    seen = socket.lines()[-1]["seq"]
    said = socket.text(second["runId"])
    draft = root / ".chats" / thread_id / "draft.jsonl"
    await until(lambda: draft.exists() and draft.read_text().count("TEXT_MESSAGE_CONTENT") >= 20)
    server.kill()

    server = start()
    back = await server.live(thread_id, after=seen)
    finished = await back.until(
        lambda frame: any(line["type"] == "run" and line["run_id"] == third["runId"] for line in back.lines())
    )
    assert finished
    ended = {line["run_id"]: line["outcome"] for line in lines_of(root, thread_id) if line["type"] == "run"}
    assert ended == {first["runId"]: "success", second["runId"]: "interrupted", third["runId"]: "success"}
    (kept,) = [
        line["message"]["content"]
        for line in lines_of(root, thread_id)
        if line["type"] == "message"
        and line.get("run_id") == second["runId"]
        and line["message"]["role"] == "assistant"
    ]
    assert kept.split() == [str(n) for n in range(len(kept.split()))]
    assert len(kept.split()) >= 20, "words that the draft held are missing"
    assert kept.startswith(said) or said.startswith(kept)
    again = await back.answer(await back.send("slow", id="slow"))
    assert again["runId"] == second["runId"]

    await back.say(kind="regenerate", id="retry", messageId="slow")
    retry = await back.answer("retry")
    while len(back.text(retry["runId"]).split()) < 3:
        await back.next()
    assert server.stop() < 10
    lines = lines_of(root, thread_id)
    assert [line["seq"] for line in lines[1:]] == list(range(1, len(lines)))
    assert lines[-1]["outcome"] == "interrupted"
    assert {line["run_id"] for line in lines if line["type"] == "start"} == {
        line["run_id"] for line in lines if line["type"] == "run"
    }
    server = start()
    request = HTTPRequest(f"http://{server.address}/threads/{thread_id}?token={TOKEN}")
    shown = json.loads((await AsyncHTTPClient().fetch(request)).body)
    assert (shown["running"], shown["run"], shown["queue_depth"]) == (False, None, 0)
    await asyncio.sleep(0)
