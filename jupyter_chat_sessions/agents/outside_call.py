"""Calls a tool for a program outside: a message that carries a call is answered by that call and its result alone.

What such a program asks for is judged as what a model writes is: it is no person, whoever it works for.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from ..core.roles import AgentEvent, Author, Done, Request, ToolCallDelta
from ..core.transcript import Message


def call_in(messages: Sequence[Message]) -> Mapping[str, Any] | None:
    """The call that the newest message of a user carries, if it carries one."""
    newest = next((each for each in reversed(messages) if each.get("role") == "user"), None)
    metadata = newest.get("metadata") if newest is not None else None
    jupyter = metadata.get("jupyter") if isinstance(metadata, Mapping) else None
    call = jupyter.get("call") if isinstance(jupyter, Mapping) else None
    return call if isinstance(call, Mapping) else None


class OutsideCall:
    """Makes one call, and has no more to say when it has returned."""

    id = "mcp"
    label = "A program outside"
    author: Author = "model"

    def __init__(self, call: Mapping[str, Any]) -> None:
        self._call = call

    async def answer(self, request: Request) -> AsyncGenerator[AgentEvent, None]:
        """The call, unless it has been made."""
        if request.messages[-1].get("role") == "user":
            arguments = json.dumps(self._call.get("arguments") or {})
            yield ToolCallDelta(0, str(self._call.get("id")), str(self._call.get("name")), arguments)
            yield Done("tool_calls")
        else:
            yield Done()
