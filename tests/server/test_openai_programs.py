"""Programs as their users have them, against real servers: what docs/openai.md shows is what happens."""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai_kit import asks, questions, threads
from served import lines_of
from test_restart import TOKEN, Process

CONFIG = """
c.ChatSessions.default_model = "direct"
c.ServerApp.jpserver_extensions = {"jupyter_chat_sessions": True}
"""
DOCS = Path(__file__).parents[2] / "docs" / "openai.md"

Start = Callable[[], Process]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts one more server of the same root."""
    root, config = tmp_path / "root", tmp_path / "config"
    root.mkdir()
    config.mkdir()
    (config / "jupyter_server_config.py").write_text(CONFIG)
    started: list[Process] = []

    def begin() -> Process:
        started.append(Process(root, config, free_port()))
        return started[-1]

    yield begin
    for process in started:
        process.kill()


def snippets(language: str, server: Process) -> list[str]:
    """The code of docs/openai.md for this server."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", DOCS.read_text(), re.DOTALL | re.MULTILINE)
    return [
        each.replace("localhost:8888/chat-sessions", server.address).replace("the server's token", TOKEN)
        for each in found
    ]


def ran(command: list[str], **environment: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, env={**os.environ, **environment})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_what_the_documentation_shows_works_with_openai_curl_llm_and_langchain(start: Start, tmp_path: Path) -> None:
    server = start()
    python, langchain = snippets("python", server)
    (curl,) = snippets("sh", server)
    (yaml,) = snippets("yaml", server)
    said = ran([sys.executable, "-c", python])
    assert "4" in said
    assert "42" in said
    if shutil.which("curl"):
        answer = json.loads(ran(["sh", "-c", curl], TOKEN=TOKEN))
        assert answer["choices"][0]["finish_reason"] == "stop"
    (tmp_path / "llm").mkdir()
    (tmp_path / "llm" / "extra-openai-models.yaml").write_text(yaml)
    home = {"LLM_USER_PATH": str(tmp_path / "llm")}
    llm = [sys.executable, "-m", "llm"]
    ran([*llm, "keys", "set", "jupyter", "--value", TOKEN], **home)
    for more in ([], ["--no-stream"]):
        assert "49" in ran([*llm, "-m", "jupyter", *more, "7 * 7"], **home)
    assert "4" in ran([sys.executable, "-c", langchain])
    through_responses = langchain.replace('model="default"', 'model="default", use_responses_api=True')
    assert "4" in ran([sys.executable, "-c", through_responses.replace(".content", ".text")])


@pytest.mark.slow
async def test_twenty_first_requests_at_three_servers_come_to_one_thread_in_order(start: Start, tmp_path: Path) -> None:
    servers = await asyncio.gather(*(asyncio.to_thread(start) for _ in range(3)))
    clients = [openai.AsyncOpenAI(base_url=f"http://{each.address}/v1", api_key=TOKEN) for each in servers]
    key = {"X-Session-Key": "race"}
    sent = (
        clients[n % 3].chat.completions.create(model="default", messages=asks(f"{n} + 1000"), extra_headers=key)
        for n in range(20)
    )
    answers = await asyncio.gather(*sent)
    root = tmp_path / "root"
    (thread_id,) = threads(root)
    asked = questions(root, thread_id)
    assert sorted(asked) == sorted(f"{n} + 1000" for n in range(20))
    starts = [line["message_id"] for line in lines_of(root, thread_id) if line["type"] == "start"]
    order = [
        line["message"]["id"]
        for line in lines_of(root, thread_id)
        if line["type"] == "message" and line["message"]["role"] == "user"
    ]
    assert starts == order
    for n, answer in enumerate(answers):
        tools: Any = answer.model_extra["x_server_tools"]
        assert str(n + 1000) in f"{answer.choices[0].message.content}{tools}"
    for client in clients:
        await client.close()


@pytest.mark.slow
async def test_large_bodies_that_are_refused_leave_no_memory_behind_at_any_door(start: Start) -> None:
    server = start()
    pid = server._process.pid

    def memory_mb() -> float:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 1e6

    large = b'{"messages": "' + b"x" * 21_000_000 + b'"}'
    most = []
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as http:
        for _ in range(4):
            for door in ("v1/chat/completions", "ag-ui", "mcp", "imports"):
                assert (await http.post(f"http://{server.address}/{door}", content=large)).status_code == 413
            most.append(memory_mb())
    assert most[-1] - most[0] < 15
