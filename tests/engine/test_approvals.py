"""What a model wrote asks a person before it acts, where nothing confines it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from stage_kit import Counting, Scripted, Seen, a_message, opened, runner

from jupyter_chat_sessions.core.errors import Malformed, NotWaiting
from jupyter_chat_sessions.core.ids import RunId, ThreadId, new_run_id, new_thread_id
from jupyter_chat_sessions.core.policy import Policy
from jupyter_chat_sessions.core.roles import AgentEvent, TextDelta, ToolCallDelta
from jupyter_chat_sessions.engine.session import Session

ASKS: list[AgentEvent | Exception] = [ToolCallDelta(0, "call_0", "count", '{"n": 1}')]
BOTH: list[AgentEvent | Exception] = [
    ToolCallDelta(0, "call_a", "count", '{"n": 1}'),
    ToolCallDelta(1, "call_b", "count", '{"n": 2}'),
]
ENDS: list[AgentEvent | Exception] = [TextDelta("done")]


@asynccontextmanager
async def watched(
    agent: Scripted, tools: Counting, folder: Path | None = None, thread_id: ThreadId | None = None
) -> AsyncIterator[tuple[Session, Seen]]:
    async with opened(runner(agent, tools), folder=folder, thread_id=thread_id) as session:
        seen = Seen()
        session.watch(seen)
        yield session, seen


def approvals(session: Session) -> list[dict[str, Any]]:
    asked: list[dict[str, Any]] = session.watch(Seen()).body["approvals"]
    return asked


def yes(interrupt: Any, **more: Any) -> dict[str, Any]:
    return {"interruptId": interrupt["id"], "status": "resolved", "payload": {"approve": True, **more}}


def no(interrupt: Any, note: str = "") -> dict[str, Any]:
    return {"interruptId": interrupt["id"], "status": "resolved", "payload": {"approve": False, "note": note}}


async def decide(session: Session, *answers: dict[str, Any], run_id: RunId | None = None) -> str:
    receipt = await session.answer(answers, run_id or new_run_id(), None, "owner")
    return await session.ended(receipt.run_id)


async def test_a_call_that_needs_a_word_waits_for_it_and_goes_on_when_it_is_given() -> None:
    agent, tools = Scripted(ASKS, ENDS), Counting(acts=True)
    async with watched(agent, tools) as (session, seen):
        assert await session.ended((await session.send(a_message("go"))).run_id) == "waiting"
        assert tools.calls == []
        (asked,) = approvals(session)
        (interrupt,) = asked["interrupts"]
        assert (interrupt["tool"], interrupt["arguments"], interrupt["level"]) == ("count", {"n": 1}, "unconfined")
        assert seen.events("RUN_FINISHED")[0]["outcome"] == {"type": "interrupt", "interrupts": [interrupt]}
        assert await decide(session, yes(interrupt)) == "success"
        assert [call.arguments for call in tools.calls] == [{"n": 1}]
        assert [message["role"] for message in agent.requests[1].messages] == ["user", "assistant", "tool"]
        assert approvals(session) == []


async def test_a_call_that_is_declined_has_not_run_and_the_model_is_told_why() -> None:
    agent, tools = Scripted(ASKS, ENDS), Counting(acts=True)
    async with watched(agent, tools) as (session, _):
        await session.ended((await session.send(a_message())).run_id)
        assert await decide(session, no(approvals(session)[0]["interrupts"][0], "too slow")) == "success"
        assert tools.calls == []
        assert "too slow" in agent.requests[1].messages[-1]["content"]


async def test_edited_arguments_are_what_runs_and_are_recorded_as_edited() -> None:
    agent, tools = Scripted(ASKS, ENDS), Counting(acts=True)
    async with watched(agent, tools) as (session, seen):
        await session.ended((await session.send(a_message())).run_id)
        await decide(session, yes(approvals(session)[0]["interrupts"][0], arguments={"n": 9}))
        assert [call.arguments for call in tools.calls] == [{"n": 9}]
        results = [line["message"] for line in seen.lines() if line.get("message", {}).get("role") == "tool"]
        assert results[0]["metadata"]["jupyter"]["edited_arguments"] == {"n": 9}


async def test_a_tool_approved_for_the_thread_asks_no_more() -> None:
    agent, tools = Scripted(ASKS, ENDS, ASKS, ENDS), Counting(acts=True)
    async with watched(agent, tools) as (session, _):
        await session.ended((await session.send(a_message())).run_id)
        await decide(session, yes(approvals(session)[0]["interrupts"][0], always=True))
        assert await session.ended((await session.send(a_message())).run_id) == "success"
        assert len(tools.calls) == 2


async def test_two_calls_of_one_step_are_asked_together_and_answered_together() -> None:
    agent, tools = Scripted(BOTH, ENDS), Counting(acts=True)
    async with watched(agent, tools) as (session, _):
        await session.ended((await session.send(a_message())).run_id)
        first, second = approvals(session)[0]["interrupts"]
        with pytest.raises(Malformed):
            await decide(session, yes(first))
        assert await decide(session, no(first), yes(second)) == "success"
        assert [call.id for call in tools.calls] == ["call_b"]


async def test_the_first_answer_counts_and_the_same_answer_again_is_the_same() -> None:
    agent, tools = Scripted(ASKS, ENDS), Counting(acts=True)
    async with watched(agent, tools) as (session, _):
        await session.ended((await session.send(a_message())).run_id)
        (interrupt,) = approvals(session)[0]["interrupts"]
        run_id = new_run_id()
        both = await asyncio.gather(
            decide(session, yes(interrupt), run_id=run_id), decide(session, no(interrupt)), return_exceptions=True
        )
        assert both[0] == "success"
        assert isinstance(both[1], NotWaiting)
        assert await decide(session, yes(interrupt), run_id=run_id) == "success"
        assert len(tools.calls) == 1


async def test_where_nobody_is_there_the_call_has_not_run_and_the_model_is_told() -> None:
    agent, tools = Scripted(ASKS, ENDS), Counting(acts=True)
    async with opened(runner(agent, tools)) as session:
        assert await session.ended((await session.send(a_message())).run_id) == "success"
    assert tools.calls == []
    assert "nobody is there" in agent.requests[1].messages[-1]["content"]


async def test_an_administrator_may_allow() -> None:
    agent, tools = Scripted(ASKS, ENDS), Counting(acts=True)
    async with opened(runner(agent, tools, policy=Policy({"count": "allow"}))) as session:
        await session.ended((await session.send(a_message())).run_id)
    assert len(tools.calls) == 1


async def test_what_is_sent_meanwhile_waits_and_stop_declines() -> None:
    agent, tools = Scripted(ASKS, ENDS), Counting(acts=True)
    async with watched(agent, tools) as (session, _):
        await session.ended((await session.send(a_message("one"))).run_id)
        second = await session.send(a_message("two"))
        assert second.is_queued
        (interrupt,) = approvals(session)[0]["interrupts"]
        assert await session.cancel() == (second.run_id,)
        assert approvals(session) == []
        with pytest.raises(NotWaiting):
            await decide(session, yes(interrupt))
        assert tools.calls == []
        assert await session.ended((await session.send(a_message("three"))).run_id) == "success"


async def test_a_question_is_asked_again_after_a_restart_and_answered_there(tmp_path: Path) -> None:
    thread_id = new_thread_id()
    tools = Counting(acts=True)
    async with watched(Scripted(ASKS), tools, tmp_path, thread_id) as (session, _):
        await session.ended((await session.send(a_message("go"))).run_id)
        before = approvals(session)
    async with watched(Scripted(ENDS), tools, tmp_path, thread_id) as (session, _):
        assert approvals(session) == before
        assert await decide(session, yes(before[0]["interrupts"][0])) == "success"
    assert len(tools.calls) == 1
