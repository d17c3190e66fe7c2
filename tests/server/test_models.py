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

from jupyter_chat_sessions.agents import keyring_store
from jupyter_chat_sessions.chats.answering import Answering
from jupyter_chat_sessions.chats.settings import Settings
from jupyter_chat_sessions.core.errors import StorageFailed
from jupyter_chat_sessions.core.ids import OWNER


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


async def test_a_key_the_keyring_did_not_take_is_held_in_memory_and_nothing_else_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: dict[str, str] = {}

    class Keyring:
        is_locked = True

        def set_password(self, service: str, name: str, text: str) -> None:
            if self.is_locked:
                raise RuntimeError(f"locked, {text} was not kept")
            kept[name] = text

    keyring = Keyring()
    monkeypatch.setattr(keyring_store, "_keyring", lambda: keyring)
    answering = Answering(Settings(tmp_path, use_keyring=True), lambda thread_id: OWNER)
    with pytest.raises(StorageFailed) as refused:
        await answering.hold_key(OWNER, "openai", "sk-typed-once")
    assert "sk-typed-once" not in refused.value.message
    assert answering.key_record(OWNER, "openai") == {"set": True, "source": "memory"}
    keyring.is_locked = False
    await answering.hold_key(OWNER, "openai", "sk-typed-once")
    assert answering.key_record(OWNER, "openai") == {"set": True, "source": "keyring"}
    assert kept == {"owner/openai": "sk-typed-once"}
