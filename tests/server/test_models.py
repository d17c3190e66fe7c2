"""A model that answers through the real server: words, a tool that a person allows, a chip that says who it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Connect, Rest

sys.path.append(str(Path(__file__).parents[1] / "agents"))

from upstream import Upstream, running_upstream


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    with running_upstream() as served:
        monkeypatch.setenv("CUSTOM_BASE_URL", served.base_url)
        yield served


@pytest.fixture
def jp_server_config(upstream: Upstream) -> dict[str, Any]:
    return {
        "ServerApp": {"jpserver_extensions": {"jupyter_chat_sessions": True}},
        "ChatSessions": {"default_model": "custom:echo-3"},
    }


async def test_a_model_answers_and_the_chip_says_who_it_is(
    live: Connect, rest: Rest, new_id: Callable[[], str]
) -> None:
    thread = new_id()
    socket = await live(thread)
    hello = await socket.next()
    assert hello["agent"]["kind"] == "model"
    assert "echo-3" in hello["agent"]["label"]
    await socket.send("hello")
    await socket.event("RUN_FINISHED")
    said = [line["message"] for line in socket.lines() if line["type"] == "message"]
    assert [message["role"] for message in said] == ["user", "assistant"]
    assert said[1]["content"]


async def test_what_a_model_asks_to_run_waits_for_a_persons_word_where_nothing_confines_it(
    live: Connect, rest: Rest, new_id: Callable[[], str]
) -> None:
    level = (await rest("GET", "/sandbox")).json["level"]
    socket = await live(new_id())
    await socket.next()
    await socket.send("go", options={"model": "custom:tool"})
    finished = await socket.event("RUN_FINISHED")
    if level != "unconfined":
        assert finished["outcome"] == {"type": "success"}
        return
    (interrupt,) = finished["outcome"]["interrupts"]
    answer = {"interruptId": interrupt["id"], "status": "resolved", "payload": {"approve": True}}
    await socket.say(kind="answer", id=new_id(), answers=[answer])
    assert (await socket.event("RUN_FINISHED"))["outcome"] == {"type": "success"}
    assert any(line.get("message", {}).get("role") == "tool" for line in socket.lines())


async def test_an_unknown_model_is_an_error_in_words_and_the_thread_goes_on(
    live: Connect, new_id: Callable[[], str]
) -> None:
    socket = await live(new_id())
    await socket.next()
    await socket.send("hello", options={"model": "nosuch:thing"})
    assert "nosuch" in (await socket.event("RUN_ERROR"))["message"]
    await socket.send("hello")
    assert (await socket.event("RUN_FINISHED"))["outcome"] == {"type": "success"}
