"""Keys that are typed: they reach their provider, and show nowhere else."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served import Connect, Rest, until

sys.path.append(str(Path(__file__).parents[1] / "agents"))

from upstream import Upstream, running_upstream

TYPED = "sk-typed-by-hand-0123456789"
WAIT = {"wait": "true"}


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    with running_upstream() as served:
        for name in ("OPENAI", "CUSTOM"):
            monkeypatch.setenv(f"{name}_BASE_URL", served.base_url)
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        yield served


def all_bytes_in(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def key_sent(upstream: Upstream) -> str:
    return upstream.asked[-1].headers.get("authorization", "")


async def test_a_typed_key_is_sent_to_its_provider_and_stands_in_no_answer_no_file_and_no_log(
    rest: Rest, upstream: Upstream, new_id: Callable[[], str], jp_root_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    held = await rest("PUT", "/keys/openai", {"key": f" {TYPED}\n"})
    assert (held.status, held.json) == (200, {"set": True, "source": "memory"})
    thread = f"/threads/{new_id()}"
    asked = {"content": "go", "model": "openai:echo-2"}
    answer = await rest("POST", f"{thread}/messages", asked, query=WAIT)
    assert answer.json["outcome"] == "success"
    assert key_sent(upstream) == f"Bearer {TYPED}"
    run = answer.json["run_id"]
    shown = [held, answer, await rest("GET", "/models"), await rest("GET", f"{thread}/runs/{run}/requests")]
    await until(lambda: list(jp_root_dir.rglob("*.json.gz")))
    shown.append(await rest("GET", f"{thread}/runs/{run}/requests"))
    assert shown[-1].json["requests"][0]["body"]["messages"][-1] == {"role": "user", "content": "go"}
    assert not any(TYPED.encode() in each.body for each in shown)
    assert not any(TYPED.encode() in kept for kept in all_bytes_in(jp_root_dir))
    assert TYPED not in caplog.text
    forgotten = await rest("DELETE", "/keys/openai")
    assert forgotten.json == {"set": False, "source": None}
    await rest("POST", f"{thread}/messages", asked, query=WAIT)
    assert key_sent(upstream) == ""


async def test_a_key_that_can_be_none_is_refused_without_being_repeated(rest: Rest) -> None:
    for provider, key in (("openai", "sk typed with spaces"), ("openai", ""), ("nobody", TYPED), ("openai", 7)):
        refused = await rest("PUT", f"/keys/{provider}", {"key": key})
        assert refused.refusal[0] == 400
        assert b"sk" not in refused.body
    assert (await rest("DELETE", "/keys/nobody")).refusal[0] == 400


async def test_what_can_be_chosen_says_why_and_which_keys_there_are(rest: Rest) -> None:
    before = (await rest("GET", "/models")).json
    assert before["default"] == {"id": "direct", "label": "Direct mode · no AI model", "why": "setting"}
    assert [each["id"] for each in before["models"]][-1] == "direct"
    await rest("PUT", "/keys/mistral", {"key": TYPED})
    after = (await rest("GET", "/models")).json
    assert {"id": "mistral:mistral-medium-latest", "why": "key"}.items() <= after["models"][0].items()
    (mistral,) = (each for each in after["providers"] if each["name"] == "mistral")
    assert (mistral["set"], mistral["source"], mistral["variable"]) == (True, "memory", "MISTRAL_API_KEY")


FILES: list[dict[str, Any]] = [
    {"ChatSessions": {"api_key_command": {"openai": [sys.executable, "-c", "print('sk-cmd')"]}}}
]


@pytest.mark.parametrize("chat_config", FILES)
async def test_a_command_may_print_the_key(rest: Rest, upstream: Upstream, new_id: Callable[[], str]) -> None:
    asked = {"content": "go", "model": "openai:echo-2"}
    await rest("POST", f"/threads/{new_id()}/messages", asked, query=WAIT)
    assert key_sent(upstream) == "Bearer sk-cmd"
    (place,) = (each for each in (await rest("GET", "/models")).json["providers"] if each["name"] == "openai")
    assert (place["set"], place["source"]) == (True, "command")


async def test_model_says_and_chooses_what_answers_from_then_on_in_its_thread(
    live: Connect, upstream: Upstream, new_id: Callable[[], str]
) -> None:
    socket = await live(new_id())

    async def said(words: str) -> str:
        await socket.send(words)
        await socket.event("RUN_FINISHED")
        return str([line["message"] for line in socket.lines() if line["type"] == "message"][-1]["content"])

    unconnected = await said("/model")
    assert "Direct mode" in unconnected
    assert "To connect a model" in unconnected
    connected = await said("/model custom:echo-3")
    assert "echo-3 via the custom server" in connected
    assert "To connect a model" not in await said("/model")
    assert await said("hello") == "word word word "
    assert "No agent is named" in await said("/model nobody:at-all")
    assert await said("hello") == "word word word "
    assert "Direct mode" in await said("/model default")
    assert "word" not in await said("1 + 1")
    assert len(upstream.asked) == 2


@pytest.mark.parametrize("chat_config", [{"ChatSessions": {"default_model": "", "detect_local": False}}])
async def test_who_watches_is_told_who_answers_by_default_as_soon_as_a_key_changes_that(
    live: Connect, upstream: Upstream, rest: Rest, new_id: Callable[[], str]
) -> None:
    socket = await live(new_id())
    assert (await socket.next())["agent"]["kind"] == "none"
    told = []
    for method, key in (("PUT", {"key": TYPED}), ("DELETE", None)):
        await rest(method, "/keys/openai", key)
        told.append((await socket.event("CUSTOM"))["value"]["agent"]["id"])
    assert told == ["openai:gpt-4.1-mini", "direct"]


@pytest.mark.parametrize("chat_config", [{"ChatSessions": {"separate_users": True}}])
async def test_a_key_is_used_for_the_threads_of_who_typed_it_and_no_others(
    chats: Callable[[], Any], upstream: Upstream, new_id: Callable[[], str], rest: Rest
) -> None:
    await rest("GET", "/health")
    answering = chats().answering
    await answering.hold_key("user:ada", "openai", TYPED)
    assert answering.key_record("user:ada", "openai")["set"]
    assert not answering.key_record("user:bob", "openai")["set"]
    assert not answering.key_record("owner", "openai")["set"]
    assert answering.redacted(f"it said {TYPED}!") == "it said [a key]!"
