"""Steps of an agent, asked without an engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any

from jupyter_chat_sessions.agents.openai_compatible import Limits, OpenAICompatible
from jupyter_chat_sessions.core.errors import AgentFailed
from jupyter_chat_sessions.core.ids import new_run_id, new_thread_id
from jupyter_chat_sessions.core.roles import AgentEvent, Request, RequestSent, TextDelta, ToolCallDelta, ToolSpec

QUICK = Limits(connect_s=30, first_s=30, between_s=30, after_end_s=30, retry_s=0.01, longest_retry_s=5)
"""Tries again at once, and waits as long as a busy machine may need."""
COUNT = ToolSpec("count", "Counts", {"type": "object", "properties": {"n": {"type": "integer"}}})


def asking(content: Any = "go", tools: Sequence[ToolSpec] = (COUNT,)) -> Request:
    messages = [{"id": "m1", "role": "user", "content": content}]
    return Request(new_thread_id(), new_run_id(), messages, tools)


async def step(agent: OpenAICompatible, request: Request | None = None) -> list[AgentEvent]:
    async with aclosing(agent.answer(request or asking())) as events:
        return [event async for event in events if not isinstance(event, RequestSent)]


async def failed(agent: OpenAICompatible) -> tuple[AgentFailed, list[AgentEvent]]:
    """How a step failed, and what was said before."""
    said = []
    try:
        async for event in agent.answer(asking()):
            if not isinstance(event, RequestSent):
                said.append(event)
    except AgentFailed as failure:
        return failure, said
    raise AssertionError(f"it did not fail, and said {said}")


def text(events: list[AgentEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def calls(events: list[AgentEvent]) -> list[tuple[str | None, str | None, str]]:
    """The calls put together as the engine does: id, name, arguments."""
    found: dict[int, tuple[str | None, str | None, str]] = {}
    for event in events:
        if isinstance(event, ToolCallDelta):
            call_id, name, arguments = found.get(event.index, (event.id, event.name, ""))
            found[event.index] = (call_id, name, arguments + event.arguments)
    return list(found.values())


async def until(claim: Callable[[], Any], timeout: float = 30.0) -> None:
    deadline = time.monotonic() + timeout
    while not claim():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.002)
