"""Responses and conversations, with the `openai` package as its users have it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from openai_kit import WEATHER, Client, questions, threads
from played import Held, Played, calls
from served import Raw, Rest, until

from jupyter_chat_sessions.core.errors import AgentFailed

TOOL: Any = {"type": "function", "strict": False, **WEATHER}
ALLOWED = {"ChatSessions": {"tool_permissions": {"*": "allow"}}}
ASKING = {"ChatSessions": {"tool_permissions": {"*": "ask"}}}


async def events(stream: Any) -> list[Any]:
    return [event async for event in stream]


async def test_events_come_in_order_with_rising_numbers_and_the_last_has_all(client: Client, raw: Raw) -> None:
    told = await events(await client().responses.create(model="played", input="hello", stream=True))
    assert [event.type.removeprefix("response.") for event in told] == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    numbers = [event.sequence_number for event in told]  # a piece of text counts as many as it has letters
    assert numbers == [0, 1, 2, 3, 12, 17, 18, 19, 20, 21]
    assert (told[-1].response.output_text, told[-1].response.usage.total_tokens) == ("You said hello", 7)
    answer = await raw("POST", "/v1/responses", b'{"input": "x", "model": "played", "stream": true}')
    assert answer.body.endswith(b"data: [DONE]\n\n")


async def test_the_sdks_stream_helper_puts_a_response_together(client: Client) -> None:
    async with client().responses.stream(model="played", input="hello") as stream:
        assert (await stream.get_final_response()).output_text == "You said hello"


async def test_a_response_is_found_again_goes_on_branches_and_is_deleted(
    client: Client, agent: Played, jp_root_dir: Path, chats: Callable[[], Any], desk: Callable[[], Any]
) -> None:
    first = await client().responses.create(model="played", input="one", instructions="Be brief.")
    assert (await client().responses.retrieve(first.id)).output_text == "You said one"
    second = await client().responses.create(model="played", input="two", previous_response_id=first.id)
    beside = await client().responses.create(model="played", input="three", previous_response_id=first.id)
    told = [[each["content"] for each in request.messages] for request in agent.requests]
    assert told[1:] == [["one", "You said one", "two"], ["one", "You said one", "three"]]
    assert second.previous_response_id == beside.previous_response_id == first.id
    assert len(threads(jp_root_dir)) == 1
    await chats().sessions.drop(next(iter(chats().sessions)).thread_id)
    desk().records._kept.clear()  # as after a restart
    again = await client().responses.retrieve(first.id)
    assert (again.output_text, again.status, again.instructions) == ("You said one", "completed", "Be brief.")
    with pytest.raises(openai.ConflictError):
        await client().responses.delete(first.id)
    alone = await client().responses.create(model="played", input="alone")
    await client().responses.delete(alone.id)
    for gone in (alone.id, "resp_x", "resp_" + "0" * 64, first.id[:-1] + ("1" if first.id.endswith("0") else "0")):
        with pytest.raises(openai.NotFoundError):
            await client().responses.retrieve(gone)
        with pytest.raises(openai.BadRequestError) as refused:
            await client().responses.create(model="played", input="x", previous_response_id=gone)
        assert refused.value.code == "previous_response_not_found"


async def test_a_response_in_the_background_goes_on_alone_and_its_stream_is_taken_up_where_it_was_left(
    client: Client, agent: Played, desk: Callable[[], Any]
) -> None:
    agent.play = held = Held("one", "two", "three")
    begun = await client().responses.create(model="played", input="go", background=True)
    assert begun.status == "in_progress"
    held.let()
    first = await client().responses.retrieve(begun.id, stream=True)
    seen = []
    async for event in first:
        seen.append(event)
        if event.type == "response.output_text.delta":
            break
    await first.close()
    assert (await client().responses.retrieve(begun.id)).status == "in_progress"
    held.let(3)
    rest = await events(
        await client().responses.retrieve(begun.id, stream=True, starting_after=seen[-1].sequence_number)
    )
    numbers = [event.sequence_number for event in [*seen, *rest]]
    assert numbers == sorted(set(numbers))
    deltas = [event.delta for event in [*seen, *rest] if event.type == "response.output_text.delta"]
    assert "".join(deltas) == rest[-1].response.output_text == "onetwothree"
    desk().records._kept.clear()  # past its five minutes: only its final form
    late = await events(await client().responses.retrieve(begun.id, stream=True, starting_after=1000))
    assert [(event.type, event.sequence_number) for event in late] == [("response.completed", 1001)]


async def test_a_response_is_cancelled_with_the_words_it_had(client: Client, agent: Played) -> None:
    agent.play = held = Held("one", "two")
    begun = await client().responses.create(model="played", input="go", background=True)
    held.let()
    await until(lambda: held.allowed.locked())
    ended = await client().responses.cancel(begun.id)
    assert (ended.status, ended.output_text) == ("cancelled", "one")
    assert (await client().responses.cancel(begun.id)).status == "cancelled"
    assert agent.in_flight == 0


@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_the_servers_tools_are_mcp_calls(client: Client, agent: Played, desk: Callable[[], Any]) -> None:
    agent.play = calls("list_files")
    told = await events(await client().responses.create(model="played", input="go", stream=True))
    kinds = [event.type for event in told]
    assert kinds.index("response.mcp_call.in_progress") < kinds.index("response.mcp_call.completed")
    output = told[-1].response.output
    assert [item.type for item in output] == ["reasoning", "message", "mcp_call", "message"]
    assert (output[2].name, output[2].server_label, output[2].status) == ("list_files", "sandbox", "completed")
    assert output[2].output
    assert output[0].content[0].text == "Let me see."
    desk().records._kept.clear()
    assert (await client().responses.retrieve(told[-1].response.id)).output == output


async def test_a_clients_function_call_is_answered_by_its_output(
    client: Client, agent: Played, jp_root_dir: Path
) -> None:
    agent.play = calls("weather", then="It rains.", town="Oslo")
    first = await client().responses.create(model="played", input="go", tools=[TOOL])
    call = first.output[-1]
    assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "weather", {"town": "Oslo"})
    result: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": "rain"}]
    for _ in range(2):  # sent again it is the same
        second = await client().responses.create(
            model="played", input=result, tools=[TOOL], previous_response_id=first.id
        )
        assert second.output_text == "It rains."
    assert len(agent.requests) == 2
    assert questions(jp_root_dir, threads(jp_root_dir)[0]) == ["go"]
    other: Any = [{**result[0], "output": "snow"}]
    with pytest.raises(openai.ConflictError) as refused:
        await client().responses.create(model="played", input=other, previous_response_id=first.id)
    assert refused.value.code == "not_waiting"


@pytest.mark.parametrize("chat_config", [ASKING])
@pytest.mark.parametrize("approve", [True, False])
async def test_an_approval_is_asked_for_and_given_in_openais_shape(
    client: Client, agent: Played, approve: bool
) -> None:
    agent.play = calls("list_files")
    first = await client().responses.create(model="played", input="go")
    request = first.output[-1]
    assert (request.type, request.name) == ("mcp_approval_request", "list_files")
    with pytest.raises(openai.ConflictError):
        await client().responses.create(model="played", input="and?", previous_response_id=first.id)
    answer: Any = {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": approve}
    second = await client().responses.create(model="played", input=[answer], previous_response_id=first.id)
    assert second.output_text == "done"
    assert (second.output[0].type, second.output[0].status) == ("mcp_call", "completed" if approve else "failed")


async def test_a_failed_response_says_why_by_its_status_and_as_its_last_event(client: Client, agent: Played) -> None:
    async def fails(request: Any) -> Any:
        raise AgentFailed("rate_limit", "Too much.")
        yield

    agent.play = fails
    with pytest.raises(openai.RateLimitError) as refused:
        await client().responses.create(model="played", input="go")
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert len(agent.requests) == 1
    *_, last = await events(await client().responses.create(model="played", input="go", stream=True))
    assert (last.type, last.response.status, last.response.error.message) == (
        "response.failed", "failed", "Too much.",
    )  # fmt: skip


async def test_a_conversation_is_a_thread_with_items(client: Client, rest: Rest) -> None:
    talk = await client().conversations.create()
    for words in ("one", "two"):
        await client().responses.create(model="played", input=words, conversation=talk.id)
    items = [item async for item in client().conversations.items.list(talk.id, order="asc", limit=3)]
    assert [item.content[0].text for item in items] == ["one", "You said one", "two", "You said two"]
    (row,) = (await rest("GET", "/threads")).json["threads"]
    assert row["thread_id"].replace("-", "") == talk.id.removeprefix("conv_")
    assert (await client().conversations.retrieve(talk.id)).id == talk.id
    await client().conversations.delete(talk.id)
    with pytest.raises(openai.NotFoundError) as refused:
        await client().responses.create(model="played", input="x", conversation=talk.id)
    assert refused.value.code == "conversation_not_found"
    with pytest.raises(openai.BadRequestError, match="not both"):
        await client().responses.create(model="played", input="x", conversation="conv_x", previous_response_id="resp_x")


async def test_a_second_request_while_the_first_is_answered_waits_and_knows_it(client: Client, agent: Played) -> None:
    agent.play = held = Held("one")
    ours = client(default_headers={"X-Session-Key": "k"})
    first = asyncio.ensure_future(ours.responses.create(model="played", input="first"))
    await held.has_begun.wait()
    second = await ours.responses.create(model="played", input="second", background=True)
    assert second.status == "queued"
    assert (await ours.responses.retrieve(second.id)).status == "queued"
    held.let(4)
    assert (await first).output_text == "one"
    ended = await events(await ours.responses.retrieve(second.id, stream=True))
    assert ended[-1].response.previous_response_id == (await first).id
    assert [each["content"] for each in agent.requests[1].messages] == ["first", "one", "second"]
