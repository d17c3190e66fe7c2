"""The loop over an agent and its tools."""

from __future__ import annotations

from typing import Any

import pytest
from stage_kit import Counting, Scripted, Seen, a_message, opened, runner

from jupyter_chat_sessions.core.errors import AgentFailed
from jupyter_chat_sessions.core.roles import AgentEvent, Done, ReasoningDelta, TextDelta, ToolCallDelta, Usage

ASKS: list[AgentEvent | Exception] = [ToolCallDelta(0, "call_0", "count", "{}"), Done("tool_calls")]
ENDS: list[AgentEvent | Exception] = [TextDelta("done"), Done()]


async def played(agent: Scripted, tools: Counting | None = None, **more: Any) -> tuple[Seen, str]:
    async with opened(runner(agent, tools, **more)) as session:
        seen = Seen()
        session.watch(seen)
        return seen, await session.ended((await session.send(a_message("go"))).run_id)


def messages(seen: Seen) -> list[dict[str, Any]]:
    return [line["message"] for line in seen.lines() if line["type"] == "message"]


async def test_what_a_tool_gave_is_told_to_the_agent_in_the_next_step() -> None:
    agent, tools = Scripted(ASKS, ENDS), Counting()
    seen, outcome = await played(agent, tools)
    assert outcome == "success"
    assert [message["role"] for message in messages(seen)] == ["user", "assistant", "tool", "assistant"]
    assert agent.requests[1].messages[-1]["content"] == "call 1"
    assert agent.requests[0].names == {"x"}
    assert [event["type"] for event in (frame["event"] for frame in seen.frames if "n" in frame)][:3] == [
        "RUN_STARTED",
        "TOOL_CALL_START",
        "TOOL_CALL_ARGS",
    ]


async def test_arguments_that_are_no_json_object_go_back_to_the_agent_and_no_tool_runs() -> None:
    for arguments in ('{"a":', "[1]", "[" * 100_000):
        tools = Counting()
        agent = Scripted([ToolCallDelta(0, "c", "count", arguments)], ENDS)
        _, outcome = await played(agent, tools)
        assert (outcome, tools.calls) == ("success", [])
        assert "arguments" in agent.requests[1].messages[-1]["content"]


async def test_a_call_id_that_a_provider_repeats_is_made_unique() -> None:
    agent = Scripted(ASKS, ASKS, ENDS)
    seen, _ = await played(agent)
    ids = [call["id"] for message in messages(seen) for call in message.get("toolCalls", ())]
    assert len(ids) == len(set(ids)) == 2
    assert [message["toolCallId"] for message in messages(seen) if message["role"] == "tool"] == ids


async def test_a_model_that_goes_round_in_circles_is_stopped_and_a_person_is_not() -> None:
    seen, outcome = await played(Scripted(ASKS), most_rounds=3)
    assert outcome == "error"
    assert seen.events("RUN_ERROR")[0]["code"] == "too_many_rounds"
    _, outcome = await played(Scripted(*[ASKS] * 5, ENDS, author="person"), most_rounds=3)
    assert outcome == "success"


async def test_calls_of_one_step_run_in_order() -> None:
    both = [
        ToolCallDelta(0, "a", "count", '{"n": 1}'),
        ToolCallDelta(1, "b", "count", '{"n":'),
        ToolCallDelta(1, arguments="2}"),
    ]
    tools = Counting()
    await played(Scripted(both, ENDS), tools)
    assert [call.arguments["n"] for call in tools.calls] == [1, 2]


async def test_what_an_agent_said_before_it_failed_is_kept_and_the_error_has_its_code() -> None:
    seen, outcome = await played(Scripted([TextDelta("half "), AgentFailed("rate_limit", "Too many requests.")]))
    assert outcome == "error"
    assert messages(seen)[-1]["content"] == "half "
    assert seen.events("RUN_ERROR")[0] == {"type": "RUN_ERROR", "code": "rate_limit", "message": "Too many requests."}


async def test_tokens_are_summed_over_the_steps_and_thinking_is_kept_apart() -> None:
    first: list[AgentEvent | Exception] = [ReasoningDelta("hm"), ASKS[0], Usage(10, 2)]
    seen, _ = await played(Scripted(first, [TextDelta("ok"), Usage(20, 3)]))
    assert seen.events("RUN_FINISHED")[0]["usage"] == {"input_tokens": 30, "output_tokens": 5, "context_tokens": 23}
    assert messages(seen)[1]["metadata"]["jupyter"]["reasoning"] == "hm"


@pytest.mark.parametrize(("first_cost", "told"), [(0.25, {"cost": 0.75}), (None, {})])
async def test_how_full_the_memory_is_comes_from_the_last_step_and_a_cost_only_where_every_step_has_one(
    first_cost: float | None, told: dict[str, float]
) -> None:
    asking: list[AgentEvent | Exception] = [ASKS[0], Usage(10, 2, first_cost, 64)]
    seen, _ = await played(Scripted(asking, [TextDelta("ok"), Usage(20, 3, 0.5, 50)]))
    told = {"input_tokens": 30, "output_tokens": 5, "context_tokens": 23, "context_limit": 50, **told}
    assert seen.events("RUN_FINISHED")[0]["usage"] == told


@pytest.mark.parametrize(("author", "is_marked"), [("person", True), ("model", False)])
async def test_what_only_runs_what_was_typed_is_marked_as_no_model(author: Any, is_marked: bool) -> None:
    seen, _ = await played(Scripted(ENDS, author=author))
    assert ("author" in messages(seen)[-1]["metadata"]["jupyter"]) == is_marked
