"""The OpenAI-compatible doors under trouble: silence, servers that are killed in mid-stream, threads left behind."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai_kit import Client, asks, questions, threads
from played import Held, Played, calls
from served import Connect, Rest, lines_of, until
from test_restart import TOKEN, Process

from jupyter_chat_sessions.chats.accepting import message_sent
from jupyter_chat_sessions.chats.sweeping import DAY_S, sweep_unlisted
from jupyter_chat_sessions.core.transcript import Options
from jupyter_chat_sessions.engine.session import Session
from jupyter_chat_sessions.server.ag_ui import doors as ag_ui_doors
from jupyter_chat_sessions.server.openai import doors, response_doors

ASKING = {"ChatSessions": {"tool_permissions": {"*": "ask"}}}
ASKED = {"model": "played", "stream": True}
RUN = {"runId": "r", "threadId": "t", "forwardedProps": {"model": "played"}}
STREAMS = (
    ("v1/chat/completions", {**ASKED, "messages": asks("go")}),
    ("v1/responses", {**ASKED, "input": "go"}),
    ("ag-ui", {**RUN, "messages": [{"id": "m", "role": "user", "content": "go"}]}),
)


@pytest.fixture
def fast_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (doors, response_doors, ag_ui_doors):
        monkeypatch.setattr(module, "HEARTBEAT_S", 0.02)


@asynccontextmanager
async def lines(client: Client, path: str, body: dict[str, Any], **headers: str) -> AsyncIterator[AsyncIterator[str]]:
    """The lines of a stream, as they come over the wire."""
    sdk = client()
    url = str(sdk.base_url).removesuffix("v1/") + path
    headers = {"Authorization": f"Bearer {sdk.api_key}", **headers}
    async with httpx.AsyncClient(timeout=20) as http, http.stream("POST", url, json=body, headers=headers) as answer:
        assert answer.status_code == 200
        yield answer.aiter_lines()


async def two_heartbeats(told: AsyncIterator[str]) -> None:
    heard = 0
    async for line in told:
        heard += line.startswith(":")
        if heard == 2:
            return


@pytest.mark.usefixtures("fast_heart")
async def test_a_stream_has_comments_while_a_slow_provider_is_silent(client: Client, agent: Played) -> None:
    for path, body in STREAMS:
        agent.play = held = Held("late")
        async with lines(client, path, body) as told:
            await two_heartbeats(told)
            held.let(2)
            assert "late" in "".join([line async for line in told if line.startswith("data:")])


@pytest.mark.usefixtures("fast_heart")
@pytest.mark.parametrize("chat_config", [ASKING])
async def test_a_stream_has_comments_while_a_person_is_asked(
    client: Client, agent: Played, live: Connect, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    watching = await live(thread_id)
    agent.play = calls("list_files")
    async with lines(client, *STREAMS[0], **{"X-Thread-Id": thread_id}) as told:
        (interrupt,) = (await watching.event("RUN_FINISHED"))["outcome"]["interrupts"]
        await two_heartbeats(told)
        answers = [{"interruptId": interrupt["id"], "status": "resolved", "payload": {"approve": True}}]
        await watching.say(kind="answer", id="a", answers=answers)
        assert "done" in "".join([line async for line in told if line.startswith("data:")])


async def test_a_number_is_a_place_in_the_answer_also_when_only_the_transcript_is_left(
    client: Client, agent: Played, desk: Callable[[], Any]
) -> None:
    agent.play = calls("list_files", then="Nothing there.")
    told = [event async for event in await client().responses.create(model="played", input="go", stream=True)]
    whole = told[-1].response.output_text
    for kept in (True, False):
        for seen in range(0, len(told), 3 if kept else 6):
            if not kept:
                desk().records._kept.clear()
            number = told[seen].sequence_number
            stream = await client().responses.retrieve(told[-1].response.id, stream=True, starting_after=number)
            rest = [event async for event in stream]
            deltas = [each for each in [*told[: seen + 1], *rest] if each.type == "response.output_text.delta"]
            assert "".join(each.delta for each in deltas) == whole, (kept, seen)
            if seen < len(told) - 1:
                assert [each.sequence_number for each in rest][-1] == told[-1].sequence_number
    middle = next(each for each in told if each.type == "response.output_text.delta").sequence_number - 3
    stream = await client().responses.retrieve(told[-1].response.id, stream=True, starting_after=middle)
    assert next(iter([event async for event in stream])).delta == "ok."


# --- a server that is killed -----------------------------------------------------------------------------------------

CONFIG = """
import asyncio, os
from jupyter_chat_sessions.core.roles import TextDelta

class Counting:
    id, label, author = "counting", "Counting", "model"

    async def answer(self, request):
        is_quick = os.path.exists("quick")
        for n in range(4 if is_quick else 10_000):
            yield TextDelta(f"{n} ")
            await asyncio.sleep(0 if is_quick else 0.01)

c.ChatSessions.agents = {"counting": Counting}
c.ChatSessions.default_model = "counting"
c.ServerApp.jpserver_extensions = {"jupyter_chat_sessions": True}
"""


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Process]]:
    """Starts a server, always at the same port; it answers slowly until there is a file `quick`."""
    (tmp_path / "root").mkdir()
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "jupyter_server_config.py").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    started: list[Process] = []

    def begin() -> Process:
        started.append(Process(tmp_path / "root", tmp_path / "config", port))
        return started[-1]

    yield begin
    for process in started:
        process.kill()


@pytest.mark.slow
async def test_after_a_kill_a_response_goes_on_where_its_client_stood_without_a_gap_or_a_doubled_word(
    start: Callable[[], Process], tmp_path: Path
) -> None:
    server = start()
    client = openai.AsyncOpenAI(base_url=f"http://{server.address}/v1", api_key=TOKEN, max_retries=0)
    key = {"X-Session-Key": "k"}
    seen: list[Any] = []
    stream = await client.responses.create(model="default", input="go", stream=True, extra_headers=key)
    async for event in stream:
        seen.append(event)
        kept = list((tmp_path / "root").glob(".chats/*/draft.jsonl"))
        if event.type == "response.output_text.delta" and kept and "40 " in kept[0].read_text():
            break
    server.kill()
    server = start()
    response_id = seen[0].response.id
    words = [each for each in seen if each.type == "response.output_text.delta"]
    for place in (0, 7, 30, len(words) - 1):
        at = words[place].sequence_number
        resumed = [e async for e in await client.responses.retrieve(response_id, stream=True, starting_after=at)]
        last = resumed[-1]
        assert (last.type, last.response.error.code) == ("response.failed", "interrupted")
        had = "".join(each.delta for each in words[: place + 1])
        whole = had + "".join(each.delta for each in resumed if each.type == "response.output_text.delta")
        kept = last.response.output_text
        assert whole.split() == [str(n) for n in range(len(whole.split()))]
        assert whole == kept or whole.startswith(kept)  # the draft may be a moment older than what was told last
    (tmp_path / "quick").touch()
    more = await client.responses.create(model="default", input="more", previous_response_id=response_id)
    assert more.output_text == "0 1 2 3 "
    await client.close()


@pytest.mark.slow
@pytest.mark.parametrize("headers", [{"X-Session-Key": "k"}, {"Idempotency-Key": "once"}])
async def test_the_sdks_retry_at_a_server_that_was_killed_and_is_back_asks_once_and_is_answered(
    start: Callable[[], Process], tmp_path: Path, headers: dict[str, str]
) -> None:
    server, root = start(), tmp_path / "root"
    client = openai.AsyncOpenAI(base_url=f"http://{server.address}/v1", api_key=TOKEN, max_retries=20)
    sent = client.chat.completions.create(model="default", messages=asks("go"), extra_headers=headers)
    answering = asyncio.ensure_future(sent)
    await until(lambda: list(root.glob(".chats/*/draft.jsonl")), 30)
    server.kill()
    (tmp_path / "quick").touch()
    await asyncio.to_thread(start)
    assert (await answering).choices[0].message.content == "0 1 2 3 "
    (thread_id,) = threads(root)
    assert questions(root, thread_id) == ["go"]
    ends = [line["outcome"] for line in lines_of(root, thread_id) if line["type"] == "run"]
    assert ends == ["interrupted", "success"]
    await client.close()


# --- threads left behind ---------------------------------------------------------------------------------------------


async def test_unlisted_threads_are_swept_when_they_are_old_but_none_that_is_named_shared_open_or_listed(
    client: Client, rest: Rest, chats: Callable[[], Any], jp_root_dir: Path, live: Connect, jp_data_dir: Path
) -> None:
    async def said(**headers: str) -> str:
        ours = client(default_headers=headers)
        answer = await ours.chat.completions.with_raw_response.create(model="played", messages=asks("x"))
        return str(answer.headers["X-Thread-Id"])

    async def closed(thread_id: str) -> str:
        await chats().sessions.drop(thread_id)
        return thread_id

    old, once = await closed(await said()), await closed(await said(**{"Idempotency-Key": "i"}))
    keyed, shared, fresh = await closed(await said(**{"X-Session-Key": "k"})), await said(), await closed(await said())
    assert (await rest("POST", f"/threads/{shared}/shares", {})).status == 201
    key = next((jp_root_dir / ".chats" / "keys").iterdir())
    unlisted_key = await closed(await said())  # as a program may have it: a key for what no list shows
    shutil.copy(key, key.with_name("0" * 64))
    key.with_name("0" * 64).write_text(f"{unlisted_key}\n")
    opened = await said()
    await live(opened)
    titled = await closed(await said())
    assert (await rest("PATCH", f"/threads/{titled}", {"title": "Mine"})).status == 200
    empty = (await rest("POST", "/threads", {})).json["thread_id"]
    for each in (shared, titled, empty):
        await closed(each)
    a_month_ago = time.time() - 31 * DAY_S
    for thread_id in set(threads(jp_root_dir)) - {fresh}:
        os.utime(jp_root_dir / ".chats" / thread_id / "chat.jsonl", (a_month_ago, a_month_ago))
    assert await sweep_unlisted(chats(), 30 * DAY_S) == 2
    await until(lambda: set(threads(jp_root_dir)) == {keyed, shared, fresh, unlisted_key, opened, titled, empty})
    assert {old, once} <= {each.name for each in (jp_root_dir / ".chats" / ".trash").iterdir()}
    assert await sweep_unlisted(chats(), 30 * DAY_S) == 0
    again = await said(**{"Idempotency-Key": "i"})
    assert again not in {once, old}


async def test_an_unlisted_thread_in_which_something_is_said_as_it_is_swept_stays(
    client: Client, rest: Rest, chats: Callable[[], Any], jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = await client().chat.completions.with_raw_response.create(model="played", messages=asks("x"))
    thread_id = str(answer.headers["X-Thread-Id"])
    await chats().sessions.drop(thread_id)
    a_month_ago = time.time() - 31 * DAY_S
    os.utime(jp_root_dir / ".chats" / thread_id / "chat.jsonl", (a_month_ago, a_month_ago))
    saying: list[asyncio.Task[Any]] = []
    whole = Session.whole

    async def looked(session: Session) -> None:
        """As the sweep does; in the same moment somebody speaks, and is not heard yet."""
        await whole(session)
        saying.append(asyncio.ensure_future(session.send(message_sent("said", "wait", Options(), ()))))
        await asyncio.sleep(0)

    with monkeypatch.context() as patched:
        patched.setattr(Session, "whole", looked)
        assert await sweep_unlisted(chats(), 30 * DAY_S) == 0
    await saying[0]
    assert (await rest("GET", f"/threads/{thread_id}")).status == 200
    assert questions(jp_root_dir, thread_id) == ["x", "wait"]
