"""Tools over a real sandbox: one a module, so that its kernels are shared."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from jupyter_chat_sessions.core.ids import ThreadId, new_run_id, new_thread_id
from jupyter_chat_sessions.core.roles import ToolCall, ToolContext, ToolResult, Workplace
from jupyter_chat_sessions.sandbox import SandboxRunner
from jupyter_chat_sessions.tools import ToolBox

Use = Callable[..., Awaitable[ToolResult]]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def sandbox(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxRunner]:
    chats = tmp_path_factory.mktemp("notebooks") / ".chats"
    made = SandboxRunner(
        lambda thread_id: chats / thread_id / "files", lambda run_id: chats / "_default" / run_id / "files"
    )
    yield made
    await made.shutdown()


@pytest.fixture(scope="module")
def box(sandbox: SandboxRunner) -> ToolBox:
    return ToolBox(Workplace(sandbox))


@pytest.fixture(scope="module")
def thread_id() -> ThreadId:
    return new_thread_id()


@pytest.fixture(scope="module")
def here(thread_id: ThreadId) -> ToolContext:
    return ToolContext(thread_id, new_run_id())


@pytest.fixture(scope="module")
def folder(sandbox: SandboxRunner, here: ToolContext) -> Path:
    """The folder of the module's thread."""
    return sandbox.folder(here)


@pytest.fixture(scope="module")
def use(box: ToolBox, here: ToolContext) -> Use:
    """Uses a tool in the module's thread, or where it is told to, and gives its result."""

    async def used(name: str, /, where: ToolContext = here, **arguments: Any) -> ToolResult:
        async with aclosing(box.call(ToolCall("call_1", name, arguments), where)) as events:
            told = [event async for event in events]
        assert [event for event in told if isinstance(event, ToolResult)] == told[-1:]
        result = told[-1]
        assert isinstance(result, ToolResult)
        return result

    return used
