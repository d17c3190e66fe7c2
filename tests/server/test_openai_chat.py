"""Chat completions, with the `openai` package as its users have it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from openai_kit import WEATHER, Client, asks, questions, threads
from played import Held, Played, asked, calls
from served import Connect, Raw, Rest, lines_of, until

from jupyter_chat_sessions.core.errors import AgentFailed
from jupyter_chat_sessions.core.roles import TextDelta

TOOL: Any = {"type": "function", "function": WEATHER}
SLOW = pytest.mark.slow
ALLOWED = {"ChatSessions": {"tool_permissions": {"*": "allow"}}}
ASKING = {"ChatSessions": {"tool_permissions": {"*": "ask"}}}


async def test_a_stream_begins_with_the_role_ends_once_and_counts_last(client: Client) -> None:
    stream = await client().chat.completions.create(
        model="played", messages=asks("hello"), stream=True, stream_options={"include_usage": True}
    )
    *chunks, last = [chunk async for chunk in stream]
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "You said hello"
    assert [each.choices[0].finish_reason for each in chunks if each.choices[0].finish_reason] == ["stop"]
    assert last.choices == []
    assert (last.usage.prompt_tokens, last.usage.completion_tokens, last.usage.total_tokens) == (3, 4, 7)


async def test_an_answer_comes_whole_where_it_is_not_streamed_and_from_the_sdks_stream_helper(client: Client) -> None:
    whole = await client().chat.completions.create(model="played", messages=asks("hello"))
    assert (whole.choices[0].message.content, whole.choices[0].finish_reason) == ("You said hello", "stop")
    async with client().chat.completions.stream(model="played", messages=asks("hello")) as stream:
        assert (await stream.get_final_completion()).choices[0].message.content == "You said hello"


@SLOW
async def test_the_synchronous_client_does_the_same(client: Client) -> None:
    ours = client()
    theirs = openai.OpenAI(base_url=ours.base_url, api_key=ours.api_key)

    def talk() -> list[str | None]:
        whole = theirs.chat.completions.create(model="played", messages=asks("one"))
        stream = theirs.chat.completions.create(model="played", messages=asks("two"), stream=True)
        return [whole.choices[0].message.content, "".join(each.choices[0].delta.content or "" for each in stream)]

    assert await asyncio.to_thread(talk) == ["You said one", "You said two"]


async def test_without_a_key_every_call_is_a_thread_of_its_own_that_no_list_shows_and_user_changes_nothing(
    client: Client, rest: Rest, jp_root_dir: Path
) -> None:
    for _ in range(2):
        await client().chat.completions.create(model="played", messages=asks("hello"), user="ann")
    assert len(threads(jp_root_dir)) == 2
    assert (await rest("GET", "/threads")).json["threads"] == []


@pytest.mark.parametrize("chat_config", [{"ChatSessions": {"list_unnamed": True}}])
async def test_threads_of_calls_without_a_key_are_listed_where_that_is_configured(client: Client, rest: Rest) -> None:
    await client().chat.completions.create(model="played", messages=asks("hello"))
    assert len((await rest("GET", "/threads")).json["threads"]) == 1


async def test_a_session_key_leads_to_one_thread_and_a_resent_history_adds_only_what_is_new(
    client: Client, rest: Rest, agent: Played, jp_root_dir: Path
) -> None:
    ours = client(default_headers={"X-Session-Key": "my chat"})
    await ours.chat.completions.create(model="played", messages=asks("one"))
    await ours.chat.completions.create(model="played", messages=asks("one", "You said one", "two"))
    (row,) = (await rest("GET", "/threads")).json["threads"]
    assert row["origin"] == "openai"
    assert questions(jp_root_dir, row["thread_id"]) == ["one", "two"]
    assert [each["content"] for each in agent.requests[1].messages] == ["one", "You said one", "two"]
    for header in ("X-OpenClaw-Session-Key", "X-OpenWebUI-Chat-Id"):
        theirs = client(default_headers={header: "my chat"})
        await theirs.chat.completions.create(model="played", messages=asks(header))
    assert len(questions(jp_root_dir, row["thread_id"])) == 4
    await rest("DELETE", f"/threads/{row['thread_id']}")
    fresh = (ours.chat.completions.create(model="played", messages=asks("again")) for _ in range(5))
    await asyncio.gather(*fresh)
    assert len((await rest("GET", "/threads")).json["threads"]) == 1


async def test_what_a_program_does_beside_a_chat_leaves_no_trace_in_it(client: Client, rest: Rest) -> None:
    ours = client(default_headers={"X-OpenWebUI-Chat-Id": "my chat"})
    task = {"X-OpenWebUI-Task": "title_generation"}
    await ours.chat.completions.create(model="played", messages=asks("a title?"), extra_headers=task)
    assert (await rest("GET", "/threads")).json["threads"] == []


async def test_a_first_request_brings_its_history_and_its_instructions(
    client: Client, agent: Played, jp_root_dir: Path
) -> None:
    system: list[Any] = [{"role": "system", "content": "Be brief."}]
    await client().chat.completions.create(model="played", messages=[*system, *asks("one", "first", "two")])
    assert [each["content"] for each in agent.requests[0].messages] == ["Be brief.", "one", "first", "two"]
    assert questions(jp_root_dir, threads(jp_root_dir)[0]) == ["one", "two"]


async def test_twenty_first_requests_at_once_come_to_one_thread(client: Client, jp_root_dir: Path) -> None:
    ours = client(default_headers={"X-Session-Key": "k"})
    sent = (ours.chat.completions.create(model="played", messages=asks(f"q{n}")) for n in range(20))
    answers = await asyncio.gather(*sent)
    (thread_id,) = threads(jp_root_dir)
    assert sorted(questions(jp_root_dir, thread_id)) == sorted(f"q{n}" for n in range(20))
    assert sorted(each.choices[0].message.content for each in answers) == sorted(f"You said q{n}" for n in range(20))


@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_the_servers_tools_are_told_beside_the_answer_and_never_as_the_clients(
    client: Client, agent: Played
) -> None:
    agent.play = calls("list_files")
    stream = await client().chat.completions.create(model="played", messages=asks("go"), stream=True)
    chunks = [chunk async for chunk in stream]
    tools = [chunk.model_extra["x_server_tool"] for chunk in chunks if "x_server_tool" in (chunk.model_extra or {})]
    assert [(tool["name"], tool["status"]) for tool in tools] == [
        ("list_files", "running"),
        ("list_files", "completed"),
    ]
    assert not [chunk for chunk in chunks if chunk.choices[0].delta.tool_calls]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "I look.\n\ndone"


@pytest.mark.parametrize("chat_config", [ASKING])
async def test_where_nobody_can_be_asked_a_call_is_refused_and_the_model_is_told(client: Client, agent: Played) -> None:
    agent.play = calls("list_files")
    whole = await client().chat.completions.create(model="played", messages=asks("go"))
    assert whole.choices[0].message.content == "I look.\n\ndone"
    assert whole.model_extra["x_server_tools"][0]["status"] == "failed"
    assert "nobody is there" in agent.requests[1].messages[-1]["content"]


@pytest.mark.parametrize("chat_config", [ASKING])
async def test_where_a_person_watches_they_are_asked_and_the_answer_waits_for_them(
    client: Client, agent: Played, live: Connect, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    socket = await live(thread_id)
    agent.play = calls("list_files")
    ours = client(default_headers={"X-Thread-Id": thread_id})
    answering = asyncio.ensure_future(ours.chat.completions.create(model="played", messages=asks("go")))
    (interrupt,) = (await socket.event("RUN_FINISHED"))["outcome"]["interrupts"]
    answers = [{"interruptId": interrupt["id"], "status": "resolved", "payload": {"approve": True}}]
    await socket.say(kind="answer", id="a", answers=answers)
    whole = await answering
    assert whole.choices[0].message.content == "I look.\n\ndone"
    assert whole.model_extra["x_server_tools"][0]["status"] == "completed"


@pytest.mark.parametrize("headers", [{}, {"X-Session-Key": "k"}])
async def test_a_clients_own_tool_ends_the_run_and_its_result_goes_on_in_the_same_thread(
    client: Client, agent: Played, jp_root_dir: Path, headers: dict[str, str]
) -> None:
    agent.play = calls("weather", then="It rains.", town="Oslo")
    ours = client(default_headers=headers)
    first = await ours.chat.completions.create(model="played", messages=asks("go"), tools=[TOOL])
    assert first.choices[0].finish_reason == "tool_calls"
    message = first.choices[0].message
    assert json.loads(message.tool_calls[0].function.arguments) == {"town": "Oslo"}
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "rain"}
    again: list[Any] = [*asks("go"), message.model_dump(exclude_none=True), result]
    second = await ours.chat.completions.create(model="played", messages=again, tools=[TOOL])
    assert (second.choices[0].message.content, second.choices[0].finish_reason) == ("It rains.", "stop")
    assert questions(jp_root_dir, threads(jp_root_dir)[0]) == ["go"]
    assert agent.requests[1].messages[-1]["content"] == "rain"
    assert len(threads(jp_root_dir)) == 1


async def test_the_pieces_of_a_clients_call_can_be_put_together(client: Client, agent: Played) -> None:
    agent.play = calls("weather", town="Oslo")
    async with client().chat.completions.stream(model="played", messages=asks("go"), tools=[TOOL]) as stream:
        (call,) = (await stream.get_final_completion()).choices[0].message.tool_calls
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", {"town": "Oslo"})


async def test_results_for_a_thread_that_is_not_there_begin_one_that_knows_all(client: Client, agent: Played) -> None:
    call = {"id": "call_x", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    said = {"role": "assistant", "content": None, "tool_calls": [call]}
    result = {"role": "tool", "tool_call_id": "call_x", "content": "rain"}

    async def play(request: Any) -> Any:
        yield TextDelta(f"{asked(request)}: {request.messages[-1]['content']}")

    agent.play = play
    whole = await client().chat.completions.create(model="played", messages=[*asks("go"), said, result])
    assert whole.choices[0].message.content == "go: rain"


async def test_a_client_that_leaves_stops_the_run_it_alone_asked_for(
    client: Client, agent: Played, jp_root_dir: Path
) -> None:
    agent.play = held = Held("one", "two")
    stream = await client().chat.completions.create(model="played", messages=asks("go"), stream=True)
    held.let()
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()
    await until(lambda: agent.in_flight == 0)
    (thread_id,) = threads(jp_root_dir)
    await until(lambda: lines_of(jp_root_dir, thread_id)[-1].get("outcome") == "cancelled")
    said = [line["message"]["content"] for line in lines_of(jp_root_dir, thread_id) if line["type"] == "message"]
    assert said == ["go", "one"]


@pytest.mark.parametrize("headers", [{"X-Session-Key": "k"}, pytest.param({"X-Run-Detached": "1"}, marks=SLOW)])
async def test_a_run_of_a_bound_thread_or_a_detached_one_goes_on_without_its_client(
    client: Client, agent: Played, jp_root_dir: Path, headers: dict[str, str]
) -> None:
    agent.play = held = Held("one", "two")
    stream = await client(default_headers=headers).chat.completions.create(
        model="played", messages=asks("go"), stream=True
    )
    await held.has_begun.wait()
    await stream.close()
    held.let(3)
    (thread_id,) = threads(jp_root_dir)
    await until(lambda: lines_of(jp_root_dir, thread_id)[-1].get("outcome") == "success")


@pytest.mark.parametrize("headers", [{"X-Session-Key": "k"}, pytest.param({}, marks=SLOW)])
async def test_the_sdks_own_retry_after_a_timeout_finds_the_answer_that_was_begun(
    client: Client, agent: Played, jp_root_dir: Path, headers: dict[str, str]
) -> None:
    tries = 0

    async def play(request: Any) -> Any:
        nonlocal tries
        tries += 1
        await asyncio.sleep(0.6 if headers or tries == 1 else 0)
        yield TextDelta("late")

    agent.play = play
    ours = client(default_headers=headers, timeout=0.5, max_retries=10)
    whole = await ours.chat.completions.create(model="played", messages=asks("go"))
    assert whole.choices[0].message.content == "late"
    (thread_id,) = threads(jp_root_dir)
    assert questions(jp_root_dir, thread_id) == ["go"]
    assert tries == (1 if headers else 2)  # who alone asked and left has stopped the first


async def test_an_idempotency_key_makes_a_request_one_message_whoever_sends_it_again(
    client: Client, agent: Played, jp_root_dir: Path
) -> None:
    ours = client(default_headers={"Idempotency-Key": "once"})
    first = await ours.chat.completions.create(model="played", messages=asks("go"))
    again = await ours.chat.completions.create(model="played", messages=asks("go"))
    assert first.id == again.id
    assert again.choices[0].message.content == "You said go"
    assert len(agent.requests) == len(threads(jp_root_dir)) == 1
    with pytest.raises(openai.ConflictError) as refused:
        await ours.chat.completions.create(model="played", messages=asks("other"))
    assert refused.value.code == "idempotency_mismatch"


async def test_a_providers_failure_has_its_status_and_is_never_sent_again(client: Client, agent: Played) -> None:
    for code, status in (("rate_limit", 429), ("auth", 401), ("stalled", 504), ("agent_failed", 500)):

        async def fails(request: Any, code: str = code) -> Any:
            raise AgentFailed(code, "It could not.")
            yield

        agent.play = fails
        agent.requests.clear()
        with pytest.raises(openai.APIStatusError) as refused:
            await client().chat.completions.create(model="played", messages=asks("go"))
        assert (refused.value.status_code, refused.value.response.headers["x-should-retry"]) == (status, "false")
        assert len(agent.requests) == 1
    stream = await client().chat.completions.create(model="played", messages=asks("go"), stream=True)
    with pytest.raises(openai.APIError, match="It could not"):
        [chunk async for chunk in stream]


async def test_a_wrong_token_is_401_in_words_with_the_way_to_do_better(client: Client, raw: Raw) -> None:
    with pytest.raises(openai.AuthenticationError, match="token"):
        await client(api_key="nonsense").chat.completions.create(model="played", messages=asks("go"))
    for method, path in (("GET", "/v1/models"), ("POST", "/v1/responses")):
        answer = await raw(method, path, b"{}" if method == "POST" else None, is_known=False)
        assert (answer.refusal, answer.headers["WWW-Authenticate"]) == ((401, "invalid_api_key"), "Bearer")


async def test_models_are_listed_with_the_default_and_an_unknown_one_is_refused(client: Client) -> None:
    assert {"default", "direct", "played"} <= {each.id async for each in client().models.list()}
    assert (await client().models.retrieve("played")).id == "played"
    with pytest.raises(openai.NotFoundError):
        await client().models.retrieve("nobody")
    with pytest.raises(openai.BadRequestError) as refused:
        await client().chat.completions.create(model="nobody", messages=asks("go"))
    assert refused.value.code == "model_not_found"
    assert "'nobody'" in refused.value.message
    assert "default, " in refused.value.message  # and what there is
    assert "played" in refused.value.message
    default = await client().chat.completions.create(model="default", messages=asks("!true"))
    assert default.model == "default"


DEEP = b"[" * 100_000
BODIES = (
    (b"{}", 400), (b"{", 400), (b"[]", 400), (b'{"messages": []}', 400), (b'{"messages": 1}', 400), (b"\xff", 400),
    (b'{"messages": [{"role": "user", "content": "\xff"}]}', 400), (b'{"messages": ' + DEEP, 400),
    (b'{"messages": [{"role": "wizard", "content": "x"}]}', 400),
    (b'{"messages": [{"role": "user", "content": " "}]}', 400),
    (b'{"messages": [{"role": "user", "content": "x"}], "n": 2}', 400),
    (b'{"messages": [{"role": "assistant", "content": "x"}]}', 400),
    (b'{"messages": [{"role": "system", "content": "x"}]}', 400),
    (b'{"messages": [{"role": "tool", "content": "x"}]}', 400),
    (b'{"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}', 400),
    (b'{"messages": [{"role": "user", "content": "' + b"x" * 21_000_000 + b'"}]}', 413),
)  # fmt: skip


async def test_a_body_that_does_not_fit_is_refused_in_openais_envelope_and_nothing_is_written(
    raw: Raw, jp_root_dir: Path
) -> None:
    for body, status in BODIES:
        answer = await raw("POST", "/v1/chat/completions", body)
        assert answer.refusal[0] == status, body[:80]
        assert answer.json["error"]["type"] == "invalid_request_error"
    assert (await raw("GET", "/v1/chat/completions")).headers["Allow"] == "POST, OPTIONS"
    for odd in ("internal:x", "é", "x" * 300):
        headers = {"X-Session-Key": odd}
        answer = await raw("POST", "/v1/responses", b'{"input": "x", "model": "played"}', headers=headers)
        assert answer.refusal == (400, "invalid_session_key")
    assert threads(jp_root_dir) == []


async def test_where_nothing_was_said_what_the_tools_gave_is_the_answer(client: Client) -> None:
    whole = await client().chat.completions.create(model="direct", messages=asks("!echo 4"))
    assert whole.choices[0].message.content.strip() == "4"
