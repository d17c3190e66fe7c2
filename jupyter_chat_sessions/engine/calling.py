"""Tool calls of one step: judged, then run in order, each result on disk before the next; or a person is asked."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.conversation import is_approved
from ..core.frames import custom
from ..core.ids import tool_message_id
from ..core.policy import Policy
from ..core.roles import Agent, Permission, ToolCall, ToolContext, ToolOutput, ToolResult, Tools, ToolStatus
from ..core.transcript import Message
from .spoken import AskedCall
from .stage import Stage

Interrupts = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Caller:
    """Runs the calls of one run's agent. Which run, thread and folder they belong to is fixed here, once."""

    agent: Agent
    tools: Tools
    policy: Policy
    stage: Stage

    async def call(self, calls: Sequence[AskedCall], messages: list[Message]) -> Interrupts:
        """Runs the calls and adds their results to `messages`; stops before the first that a person must allow.

        The interrupts to ask that person then, one for each call that needs a word; none where all have results.
        """
        for place, asked in enumerate(calls):
            if self._permission(asked) == "ask":
                return tuple(self._interrupt(each) for each in calls[place:] if self._permission(each) == "ask")
            message = self._message(asked, *await self._timed(asked))
            await self.stage.contribute(message)
            messages.append(message)
        return ()

    def _permission(self, asked: AskedCall) -> Permission:
        answer = self.stage.answers.get(asked.id)
        if answer is not None:
            return "allow" if is_approved(answer) else "deny"
        spec = next((spec for spec in self.tools.specs() if spec.name == asked.name), None)
        if spec is None:  # the tools themselves say that there is none
            return "allow"
        permission = self.policy.permission(spec, self.agent.author, self.tools.level, self.stage.granted)
        return "deny" if permission == "ask" and not self.stage.is_watched else permission

    def _interrupt(self, asked: AskedCall) -> Mapping[str, Any]:
        arguments = asked.parsed()
        return {
            "id": secrets.token_urlsafe(16),
            "reason": "tool_call",
            "message": f"May {asked.name} run?",
            "toolCallId": asked.id,
            "tool": asked.name,
            "arguments": arguments if isinstance(arguments, dict) else {},
            "level": self.tools.level,
        }

    async def _timed(self, asked: AskedCall) -> tuple[ToolResult, int]:
        """The call's result, and how many milliseconds it took."""
        began = time.monotonic()
        result = await self._result(asked)
        return result, round((time.monotonic() - began) * 1000)

    async def _result(self, asked: AskedCall) -> ToolResult:
        if self._permission(asked) == "deny":
            return self._refusal(asked)
        arguments = self._arguments(asked)
        if isinstance(arguments, ToolResult):
            return arguments
        self.stage.say(custom("tool_status", {"toolCallId": asked.id, "toolCallName": asked.name, "text": ""}))
        context = ToolContext(self.stage.thread_id, self.stage.run_id, self.agent.author)
        call = ToolCall(asked.id, asked.name, arguments)
        async with contextlib.aclosing(self.tools.call(call, context)) as events:  # type: ignore[type-var]
            async for event in events:
                if isinstance(event, ToolResult):
                    return event
                if isinstance(event, ToolOutput):
                    self.stage.say(custom("tool_output", {"toolCallId": asked.id, "output": event.output}))
                elif isinstance(event, ToolStatus):
                    self.stage.say(custom("tool_status", {"toolCallId": asked.id, "text": event.text}))
        return ToolResult(f"The tool {asked.name} gave no result.", error="no result")

    def _arguments(self, asked: AskedCall) -> dict[str, Any] | ToolResult:
        """What the agent wrote, unless the person who allowed it wrote something else."""
        edited = self._payload(asked).get("arguments")
        return edited if isinstance(edited, dict) else asked.parsed()

    def _payload(self, asked: AskedCall) -> Mapping[str, Any]:
        payload = self.stage.answers.get(asked.id, {}).get("payload")
        return payload if isinstance(payload, dict) else {}

    def _refusal(self, asked: AskedCall) -> ToolResult:
        why = "This call is not allowed here, or needs a person's word and nobody is there to give it."
        if asked.id in self.stage.answers:
            note = self._payload(asked).get("note")
            said = f": {note.rstrip('.')}" if isinstance(note, str) and note.strip() else ""
            why = f"The person did not allow this call{said}."
        return ToolResult(f"{why} It has not run.", error="not allowed")

    def _message(self, asked: AskedCall, result: ToolResult, duration_ms: int) -> Message:
        """The result as the message that keeps it. Arguments that a person changed are recorded as such."""
        jupyter: dict[str, Any] = {"duration_ms": duration_ms, **result.metadata}
        edited = self._payload(asked).get("arguments")
        if isinstance(edited, dict):
            jupyter["edited_arguments"] = edited
        message: dict[str, Any] = {
            "id": tool_message_id(self.stage.run_id, asked.id),
            "role": "tool",
            "toolCallId": asked.id,
            "content": result.content,
            "metadata": {"jupyter": jupyter},
        }
        return message if result.error is None else {**message, "error": result.error}
