"""Sessions to try things on: scripted answers, viewers that are lists, real or remembered transcripts."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from jupyter_chat_sessions.core.errors import ChatError
from jupyter_chat_sessions.core.events import Mode, Sent
from jupyter_chat_sessions.core.frames import Frame
from jupyter_chat_sessions.core.ids import MessageId, ThreadId, new_run_id, new_thread_id
from jupyter_chat_sessions.core.policy import Policy
from jupyter_chat_sessions.core.roles import (
    Agent,
    AgentEvent,
    Author,
    Journal,
    Level,
    Request,
    ToolCall,
    ToolContext,
    ToolEvent,
    ToolResult,
    ToolSpec,
)
from jupyter_chat_sessions.engine.house import Home, House
from jupyter_chat_sessions.engine.runner import Runner
from jupyter_chat_sessions.engine.session import Session
from jupyter_chat_sessions.engine.stage import Ending, Perform, Stage
from jupyter_chat_sessions.files.journal import FileJournal
from jupyter_chat_sessions.files.memory import MemoryJournal


class Seen:
    """A viewer that keeps what it is told."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.dismissed: ChatError | None = None

    def tell(self, frame: Frame) -> None:
        self.frames.append(dict(frame.body))

    def dismiss(self, why: ChatError) -> None:
        self.dismissed = why

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [frame["event"] for frame in self.frames if frame.get("event", {}).get("type") == kind]

    def lines(self) -> list[dict[str, Any]]:
        return [event["value"] for event in self.events("CUSTOM") if event["name"] == "line"]

    def text(self) -> str:
        return "".join(event["delta"] for event in self.events("TEXT_MESSAGE_CONTENT"))


def text_of_hello(hello: Frame) -> str:
    run = hello.body["run"]
    return str(run["text"]) if run else ""


async def says(stage: Stage, *words: str, message_id: str = "msg_a") -> None:
    """Says words as an agent would, each in a tick of its own, and completes the message."""
    stage.say({"type": "TEXT_MESSAGE_START", "messageId": message_id, "role": "assistant"})
    for word in words:
        stage.say({"type": "TEXT_MESSAGE_CONTENT", "messageId": message_id, "delta": word})
        await asyncio.sleep(0)
    await stage.contribute({"id": message_id, "role": "assistant", "content": "".join(words)})


async def echoes(stage: Stage) -> Ending:
    """Answers with the question."""
    path = await stage.path()
    await says(stage, str(path[-1]["content"]))
    return Ending("success")


class Held:
    """An answer that says its words and then waits until it is let go."""

    def __init__(self, *words: str) -> None:
        self._words = words
        self.began = asyncio.Event()
        self.let_go = asyncio.Event()
        self.was_cancelled = False

    async def __call__(self, stage: Stage) -> Ending:
        stage.say({"type": "TEXT_MESSAGE_START", "messageId": "msg_a", "role": "assistant"})
        for word in self._words:
            stage.say({"type": "TEXT_MESSAGE_CONTENT", "messageId": "msg_a", "delta": word})
        await asyncio.sleep(0)
        self.began.set()
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        await stage.contribute({"id": "msg_a", "role": "assistant", "content": "".join(self._words)})
        return Ending("success")


class Refusing:
    """A journal whose disk refuses when told to; all else is the journal's own."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.refusal: ChatError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def transact(self, decide: Any) -> None:
        if self.refusal is not None:
            decide(())
            raise self.refusal
        self._journal.transact(decide)


_clock = itertools.count()


def steady_clock() -> str:
    return f"2026-11-21T10:00:00.{next(_clock) % 1000:03d}Z"


def house(perform: Perform, now: Callable[[], str] = steady_clock) -> House:
    return House(disk=asyncio.to_thread, now=now, perform=perform, about=lambda _: {"agent": {}, "level": "unconfined"})


@asynccontextmanager
async def opened(
    perform: Perform,
    journal: Journal | None = None,
    folder: Path | None = None,
    thread_id: ThreadId | None = None,
    mark: str | None = None,
    now: Callable[[], str] = steady_clock,
) -> AsyncIterator[Session]:
    """A session over this journal, over a folder on disk, or over memory."""
    thread_id = thread_id or new_thread_id()
    if journal is None:
        journal = MemoryJournal(thread_id) if folder is None else FileJournal(folder / ".chats" / thread_id, thread_id)
    home = Home(folder="", files=Path("files"), file_url=lambda path: f"/files/{path}", mark=mark)
    session = Session(journal, house(perform, now), home)
    await session.open()
    try:
        yield session
    finally:
        await session.close()


_numbers = itertools.count(1)


def a_message(content: Any = "hello", mode: Mode = "queue", message_id: str | None = None) -> Sent:
    return Sent(MessageId(message_id or f"m{next(_numbers)}"), content, new_run_id(), mode)


async def until(claim: Callable[[], Any], timeout: float = 30.0) -> None:
    """Returns when the claim holds; fails when it does not within the time."""
    deadline = asyncio.get_running_loop().time() + timeout
    while not claim():
        if asyncio.get_running_loop().time() > deadline:
            raise AssertionError("it did not come true in time")
        await asyncio.sleep(0.005)


class Scripted:
    """An agent that plays one list of events a step."""

    id = "scripted"
    label = "Scripted"

    def __init__(self, *steps: Sequence[AgentEvent | Exception], author: Author = "model") -> None:
        self._steps = list(steps)
        self.author: Author = author
        self.requests: list[Request] = []

    async def answer(self, request: Request) -> AsyncGenerator[AgentEvent, None]:
        self.requests.append(request)
        for event in self._steps[min(len(self.requests), len(self._steps)) - 1]:
            if isinstance(event, Exception):
                raise event
            yield event


class Counting:
    """Tools of one kind: they say which call they met."""

    level: Level = "unconfined"

    def __init__(self, acts: bool = False) -> None:
        self.calls: list[ToolCall] = []
        self._acts = acts

    def specs(self) -> Sequence[ToolSpec]:
        return [ToolSpec("count", "Counts", {"type": "object"}, acts=self._acts)]

    def names(self, thread_id: ThreadId) -> frozenset[str]:
        return frozenset({"x"})

    async def preview(self, call: ToolCall, context: ToolContext) -> Mapping[str, Any] | ToolResult:
        return {}

    async def call(self, call: ToolCall, context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        self.calls.append(call)
        yield ToolResult(f"call {len(self.calls)}")


def runner(
    agent: Agent, tools: Counting | None = None, most_rounds: int = 20, policy: Policy | None = None
) -> Callable[[Stage], Awaitable[Ending]]:
    return Runner(lambda *_: agent, tools or Counting(), policy or Policy(), most_rounds)
