"""Calls of a real sandbox, for its tests to look at."""

from __future__ import annotations

import asyncio
import subprocess
import time
import uuid
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_chat_sessions.core.ids import ThreadId, new_run_id
from jupyter_chat_sessions.core.roles import ToolContext, ToolEvent, ToolOutput, ToolResult, ToolStatus
from jupyter_chat_sessions.sandbox import SandboxPolicy, SandboxRunner


@dataclass
class Told:
    """What a call told, in order."""

    events: list[ToolEvent]

    @property
    def result(self) -> ToolResult:
        results = [event for event in self.events if isinstance(event, ToolResult)]
        assert results == self.events[-1:], "the last event is the only result"
        return results[0]

    @property
    def outputs(self) -> list[dict[str, Any]]:
        return [dict(event.output) for event in self.events if isinstance(event, ToolOutput)]

    @property
    def statuses(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, ToolStatus)]

    @property
    def artifacts(self) -> dict[str, str]:
        return {each["path"]: each["media_type"] for each in self.result.metadata["artifacts"]}


Run = Callable[..., Awaitable[Told]]


def make_runner(root: Path, **limits: Any) -> SandboxRunner:
    chats = root / ".chats"
    return SandboxRunner(
        lambda thread_id: chats / thread_id / "files",
        lambda run_id: chats / "_default" / run_id / "files",
        SandboxPolicy(**limits),
    )


def context_of(thread_id: ThreadId | None) -> ToolContext:
    return ToolContext(thread_id, new_run_id())


async def told_by(
    runner: SandboxRunner, code: str, thread_id: ThreadId | None, timeout_s: float | None = 100.0
) -> Told:
    async with aclosing(runner.run(code, context_of(thread_id), timeout_s=timeout_s)) as events:
        return Told([event async for event in events])


async def eventually(condition: Callable[[], bool], within_s: float = 30.0) -> bool:
    """Whether the condition came true in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def running(argument: str) -> list[int]:
    """The processes with this argument, dead ones left out."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                arguments = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if argument.encode() in arguments:
                found.append(int(folder.name))
    return found


def a_long_time() -> str:
    """Seconds to sleep that no other test sleeps: a name for a process."""
    return f"987.{uuid.uuid4().int % 10**9:09d}"


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def start(*argv: str, **options: Any) -> subprocess.Popen[str]:
    """A process of its own session, with pipes for its input and output."""
    return subprocess.Popen(
        argv, start_new_session=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options
    )
