"""AG-UI: by its own Python types, and with the real `@ag-ui/client` in node."""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import subprocess
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from ag_ui.core import Event, RunAgentInput
from jupyter_server.serverapp import ServerApp
from openai_kit import Client, questions, threads
from played import Held, Played, calls
from pydantic import TypeAdapter
from served import Answer, Connect, Raw, Rest, lines_of, until
from test_users import ANN, BOB, KEPT_APART

ASKING = {"ChatSessions": {"default_model": "played", "tool_permissions": {"*": "ask"}}}
PLAYED = {"ChatSessions": {"default_model": "played", "tool_permissions": {"*": "allow"}}}
EVENT: TypeAdapter[Any] = TypeAdapter(Event)
WEATHER = {"name": "weather", "description": "Tells the weather", "parameters": {"type": "object"}}

Post = Callable[..., Awaitable[list[dict[str, Any]]]]


def user(content: Any, **more: Any) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "role": "user", "content": content, **more}


def asking(thread_id: str, *messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    body = {"threadId": thread_id, "runId": str(uuid.uuid4()), "messages": list(messages), **more}
    RunAgentInput.model_validate(body)
    return body


def events_in(answer: Answer) -> list[dict[str, Any]]:
    """The events of an answer, each as AG-UI has it."""
    assert answer.status == 200, answer.body
    told = [json.loads(line[6:]) for line in answer.body.decode().splitlines() if line.startswith("data: ")]
    for event in told:
        EVENT.validate_python(event)
    return told


@pytest.fixture
def post(rest: Rest) -> Post:
    async def run(thread_id: str, *messages: dict[str, Any], **more: Any) -> list[dict[str, Any]]:
        return events_in(await rest("POST", "/ag-ui", asking(thread_id, *messages, **more)))

    return run


def kinds(events: list[dict[str, Any]]) -> list[str]:
    """What happened, pieces of one thing taken together."""
    told = [event["type"] for event in events if event["type"] != "CUSTOM"]
    return [kind for kind, _ in itertools.groupby(told)]


@pytest.mark.parametrize("chat_config", [PLAYED])
async def test_a_run_is_told_from_start_to_end_under_the_clients_own_names(
    post: Post, agent: Played, new_id: Callable[[], str], jp_root_dir: Path
) -> None:
    agent.play = calls("list_files", then="Nothing there.")
    question = user("look")
    events = await post(thread_id := new_id(), question)
    assert kinds(events) == [
        "RUN_STARTED", "REASONING_START", "REASONING_MESSAGE_START", "REASONING_MESSAGE_CONTENT",
        "REASONING_MESSAGE_END", "REASONING_END", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END",
        "TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END", "TOOL_CALL_RESULT",
        "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "RUN_FINISHED",
    ]  # fmt: skip
    assert {event["threadId"] for event in events if "threadId" in event} == {thread_id}
    assert events[0]["protocolVersion"] == "1.0"
    kept = [line["message"] for line in lines_of(jp_root_dir, thread_id) if line["type"] == "message"]
    assert kept[0]["id"] == question["id"]
    told = [event["messageId"] for event in events if event["type"] in ("TEXT_MESSAGE_START", "TOOL_CALL_RESULT")]
    assert told == [message["id"] for message in kept[1:]]
    assert next(event for event in events if event["type"] == "TOOL_CALL_START")["parentMessageId"] == kept[1]["id"]


@pytest.mark.parametrize("chat_config", [PLAYED])
async def test_a_history_sent_again_adds_only_what_is_new_and_one_brought_to_an_empty_thread_is_kept(
    post: Post, agent: Played, new_id: Callable[[], str], jp_root_dir: Path
) -> None:
    thread_id = new_id()
    first, second = user("one"), user("two")
    answer = {"id": "a1", "role": "assistant", "content": "You said one"}
    await post(thread_id, first)
    await post(thread_id, first, answer, second)
    again = await post(thread_id, first, answer, second)
    assert "".join(event.get("delta", "") for event in again) == "You said two"
    assert questions(jp_root_dir, thread_id) == ["one", "two"]
    assert len(agent.requests) == 2
    other = new_id()
    await post(other, first, answer, second)
    assert questions(jp_root_dir, other) == ["one", "two"]
    assert [each["content"] for each in agent.requests[-1].messages] == ["one", "You said one", "two"]


@pytest.mark.parametrize("chat_config", [PLAYED])
async def test_a_question_that_was_edited_stands_on_a_branch_and_one_that_was_not_answered_is_not_asked_twice(
    post: Post, rest: Rest, agent: Played, new_id: Callable[[], str], jp_root_dir: Path
) -> None:
    thread_id = new_id()
    first, second, edited, more = user("one"), user("two"), user("2nd"), user("more")
    answer = {"id": "a1", "role": "assistant", "content": "You said one"}
    await post(thread_id, first)
    await post(thread_id, first, answer, second)
    await post(thread_id, first, answer, edited)
    assert [each["content"] for each in agent.requests[-1].messages] == ["one", "You said one", "2nd"]
    await post(thread_id, first, answer, edited, more)  # as where the answer never arrived
    assert questions(jp_root_dir, thread_id) == ["one", "two", "2nd", "more"]
    assert [each["content"] for each in agent.requests[-1].messages][2:] == ["2nd", "You said 2nd", "more"]
    same = {**more, "content": "another"}
    assert (await rest("POST", "/ag-ui", asking(thread_id, first, same))).refusal == (409, "idempotency_mismatch")
    await rest("POST", f"/threads/{thread_id}/messages", {"content": "from the chat"}, query={"wait": "true"})
    await post(thread_id, first, answer, edited, more, user("on"))
    told = [each["content"] for each in agent.requests[-1].messages]
    assert told[-3:] == ["from the chat", "You said from the chat", "on"]


@pytest.mark.parametrize("chat_config", [PLAYED])
async def test_a_thread_has_any_name_of_the_clients_and_nothing_new_shows_what_was_said(
    post: Post, rest: Rest, jp_root_dir: Path
) -> None:
    for words in ("one", "two"):
        await post("main", user(words))
    (thread_id,) = threads(jp_root_dir)
    assert questions(jp_root_dir, thread_id) == ["one", "two"]
    started, snapshot, finished = await post("main")
    assert [each["content"] for each in snapshot["messages"]] == ["one", "You said one", "two", "You said two"]
    assert (started["type"], finished["outcome"]) == ("RUN_STARTED", {"type": "success"})


@pytest.mark.parametrize("chat_config", [PLAYED])
async def test_the_run_goes_on_without_its_client_which_finds_it_again_and_only_cancel_ends_it(
    rest: Rest, post: Post, agent: Played, new_id: Callable[[], str], jp_root_dir: Path, jp_serverapp: ServerApp,
    jp_base_url: str,
) -> None:  # fmt: skip
    agent.play = held = Held("first ", "second")
    question, thread_id = user("go"), new_id()
    token = jp_serverapp.identity_provider.token
    body = json.dumps(asking(thread_id, question)).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", jp_serverapp.port)
    head = f"POST {jp_base_url}chat-sessions/ag-ui HTTP/1.1\r\nHost: localhost\r\nAuthorization: token {token}\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    held.let()
    await asyncio.wait_for(reader.readuntil(b"first "), 30)
    writer.close()
    coming = asyncio.ensure_future(post(thread_id, question))
    held.let(2)
    told = await asyncio.wait_for(coming, 30)
    assert "".join(event.get("delta", "") for event in told) == "first second"
    assert told[-1]["outcome"] == {"type": "success"}
    agent.play = Held("never")
    ending = asyncio.ensure_future(post(thread_id, user("again")))
    await until(lambda: agent.in_flight == 1)
    assert (await rest("POST", f"/threads/{thread_id}/cancel", {})).json["cancelled"]
    assert (await ending)[-1]["outcome"] == {"type": "cancelled"}


@pytest.mark.parametrize("chat_config", [ASKING])
async def test_what_a_person_is_asked_is_an_interrupt_that_resume_answers_once(
    post: Post, rest: Rest, agent: Played, new_id: Callable[[], str]
) -> None:
    agent.play = calls("list_files", then="Seen.")
    thread_id, question = new_id(), user("look")
    *_, finished = first = await post(thread_id, question, runId=(asked_in := new_id()))
    (asked,) = finished["outcome"]["interrupts"]
    assert asked["toolCallId"] in [event.get("toolCallId") for event in first if event["type"] == "TOOL_CALL_START"]
    assert asked["metadata"]["tool"] == "list_files"
    refused = await rest("POST", "/ag-ui", asking(thread_id, user("and?")))
    assert refused.refusal == (409, "conflict")
    resume = [{"interruptId": asked["id"], "status": "resolved", "payload": {"approved": True}}]
    same = await rest("POST", "/ag-ui", asking(thread_id, question, resume=resume, runId=asked_in))
    assert same.refusal == (409, "conflict")
    events = await post(thread_id, question, resume=resume)
    assert kinds(events) == [
        "RUN_STARTED", "TOOL_CALL_RESULT", "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END",
        "RUN_FINISHED",
    ]  # fmt: skip
    again = await rest("POST", "/ag-ui", asking(thread_id, question, resume=resume))
    assert again.refusal == (409, "not_waiting")


@pytest.mark.parametrize("chat_config", [PLAYED])
async def test_a_tool_of_the_clients_ends_the_run_and_its_result_goes_on(
    post: Post, agent: Played, new_id: Callable[[], str]
) -> None:
    agent.play = calls("weather", then="Take a coat.", town="Oslo")
    thread_id, question = new_id(), user("how is it?")
    events = await post(thread_id, question, tools=[WEATHER])
    call = next(event for event in events if event["type"] == "TOOL_CALL_START")
    assert events[-1]["outcome"] == {"type": "success", "pendingToolCallIds": [call["toolCallId"]]}
    called = {"id": call["toolCallId"], "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    said = {"id": call["parentMessageId"], "role": "assistant", "toolCalls": [called]}
    result = {"id": "r1", "role": "tool", "toolCallId": call["toolCallId"], "content": "snow"}
    after = await post(thread_id, question, said, result, tools=[WEATHER])
    assert "".join(event["delta"] for event in after if event["type"] == "TEXT_MESSAGE_CONTENT") == "Take a coat."
    assert agent.requests[-1].messages[-1]["content"] == "snow"


@pytest.mark.parametrize("chat_config", [PLAYED])
async def test_who_listens_with_a_token_that_is_taken_back_is_told_so_as_an_event(
    client: Client, rest: Rest, agent: Played, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    share = (await rest("POST", f"/threads/{thread_id}/shares", {"rights": "send"})).json
    agent.play = held = Held("one", "two")
    url = str(client().base_url).removesuffix("v1/") + f"ag-ui/{thread_id}"
    bearer = {"Authorization": f"Bearer {share['token']}"}
    body = asking(thread_id, user("go"))
    async with httpx2.AsyncClient(timeout=20) as http, http.stream("POST", url, json=body, headers=bearer) as answer:
        told = answer.aiter_lines()
        await held.has_begun.wait()
        await rest("DELETE", f"/threads/{thread_id}/shares/{share['share_id']}")
        held.let(3)
        events = [json.loads(line[6:]) async for line in told if line.startswith("data: ")]
    for event in events:
        EVENT.validate_python(event)
    assert (events[-1]["type"], events[-1]["code"]) == ("RUN_ERROR", "share_revoked")


@pytest.mark.parametrize("chat_config", [KEPT_APART])
async def test_anothers_thread_does_not_exist_and_one_name_of_two_users_is_two_threads(
    raw: Raw, new_id: Callable[[], str], jp_root_dir: Path
) -> None:
    thread_id = new_id()
    for name, who, status in ((thread_id, ANN, 200), (thread_id, BOB, 404), ("main", ANN, 200), ("main", BOB, 200)):
        body = asking(name, user("!echo hi"), forwardedProps={"model": "played"})
        assert (await raw("POST", "/ag-ui", json.dumps(body).encode(), headers=who)).status == status
    assert len(threads(jp_root_dir)) == 3


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "malformed"),
        (b"\xff", 400, "malformed"),
        (b"[" * 100_000, 400, "malformed"),
        (b'{"threadId": "x", "runId": "y"}', 400, "malformed"),
        (b'{"threadId": "\\u0000", "runId": "y", "messages": []}', 400, "invalid_session_key"),
        (json.dumps(asking("x", user(" "))).encode(), 400, "malformed"),
        (b" " * 21_000_000, 413, "too_large"),
    ],
    ids=["no json", "no text", "deep", "no messages", "no name", "blank", "21 MB"],
)
async def test_what_is_no_request_is_told_so(raw: Raw, body: bytes, status: int, code: str) -> None:
    assert (await raw("POST", "/ag-ui", body)).refusal == (status, code)


# --- the real client -------------------------------------------------------------------------------------------------

Talk = Callable[..., Awaitable[dict[str, Any]]]
Talking = Callable[[], AbstractAsyncContextManager[Talk]]


@pytest.fixture(scope="session")
def ag_ui_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where `@ag-ui/client` is installed."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    folder = tmp_path_factory.mktemp("ag-ui")
    shutil.copytree(Path(__file__).parent / "ag_ui_client", folder, dirs_exist_ok=True)
    asked = [npm, "ci", "--no-audit", "--no-fund"]
    installed = subprocess.run(asked, cwd=folder, capture_output=True, text=True, timeout=180, check=False)
    if installed.returncode != 0:
        pytest.skip(f"npm could not install @ag-ui/client: {installed.stderr.strip()[-300:]}")
    return folder


@pytest.fixture
def talking(
    ag_ui_client: Path,
    chats: Any,
    http_server_client: Any,
    jp_serverapp: ServerApp,
    jp_base_url: str,
    new_id: Callable[[], str],
) -> Talking:
    """`async with talking() as talk`, `await talk("say", content=…)`: what came of a step of the real client."""
    url = f"http://127.0.0.1:{jp_serverapp.port}{jp_base_url}chat-sessions/ag-ui"

    @asynccontextmanager
    async def begin() -> AsyncIterator[Talk]:
        process = await asyncio.create_subprocess_exec(
            "node", "talk.mjs", url, jp_serverapp.identity_provider.token, new_id(),
            cwd=ag_ui_client, stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1 << 24,
        )  # fmt: skip
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        async def step(name: str, **more: Any) -> dict[str, Any]:
            stdin.write(json.dumps({"step": name, **more}).encode() + b"\n")
            told: dict[str, Any] = json.loads(await asyncio.wait_for(stdout.readline(), 30))
            assert "error" not in told, told
            return told

        try:
            yield step
        finally:
            stdin.close()
            await asyncio.wait_for(process.wait(), 30)

    return begin


@pytest.mark.slow
@pytest.mark.parametrize("chat_config", [PLAYED])
async def test_the_real_client_talks_calls_tools_and_has_its_own_called(
    talking: Talking, agent: Played, jp_root_dir: Path
) -> None:
    async with talking() as talk:
        assert (await talk("say", content="hello"))["newMessages"][-1]["content"] == "You said hello"
        agent.play = calls("run_python", then="It is 42.", code="print(6 * 7)")
        ran = await talk("say", content="reckon")
        assert [each["role"] for each in ran["newMessages"]] == ["reasoning", "assistant", "tool", "assistant"]
        assert "42" in ran["newMessages"][2]["content"]
        agent.play = calls("weather", then="Take a coat.", town="Oslo")
        called = await talk("say", content="and outside?", tools=[WEATHER])
        (call,) = called["messages"][-1]["toolCalls"]
        assert json.loads(call["function"]["arguments"]) == {"town": "Oslo"}
        given = await talk("give", toolCallId=call["id"], content="snow", tools=[WEATHER])
        assert given["messages"][-1]["content"] == "Take a coat."
        (thread_id,) = threads(jp_root_dir)
        assert questions(jp_root_dir, thread_id) == ["hello", "reckon", "and outside?"]


@pytest.mark.slow
@pytest.mark.parametrize("chat_config", [ASKING])
async def test_the_real_client_is_interrupted_and_resumes(talking: Talking, agent: Played) -> None:
    async with talking() as talk:
        agent.play = calls("list_files", then="Seen.")
        asked = await talk("say", content="look")
        assert [each["metadata"]["tool"] for each in asked["interrupts"]] == ["list_files"]
        answered = await talk("answer", payload={"approve": True})
        assert answered["interrupts"] == []
        assert [each["role"] for each in answered["messages"]] == [
            "user",
            "reasoning",
            "assistant",
            "tool",
            "assistant",
        ]


@pytest.mark.slow
@pytest.mark.parametrize("chat_config", [PLAYED])
async def test_the_real_client_may_leave_and_what_it_says_next_follows_the_whole_answer(
    talking: Talking, agent: Played, live: Connect, jp_root_dir: Path
) -> None:
    async with talking() as talk:
        agent.play = held = Held("first ", "second")
        held.let()
        await talk("leave", content="go")
        assert agent.in_flight == 1
        held.let(2)
        await until(lambda: agent.in_flight == 0)
        agent.play = type(agent)().play
        assert (await talk("say", content="thanks"))["newMessages"][-1]["content"] == "You said thanks"
        assert [each["content"] for each in agent.requests[-1].messages] == ["go", "first second", "thanks"]


@pytest.mark.parametrize("chat_config", [PLAYED])
async def test_a_run_id_that_was_given_before_takes_no_other_message_and_loses_none(
    rest: Rest, post: Post, new_id: Callable[[], str], jp_root_dir: Path
) -> None:
    thread_id, run_id, other = new_id(), new_id(), new_id()
    first, second, third = user("one"), user("two"), user("three")
    for _ in range(2):  # the same again is told again
        told = await post(thread_id, first, runId=run_id)
        assert "".join(event.get("delta", "") for event in told) == "You said one"
    for wrong in (second, {**first, "content": "another"}):
        refused = await rest("POST", "/ag-ui", asking(thread_id, wrong, runId=run_id))
        assert refused.refusal == (409, "idempotency_mismatch")
    at_once = [rest("POST", "/ag-ui", asking(thread_id, each, runId=other)) for each in (second, third)]
    answers = await asyncio.gather(*at_once)
    assert sorted(answer.status for answer in answers) == [200, 409]
    assert len(questions(jp_root_dir, thread_id)) == 2


@pytest.mark.parametrize("chat_config", [PLAYED])
async def test_a_visitor_whose_share_is_taken_back_is_sent_home_also_while_nothing_is_said(
    rest: Rest, raw: Raw, agent: Played, new_id: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_chat_sessions.server.ag_ui.doors.HEARTBEAT_S", 0.05)
    thread_id = new_id()
    agent.play = held = Held("one")
    await rest("POST", "/threads", {"thread_id": thread_id})
    share = (await rest("POST", f"/threads/{thread_id}/shares", {"rights": "send"})).json
    shown = {"Authorization": f"Bearer {share['token']}"}
    body = json.dumps(asking(thread_id, user("go"))).encode()
    listening = asyncio.ensure_future(raw("POST", f"/ag-ui/{thread_id}", body, headers=shown, is_known=False))
    await asyncio.wait_for(held.has_begun.wait(), 20)
    await rest("DELETE", f"/threads/{thread_id}/shares/{share['share_id']}")
    last = events_in(await asyncio.wait_for(listening, 20))[-1]
    assert (last["type"], last["code"]) == ("RUN_ERROR", "share_revoked")
    held.let(2)
