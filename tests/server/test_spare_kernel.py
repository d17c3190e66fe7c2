"""Python started ahead, as a server does it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from played import Played, calls
from served import Connect, Rest, Socket, found, until

from jupyter_chat_sessions.chats.chats import Chats
from jupyter_chat_sessions.chats.settings import Settings
from jupyter_chat_sessions.sandbox import spare
from jupyter_chat_sessions.sandbox.spare_folder import PREFIX

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Python is started ahead on Linux only")

AHEAD = {"ChatSessions": {"spare_kernel": True, "tool_permissions": {"*": "allow"}}}
WAIT = {"wait": "true"}


@pytest.fixture(autouse=True)
def plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory enough, wherever the tests run."""
    monkeypatch.setattr(spare, "has_memory_to_spare", lambda: True)


def spares(root: Path) -> list[str]:
    chats = root / ".chats"
    return [name for name in os.listdir(chats) if name.startswith(PREFIX)] if chats.is_dir() else []


async def begin_to_write(socket: Socket) -> None:
    await socket.say(kind="writing", id="w")
    assert await socket.answer("w") == {"kind": "ack", "id": "w"}


@pytest.mark.parametrize("chat_config", [AHEAD])
async def test_python_waits_for_a_new_chat_once_there_are_chats_and_is_never_one_itself(
    rest: Rest, live: Connect, chats: Callable[[], Chats], agent: Played, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    first, second = new_id(), new_id()
    socket = await live(first)
    await socket.next()
    waiting = chats()._sandbox.kernels.spare
    assert waiting._preparing is None, "who only looks starts nothing"
    await begin_to_write(socket)
    await waiting.settled()
    assert found(jp_root_dir, ".chats") == [], "a message that is not sent makes no folder"
    said = {"content": "hello", "model": "played"}
    assert (await rest("POST", f"/threads/{first}/messages", said, query=WAIT)).status == 200
    await until(lambda: waiting._waiting is not None and waiting._waiting.start.done())
    assert len(spares(jp_root_dir)) == 1
    listed = (await rest("GET", "/threads", query={"folder": ""})).json["threads"]
    assert [each["thread_id"] for each in listed] == [first]
    await waiting.end()
    socket = await live(second)
    await socket.next()
    await begin_to_write(socket)
    await until(lambda: waiting._waiting is not None and waiting._waiting.start.done())
    agent.play = calls("run_python", code="import os; open('made', 'w').close(); print(os.getcwd())")
    answer = await rest("POST", f"/threads/{second}/messages", said, query=WAIT)
    result = next(each for each in answer.json["messages"] if each["role"] == "tool")
    assert result["content"] == str(jp_root_dir / ".chats" / second / "files")
    assert found(jp_root_dir, "made") == [jp_root_dir / ".chats" / second / "files" / "made"]
    assert spares(jp_root_dir) == []


@pytest.mark.parametrize(
    ("permissions", "is_ahead"),
    [
        ({}, True),
        ({"*": "ask"}, True),
        ({"run_shell": "deny"}, True),
        ({"*": "deny", "run_python": "ask"}, True),
        ({"*": "deny"}, False),
        ({"run_python": "deny", "run_shell": "deny"}, False),
    ],
)
def test_nothing_is_started_ahead_where_no_model_may_run_anything(
    tmp_path: Path, permissions: dict[str, Any], is_ahead: bool
) -> None:
    assert Settings(tmp_path, spare_kernel=True, tool_permissions=permissions).starts_ahead == is_ahead
    assert not Settings(tmp_path, tool_permissions=permissions).starts_ahead
