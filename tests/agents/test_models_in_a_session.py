"""A model in a session of the engine, through real HTTP: the loop over tools, Stop, failures, going on after them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from agent_kit import QUICK
from stage_kit import Counting, Seen, a_message, opened, runner, until
from upstream import KEY, Upstream

from jupyter_chat_sessions.agents.history import NO_RESULT
from jupyter_chat_sessions.agents.openai_compatible import Limits, OpenAICompatible
from jupyter_chat_sessions.core.ids import new_thread_id
from jupyter_chat_sessions.engine.session import Session

Make = Callable[..., OpenAICompatible]


async def run(session: Session, content: str = "go") -> tuple[Seen, str]:
    seen = Seen()
    session.watch(seen)
    return seen, await session.ended((await session.send(a_message(content))).run_id)


def messages(seen: Seen) -> list[dict[str, Any]]:
    return [line["message"] for line in seen.lines() if line["type"] == "message"]


def all_bytes_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def cut_after_first_result(folder: Path) -> None:
    """Leaves the transcript as a server leaves it that is killed at this moment."""
    transcript = next(folder.rglob("chat.jsonl"))
    lines = transcript.read_bytes().splitlines(keepends=True)
    first_result = next(place for place, line in enumerate(lines) if b'"role":"tool"' in line)
    transcript.write_bytes(b"".join(lines[: first_result + 1]))


async def test_what_a_tool_gave_reaches_the_model_and_its_words_the_viewer(agent: Make, upstream: Upstream) -> None:
    tools = Counting()
    async with opened(runner(agent("tool"), tools)) as session:
        seen, outcome = await run(session)
    assert (outcome, seen.text()) == ("success", "got call 1")
    assert [message["role"] for message in messages(seen)] == ["user", "assistant", "tool", "assistant"]
    assert tools.calls[0].arguments == {"n": 1}
    assert [message["role"] for message in upstream.asked[1].messages] == ["system", "user", "assistant", "tool"]


@pytest.mark.parametrize("model", ["tools2", "noindex", "zeroindex", "noids"])
async def test_calls_made_at_once_are_run_in_order_and_each_is_answered(
    agent: Make, upstream: Upstream, model: str
) -> None:
    tools = Counting()
    async with opened(runner(agent(model), tools)) as session:
        _, outcome = await run(session)
    assert outcome == "success"
    assert [call.arguments for call in tools.calls] == [{"n": 1}, {"n": 2}]
    assert [message["content"] for message in upstream.asked[1].messages[3:]] == ["call 1", "call 2"]


@pytest.mark.parametrize("model", ["toolbad", "toolunknown"])
async def test_a_call_that_makes_no_sense_is_told_so_in_a_request_the_provider_takes(
    agent: Make, upstream: Upstream, model: str
) -> None:
    async with opened(runner(agent(model))) as session:
        _, outcome = await run(session)
    assert (outcome, upstream.times(model)) == ("success", 2)
    assert upstream.asked[1].messages[-1]["role"] == "tool"


async def test_a_model_that_only_ever_calls_tools_is_stopped_and_the_chat_goes_on(
    agent: Make, upstream: Upstream
) -> None:
    async with opened(runner(agent("toolloop"), most_rounds=4)) as session:
        seen, outcome = await run(session)
        assert (outcome, upstream.times("toolloop")) == ("error", 4)
        assert seen.events("RUN_ERROR")[0]["code"] == "too_many_rounds"
        await run(session, "and now?")
    assert len(upstream.asked[-1].messages) > 10
    ids = [call["id"] for message in upstream.asked[-1].messages for call in message.get("tool_calls", ())]
    assert len(ids) == len(set(ids))


async def test_stop_ends_the_request_at_once_and_keeps_what_was_said(agent: Make, upstream: Upstream) -> None:
    async with opened(runner(agent("slow", Limits()))) as session:
        seen = Seen()
        session.watch(seen)
        receipt = await session.send(a_message("go"))
        await until(lambda: "2" in seen.text())
        stopped_at = time.monotonic()
        await session.cancel()
        assert await session.ended(receipt.run_id) == "cancelled"
        await until(lambda: upstream.asked[0].gone_at is not None)
    assert upstream.asked[0].gone_at is not None
    assert upstream.asked[0].gone_at - stopped_at < 5
    assert messages(seen)[-1]["content"].startswith("0 1 2")


@pytest.mark.parametrize(
    ("model", "code"), [("e401", "auth"), ("drop", "truncated"), ("midrerr", "server"), ("stall", "stalled")]
)
async def test_a_failure_ends_the_run_with_its_code_and_no_file_on_disk_has_the_key(
    agent: Make, tmp_path: Path, model: str, code: str
) -> None:
    (tmp_path / ".chats").mkdir()
    limits = replace(QUICK, between_s=0.2) if model == "stall" else QUICK
    async with opened(runner(agent(model, limits)), folder=tmp_path) as session:
        seen, outcome = await run(session)
        assert (outcome, seen.events("RUN_ERROR")[0]["code"]) == ("error", code)
    kept = all_bytes_in(tmp_path)
    assert code.encode() in kept
    assert KEY[:10].encode() not in kept


async def test_a_path_that_a_killed_server_left_is_taken_by_the_strictest_provider(
    agent: Make, upstream: Upstream, tmp_path: Path
) -> None:
    """A model called two tools; the server died after the first result."""

    class Dying(Counting):
        async def call(self, call: Any, context: Any) -> Any:
            if self.calls:
                await session_is_closing.wait()
            async for event in super().call(call, context):
                yield event

    session_is_closing = asyncio.Event()
    thread_id = new_thread_id()
    (tmp_path / ".chats").mkdir()
    async with opened(runner(agent("tools2"), Dying()), folder=tmp_path, thread_id=thread_id) as session:
        seen = Seen()
        session.watch(seen)
        await session.send(a_message("go"))
        await until(lambda: any(message["role"] == "tool" for message in messages(seen)))
    cut_after_first_result(tmp_path)

    async with opened(runner(agent("echo-1")), folder=tmp_path, thread_id=thread_id) as session:
        _, outcome = await run(session, "go on")
    assert outcome == "success"
    contents = [message["content"] for message in upstream.asked[-1].messages if message["role"] == "tool"]
    assert contents[0] == "call 1"
    assert contents[1] == NO_RESULT
    assert upstream.asked[-1].messages[-1]["content"] == "go on"


async def test_tokens_are_summed_and_thinking_is_kept_with_its_message(agent: Make) -> None:
    async with opened(runner(agent("usage"))) as session:
        seen, _ = await run(session)
    fill = {"context_tokens": 18, "context_limit": 128_000}
    assert seen.events("RUN_FINISHED")[0]["usage"] == {"input_tokens": 11, "output_tokens": 7, **fill}
    async with opened(runner(agent("reason"))) as session:
        seen, _ = await run(session)
    assert messages(seen)[-1]["metadata"]["jupyter"]["reasoning"] == "Let me think."
