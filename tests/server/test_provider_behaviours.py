"""What providers do, seen through a real server's websocket: words, slowness, failures, tools, thinking."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Connect, until

sys.path.append(str(Path(__file__).parents[1] / "agents"))

from upstream import Upstream, running_upstream


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    with running_upstream() as served:
        monkeypatch.setenv("CUSTOM_BASE_URL", served.base_url)
        yield served


@pytest.fixture
def chat_config() -> dict[str, Any]:
    return {"ChatSessions": {"tool_permissions": {"*": "allow"}}}


async def test_whatever_a_provider_does_the_run_ends_with_words_or_a_code_and_the_thread_goes_on(
    live: Connect, upstream: Upstream, new_id: Callable[[], str]
) -> None:
    socket = await live(new_id())
    endings: dict[str, str] = {}
    for model in (
        "echo-5", "e429once", "e500once", "tool", "tools2", "toolbad", "toolunknown", "reason", "length",
        "drop", "e401", "ectx", "midrerr", "toolloop",
    ):  # fmt: skip
        await socket.send("go", options={"model": f"custom:{model}"})
        frame = await socket.until(lambda frame: frame.get("event", {}).get("type") in ("RUN_FINISHED", "RUN_ERROR"))
        event = frame["event"]
        endings[model] = event["code"] if event["type"] == "RUN_ERROR" else event["outcome"]["type"]
    assert endings == {
        "echo-5": "success",
        "e429once": "success",
        "e500once": "success",
        "tool": "success",
        "tools2": "success",
        "toolbad": "success",
        "toolunknown": "success",
        "reason": "success",
        "length": "success",
        "drop": "truncated",
        "e401": "auth",
        "ectx": "context_overflow",
        "midrerr": "server",
        "toolloop": "too_many_rounds",
    }
    assert upstream.times("e429once") == upstream.times("e500once") == 2
    assert upstream.times("toolloop") == 20
    messages = [line["message"] for line in socket.lines() if line["type"] == "message"]
    finishes = [message.get("metadata", {}).get("jupyter", {}).get("finish") for message in messages]
    assert finishes.count("length") == 1
    assert "sk-test" not in json.dumps(socket.frames)


@pytest.mark.parametrize("model", ["slow", "stall"])
async def test_stop_closes_the_providers_request_before_the_run_has_ended_for_anybody(
    live: Connect, upstream: Upstream, new_id: Callable[[], str], model: str
) -> None:
    socket = await live(new_id())
    await socket.send("go", options={"model": f"custom:{model}"})
    await socket.event("TEXT_MESSAGE_CONTENT")
    await socket.say(kind="cancel", id=new_id())
    assert (await socket.event("RUN_FINISHED"))["outcome"] == {"type": "cancelled"}
    await until(lambda: upstream.asked[0].gone_at is not None)
