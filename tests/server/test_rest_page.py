"""The snippets of docs/rest.md, run one after the other against a real server."""

from __future__ import annotations

import asyncio
import inspect
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jupyter_server.serverapp import ServerApp
from tornado.httpclient import AsyncHTTPClient

from jupyter_chat_sessions.chats.chats import Chats
from jupyter_chat_sessions.core import errors
from jupyter_chat_sessions.server.openapi import PATHS

PAGE = (Path(__file__).parents[2] / "docs" / "rest.md").read_text()


@pytest.fixture
def script(
    jp_serverapp: ServerApp, jp_base_url: str, http_server_client: AsyncHTTPClient, chats: Callable[[], Chats]
) -> Callable[[str], str]:
    """`script("python")`: all snippets of that language as one, for this server."""
    address = f"127.0.0.1:{jp_serverapp.port}{jp_base_url}chat-sessions"

    def joined(language: str) -> str:
        found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
        text = "\n".join(found).replace("the server's token", jp_serverapp.identity_provider.token)
        assert "localhost:8888/chat-sessions" in text
        return text.replace("localhost:8888/chat-sessions", address)

    return joined


async def said(*command: str) -> str:
    """What it prints; the server goes on in this loop meanwhile."""
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


async def test_the_python_of_the_page_does_what_the_page_says(script: Callable[[str], str]) -> None:
    lines = (await said(sys.executable, "-c", script("python"))).splitlines()
    assert lines[0] == "True False True"
    assert lines[1].endswith(" success 45")
    assert lines[2] == lines[1]
    assert lines[3] == "409 run_in_progress"
    assert "'cancelled': True" in lines[4]
    assert lines[5] == "success"
    assert "run_cell" in lines[6]
    assert "piece by piece" in lines[7]
    assert lines[-2] == "print(sum(range(10)))"
    assert lines[-1].startswith("404 {'code': 'thread_not_found'")


@pytest.mark.skipif(not shutil.which("curl") or not Path("/proc/sys/kernel/random/uuid").exists(), reason="no curl")
async def test_the_curl_of_the_page_does_what_the_page_says(script: Callable[[str], str]) -> None:
    shown = await said("bash", "-euc", script("sh"))
    assert '"content":"4"' in shown.replace(" ", "")
    assert '"content":"3"' in shown.replace(" ", "")
    assert '"path": "rain.csv"' in shown or '"path":"rain.csv"' in shown
    assert "## You" in shown
    assert re.search(r'"title": ?"Rain"', shown)


def test_the_page_names_every_call_and_only_codes_that_there_are() -> None:
    table = PAGE.split("## All calls")[1]
    for path in PATHS:
        if path.startswith(("/v1", "/shared/")):
            continue  # docs/openai.md, and what a browser fetches by itself
        last = path.rsplit("/", 1)[-1] if path.count("/") > 1 else path
        assert last in table, path
    codes = {each.code for _, each in inspect.getmembers(errors, inspect.isclass) if hasattr(each, "code")}
    named = re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| \d{3}.*$", PAGE, re.MULTILINE)))
    assert set(named) - {"If", "Match"} <= codes, set(named) - codes
