"""One step's message while an agent says it: words, thoughts and tool calls, told piece by piece and then as one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.ids import new_message_id
from ..core.roles import Agent, Done, ToolCallDelta, ToolResult, Usage
from ..core.transcript import Message
from .stage import Stage

CUT_SHORT = ("length", "content_filter")
"""Ways a step ends before its author had said all."""


@dataclass(slots=True)
class AskedCall:
    """A tool call while an agent writes it. `arguments` is JSON text, in pieces."""

    id: str
    name: str
    arguments: list[str] = field(default_factory=list)

    def parsed(self) -> dict[str, Any] | ToolResult:
        """The arguments, or what to tell an agent whose arguments are no JSON object."""
        text = "".join(self.arguments) or "{}"
        try:
            arguments = json.loads(text)
        except (ValueError, RecursionError) as fault:
            return ToolResult(f"The arguments of {self.name} are not valid JSON ({fault}).", error="invalid arguments")
        if not isinstance(arguments, dict):
            return ToolResult(f"The arguments of {self.name} must be a JSON object.", error="invalid arguments")
        return arguments


class Spoken:
    """One step's message while it is being said."""

    def __init__(self, stage: Stage, taken: set[str]) -> None:
        self._stage = stage
        self._taken = taken
        self._id = new_message_id()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, AskedCall] = {}
        self.usage = Usage()
        self.done = Done()

    @property
    def calls(self) -> list[AskedCall]:
        return list(self._calls.values())

    def say(self, text: str) -> None:
        if not text:
            return
        if not self._text:
            self._stage.say({"type": "TEXT_MESSAGE_START", "messageId": self._id, "role": "assistant"})
        self._text.append(text)
        self._stage.say({"type": "TEXT_MESSAGE_CONTENT", "messageId": self._id, "delta": text})

    def reason(self, text: str) -> None:
        if not text:
            return
        if not self._reasoning:
            self._stage.say({"type": "REASONING_MESSAGE_START", "messageId": self._id, "role": "reasoning"})
        self._reasoning.append(text)
        self._stage.say({"type": "REASONING_MESSAGE_CONTENT", "messageId": self._id, "delta": text})

    def call(self, piece: ToolCallDelta) -> None:
        call = self._calls.get(piece.index)
        if call is None:
            call = self._calls[piece.index] = AskedCall(self._fresh_id(piece.id), piece.name or "")
            self._stage.say(
                {
                    "type": "TOOL_CALL_START",
                    "toolCallId": call.id,
                    "toolCallName": call.name,
                    "parentMessageId": self._id,
                }
            )
        if piece.arguments:
            call.arguments.append(piece.arguments)
            self._stage.say({"type": "TOOL_CALL_ARGS", "toolCallId": call.id, "delta": piece.arguments})

    def _fresh_id(self, given: str | None) -> str:
        """The provider's id for the call, unless this thread has seen it: some providers repeat `call_0`."""
        call_id = given if given and given not in self._taken else f"call_{uuid.uuid4().hex}"
        self._taken.add(call_id)
        return call_id

    def end(self) -> None:
        if self._reasoning:
            self._stage.say({"type": "REASONING_MESSAGE_END", "messageId": self._id})
        if self._text:
            self._stage.say({"type": "TEXT_MESSAGE_END", "messageId": self._id})
        for call in self._calls.values():
            self._stage.say({"type": "TOOL_CALL_END", "toolCallId": call.id})

    def message(self, agent: Agent) -> Message | None:
        """The step as an AG-UI message; `None` where nothing was said."""
        if not (self._text or self._calls):
            return None
        message: dict[str, Any] = {"id": self._id, "role": "assistant", "content": "".join(self._text)}
        if self._calls:
            message["toolCalls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": "".join(call.arguments) or "{}"},
                }
                for call in self._calls.values()
            ]
        jupyter: dict[str, Any] = {"author": agent.id} if agent.author == "person" else {"model": agent.id}
        if self.done.reason in CUT_SHORT:
            jupyter["finish"] = self.done.reason
        if self.done.provider_state:
            jupyter["provider_state"] = dict(self.done.provider_state)
        if self._reasoning:
            jupyter["reasoning"] = "".join(self._reasoning)
        return {**message, "metadata": {"jupyter": jupyter}}


def unanswered_calls(messages: Sequence[Message]) -> list[AskedCall]:
    """The tool calls at the end of a path that have no result yet, in their order."""
    answered = {message.get("toolCallId") for message in messages if message["role"] == "tool"}
    last = next((message for message in reversed(messages) if message["role"] == "assistant"), {})
    return [
        AskedCall(call["id"], call["function"]["name"], [call["function"]["arguments"]])
        for call in last.get("toolCalls", ())
        if call["id"] not in answered
    ]
