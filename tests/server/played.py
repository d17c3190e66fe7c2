"""An agent that plays what a test wrote: pieces now, pieces when an event is set, a tool call, an exception."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from jupyter_chat_sessions.core.roles import (
    AgentEvent,
    Author,
    Done,
    ReasoningDelta,
    Request,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from jupyter_chat_sessions.core.transcript import text_of

Play = Callable[[Request], AsyncGenerator[AgentEvent, None]]


def asked(request: Request) -> str:
    """The newest words of a person in a request."""
    return next(text_of(each) for each in reversed(request.messages) if each["role"] == "user")


async def echo(request: Request) -> AsyncGenerator[AgentEvent, None]:
    yield TextDelta("You said ")
    yield TextDelta(asked(request))
    yield Usage(3, 4)
    yield Done()


class Played:
    """The agent `played` of every test server. `play` is what it does next; `requests` what it was asked."""

    id = "played"
    label = "Played"
    author: Author = "model"

    def __init__(self) -> None:
        self.play: Play = echo
        self.requests: list[Request] = []
        self.in_flight = 0

    async def answer(self, request: Request) -> AsyncGenerator[AgentEvent, None]:
        self.requests.append(request)
        self.in_flight += 1
        try:
            async with aclosing(self.play(request)) as events:
                async for event in events:
                    yield event
        finally:
            self.in_flight -= 1


class Held:
    """Says its pieces one at a time, each when the test lets it."""

    def __init__(self, *pieces: str) -> None:
        self.pieces = pieces
        self.allowed = asyncio.Semaphore(0)
        self.has_begun = asyncio.Event()

    def let(self, count: int = 1) -> None:
        for _ in range(count):
            self.allowed.release()

    async def __call__(self, request: Request) -> AsyncGenerator[AgentEvent, None]:
        self.has_begun.set()
        for piece in self.pieces:
            await self.allowed.acquire()
            yield TextDelta(piece)
        await self.allowed.acquire()


def calls(tool: str, then: str = "done", **arguments: Any) -> Play:
    """Calls one tool, with some thinking before and words after."""

    async def play(request: Request) -> AsyncGenerator[AgentEvent, None]:
        if request.messages[-1]["role"] == "user":
            yield ReasoningDelta("Let me ")
            yield ReasoningDelta("see.")
            yield TextDelta("I look.")
            text = json.dumps(arguments)
            yield ToolCallDelta(0, f"call_{request.run_id[:8]}", tool, text[:5])
            yield ToolCallDelta(0, arguments=text[5:])
            yield Done("tool_calls")
        else:
            yield TextDelta(then)

    return play
