"""`restart_kernel`: a new Python process for the chat."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from ..core.roles import ToolContext, ToolEvent, ToolResult, ToolSpec, Workplace
from .tool import parameters


class RestartKernel:
    """Forgets the thread's variables."""

    spec = ToolSpec(
        "restart_kernel",
        "End this chat's Python process; the next call starts a new one. Variables and imports are gone, files stay.",
        parameters(),
        acts=True,
        stays_in_thread=True,
    )

    def __init__(self, workplace: Workplace) -> None:
        self._sandbox = workplace.sandbox

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        if context.thread_id is None:
            yield ToolResult("Every call without a chat has a Python process of its own; there is none to restart.")
            return
        await self._sandbox.restart(context.thread_id)
        yield ToolResult("The Python process has ended. Variables are gone; files remain.")
