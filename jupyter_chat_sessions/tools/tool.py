"""What a tool is. A new one is a file here with such a class, and a line in the table of `toolbox`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol, runtime_checkable

from ..core.roles import ToolContext, ToolEvent, ToolResult, ToolSpec, Workplace


class Tool(Protocol):
    """One thing a model may do."""

    @property
    def spec(self) -> ToolSpec: ...

    def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncIterator[ToolEvent]:
        """Does it. `arguments` fit `spec.parameters`, defaults filled in. The last event is the only `ToolResult`.

        A `ChatError` raised here becomes the result; closing the iterator stops the work.
        """


@runtime_checkable
class Previewed(Protocol):
    """A tool that shows a person more than its arguments before they allow a call."""

    async def preview(self, arguments: Mapping[str, Any], context: ToolContext) -> Mapping[str, Any]:
        """What is shown: `{"code", "language"}`, or `{"path", "old", "new"}`. A `ChatError` becomes the result."""


class ToolMaker(Protocol):
    """Makes a tool for a server's workplace: what the table and the entry points name. Most often the tool's class."""

    def __call__(self, workplace: Workplace) -> Tool: ...


def parameters(required: tuple[str, ...] = (), /, **properties: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON Schema of a tool's arguments; nothing but these is taken."""
    schema: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": list(required)} if required else {})


def failure(message: str) -> ToolResult:
    """The result of a call that could not be made; the agent reads what would fit."""
    return ToolResult(message, message)
