"""The sandbox's tools for programs that have the `mcp` package of before 2.0, which cannot stand beside it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.serverapp import ServerApp
from served import Rest, lines_of

ALLOWED = {"ChatSessions": {"tool_permissions": {"*": "allow"}}}
CLIENT = Path(__file__).parent / "mcp_1_client.py"
UNREACHABLE = ("connection", "name resolution", "timed out", "proxyerror", "max retries")


@pytest.fixture(scope="session")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python that has `mcp` 1.x, from the index that pip knows."""
    folder = tmp_path_factory.mktemp("mcp-1")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=120)
    asked = [folder / "bin" / "python", "-I", "-m", "pip", "install", "--quiet", "--retries=1", "mcp>=1.20,<2"]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode != 0:
        said = f"{done.stdout}\n{done.stderr}".strip()
        assert any(each in said.lower() for each in UNREACHABLE), said
        pytest.skip(f"mcp 1.x could not be had, as no package index can be reached: {said[-200:]}")
    return folder / "bin" / "python"


@pytest.mark.slow
@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_a_client_of_mcp_1_shakes_hands_lists_and_calls_tools_in_a_thread(
    older: Path, chats: Any, http_server_client: Any, jp_serverapp: ServerApp, jp_base_url: str,
    rest: Rest, new_id: Callable[[], str], jp_root_dir: Path,
) -> None:  # fmt: skip
    thread_id = new_id()
    url = f"http://127.0.0.1:{jp_serverapp.port}{jp_base_url}chat-sessions/mcp/{thread_id}"
    process = await asyncio.create_subprocess_exec(
        older, "-I", CLIENT, url, jp_serverapp.identity_provider.token, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 100)
    assert process.returncode == 0, err.decode()[-2000:]
    told = json.loads(out)
    assert told["version"] == "2025-11-25"
    assert told["session"]
    assert told["tools"]["read_file"] is True
    assert told["tools"]["run_python"] is False
    assert (told["kept"], told["failed"], told["refusal"]) == (False, True, -32601)
    assert "42" in told["said"]
    assert "begun" in told["progress"]
    (link,) = told["links"]
    assert (await rest("GET", link.split("chat-sessions", 1)[1])).body == b"hi"
    questions = [line["message"] for line in lines_of(jp_root_dir, thread_id) if line["type"] == "message"]
    assert questions[0]["content"] == "an older program calls `run_python`."
