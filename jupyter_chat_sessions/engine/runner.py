"""The loop over an agent and its tools: ask, say, call, tell it what came back, until it has no more to call.

Each step's message and each tool's result is on disk before the next begins. Tools of one step run in order. Who
answers and what the tools are is handed in; which run they belong to is fixed when the run begins.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core.errors import AgentFailed
from ..core.frames import custom
from ..core.ids import new_message_id, tool_message_id
from ..core.roles import (
    Agent,
    Done,
    ReasoningDelta,
    Request,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolContext,
    ToolOutput,
    ToolResult,
    Tools,
    ToolStatus,
    Usage,
)
from ..core.transcript import Message
from .stage import Ending, Stage

MOST_ROUNDS = 20


@dataclass(frozen=True, slots=True)
class Runner:
    """Makes answers. `agent_for` gives who answers to a model id, `None` being the server's choice."""

    agent_for: Callable[[str | None], Agent]
    tools: Tools
    most_rounds: int = MOST_ROUNDS

    async def __call__(self, stage: Stage) -> Ending:
        """The answer to the last message of the stage's path."""
        agent = self.agent_for(stage.model)
        messages = list(await stage.path())
        taken = {call["id"] for message in messages for call in message.get("toolCalls", ())}
        usage = Usage()
        for _ in self._rounds(agent):
            spoken = _Spoken(stage, taken)
            await self._ask(agent, stage, messages, spoken)
            usage = Usage(
                usage.input_tokens + spoken.usage.input_tokens, usage.output_tokens + spoken.usage.output_tokens
            )
            message = spoken.message(agent)
            if message is not None:
                await stage.contribute(message)
                messages.append(message)
            if not spoken.calls:
                return Ending("success", _usage_record(usage))
            for call in spoken.calls:
                messages.append(await self._call(call, agent, stage))
        raise AgentFailed("too_many_rounds", f"The answer was stopped after {self.most_rounds} rounds of tool calls.")

    def _rounds(self, agent: Agent) -> Iterable[int]:
        """A model may go round in circles; what a person typed has an end."""
        return range(self.most_rounds) if agent.author == "model" else itertools.count()

    async def _ask(self, agent: Agent, stage: Stage, messages: Sequence[Message], spoken: _Spoken) -> None:
        request = Request(
            stage.thread_id,
            stage.run_id,
            tuple(messages),
            self.tools.specs(),
            stage.model,
            self.tools.names(stage.thread_id),
        )
        async with contextlib.aclosing(agent.answer(request)) as events:  # type: ignore[type-var]
            async for event in events:
                if isinstance(event, TextDelta):
                    spoken.say(event.text)
                elif isinstance(event, ReasoningDelta):
                    spoken.reason(event.text)
                elif isinstance(event, ToolCallDelta):
                    spoken.call(event)
                elif isinstance(event, Usage):
                    spoken.usage = event
                elif isinstance(event, Done):
                    break
        spoken.end()

    async def _call(self, asked: _AskedCall, agent: Agent, stage: Stage) -> Message:
        """Runs one tool call; its result as a message, on disk."""
        stage.say(custom("tool_status", {"toolCallId": asked.id, "toolCallName": asked.name, "text": ""}))
        context = ToolContext(stage.thread_id, stage.run_id, agent.author)
        began = time.monotonic()
        result = await self._result(asked, context, stage)
        jupyter = {"duration_ms": round((time.monotonic() - began) * 1000), **result.metadata}
        message: dict[str, Any] = {
            "id": tool_message_id(stage.run_id, asked.id),
            "role": "tool",
            "toolCallId": asked.id,
            "content": result.content,
            "metadata": {"jupyter": jupyter},
        }
        if result.error is not None:
            message["error"] = result.error
        await stage.contribute(message)
        return message

    async def _result(self, asked: _AskedCall, context: ToolContext, stage: Stage) -> ToolResult:
        arguments = asked.parsed()
        if isinstance(arguments, ToolResult):
            return arguments
        call = ToolCall(asked.id, asked.name, arguments)
        async with contextlib.aclosing(self.tools.call(call, context)) as events:  # type: ignore[type-var]
            async for event in events:
                if isinstance(event, ToolResult):
                    return event
                if isinstance(event, ToolOutput):
                    stage.say(custom("tool_output", {"toolCallId": asked.id, "output": event.output}))
                elif isinstance(event, ToolStatus):
                    stage.say(custom("tool_status", {"toolCallId": asked.id, "text": event.text}))
        return ToolResult(f"The tool {asked.name} gave no result.", error="no result")


@dataclass(slots=True)
class _AskedCall:
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


class _Spoken:
    """One step's message while it is being said."""

    def __init__(self, stage: Stage, taken: set[str]) -> None:
        self._stage = stage
        self._taken = taken
        self._id = new_message_id()
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: dict[int, _AskedCall] = {}
        self.usage = Usage()

    @property
    def calls(self) -> list[_AskedCall]:
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
            call = self._calls[piece.index] = _AskedCall(self._fresh_id(piece.id), piece.name or "")
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
        call_id = given if given and given not in self._taken else f"call_{uuid.uuid4()}"
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
        jupyter: dict[str, Any] = {"author": agent.id} if agent.author == "person" else {}
        if self._reasoning:
            jupyter["reasoning"] = "".join(self._reasoning)
        return {**message, "metadata": {"jupyter": jupyter}} if jupyter else message


def _usage_record(usage: Usage) -> dict[str, int] | None:
    if not (usage.input_tokens or usage.output_tokens):
        return None
    return {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
