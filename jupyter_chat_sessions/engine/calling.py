"""Tool calls of one step: judged, then run in order, each result on disk before the next; or a person is asked.

A call is judged once, at its turn. What can never run is not asked about: its result says why, and the loop goes on.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..core.conversation import CLIENT_TOOL, is_approved
from ..core.frames import custom
from ..core.ids import tool_message_id
from ..core.policy import Policy, Reach, for_visitor, grant_of
from ..core.roles import Agent, Permission, ToolCall, ToolContext, ToolOutput, ToolResult, Tools, ToolSpec, ToolStatus
from ..core.transcript import Message
from .spoken import AskedCall
from .stage import CallingStage

Interrupts = tuple[Mapping[str, Any], ...]

NOT_ALLOWED = "not allowed"


@dataclass(frozen=True, slots=True)
class Caller:
    """Runs the calls of one run's agent. Which run, thread and folder they belong to is fixed here, once."""

    agent: Agent
    tools: Tools
    policy: Policy
    stage: CallingStage

    async def call(self, calls: Sequence[AskedCall], messages: list[Message]) -> Interrupts:
        """Runs the calls and adds their results to `messages`; stops before the first that a person must allow.

        The interrupts to ask that person then, one for each call that needs a word; none where all have results.
        """
        for place, asked in enumerate(calls):
            question = await self._question(asked)
            if isinstance(question, Mapping):
                others = [await self._question(each) for each in calls[place + 1 :]]
                return (question, *(each for each in others if isinstance(each, Mapping)))
            began = time.monotonic()
            result = question or await self._result(asked)
            message = self._message(asked, result, round((time.monotonic() - began) * 1000))
            await self.stage.contribute(message)
            messages.append(message)
        return ()

    async def _question(self, asked: AskedCall) -> Mapping[str, Any] | ToolResult | None:
        """What to ask a person before this call; its result, where asking would be for nothing; `None`: no question."""
        if self._permission(asked) != "ask":
            return None
        arguments = asked.parsed()
        if isinstance(arguments, ToolResult):
            return arguments
        if self._is_clients(asked):
            return self._clients_interrupt(asked, arguments)
        shown = await self.tools.preview(ToolCall(asked.id, asked.name, arguments), self._context(asked))
        return shown if isinstance(shown, ToolResult) else self._interrupt(asked, arguments, shown)

    # --- may it run ---------------------------------------------------------------------------------------------------

    def _permission(self, asked: AskedCall) -> Permission:
        answer = self.stage.answers.get(asked.id)
        if self._is_clients(asked):
            return "ask" if answer is None else "allow"
        if not self._is_chosen(asked):
            return "deny"
        if answer is not None:
            return "allow" if is_approved(answer) else "deny"
        spec = self._spec(asked)
        if spec is None:  # the tools themselves say that there is none
            return "allow"
        permission = self._ruled(spec, asked, frozenset(self.stage.granted))
        return "deny" if permission == "ask" and not self.stage.is_watched else permission

    def _is_clients(self, asked: AskedCall) -> bool:
        return any(spec.name == asked.name for spec in self.stage.client_tools)

    def _is_chosen(self, asked: AskedCall) -> bool:
        """Whether the message lets its answer use this tool."""
        return self.stage.tool_names is None or asked.name in self.stage.tool_names

    def _spec(self, asked: AskedCall) -> ToolSpec | None:
        return next((spec for spec in self.tools.specs() if spec.name == asked.name), None)

    def _ruled(self, spec: ToolSpec, asked: AskedCall, granted: frozenset[str]) -> Permission:
        stage, level, arguments = self.stage, self.tools.level, _arguments_of(asked)
        held = self.policy.permission(spec, self.agent.author, level, granted, stage.wanted, arguments)
        if stage.is_visitors:
            held = for_visitor(held, spec, Reach(level, stage.sees_folder), arguments)
        return "ask" if held == "allow" and stage.asks_first and self.agent.author != "person" else held

    def _interrupt(self, asked: AskedCall, arguments: Mapping[str, Any], shown: Mapping[str, Any]) -> Mapping[str, Any]:
        spec = self._spec(asked)
        assert spec is not None, "what no tool has is not asked about"
        grant = grant_of(spec, arguments)
        helps = self._ruled(spec, asked, frozenset(self.stage.granted) | {grant}) == "allow"
        interrupt: dict[str, Any] = {
            "id": secrets.token_urlsafe(16),
            "reason": "input_required" if spec.is_question else "tool_call",
            "message": str(arguments.get("question")) if spec.is_question else f"May {asked.name} run?",
            "toolCallId": asked.id,
            "tool": asked.name,
            "arguments": arguments,
            "level": self.tools.level,
            "always": helps,
            "grant": grant,
        }
        if self.stage.is_visitors:
            interrupt["visitor"] = True
        return {**interrupt, "shown": dict(shown)} if shown else interrupt

    def _clients_interrupt(self, asked: AskedCall, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            "id": secrets.token_urlsafe(16),
            "reason": CLIENT_TOOL,
            "message": f"{asked.name} runs in the program that sent this.",
            "toolCallId": asked.id,
            "tool": asked.name,
            "arguments": arguments,
            "level": self.tools.level,
        }

    # --- it runs ------------------------------------------------------------------------------------------------------

    async def _result(self, asked: AskedCall) -> ToolResult:
        if self._is_clients(asked):
            return self._clients_result(asked)
        if self._permission(asked) != "allow":
            return self._refusal(asked)
        edited = self._edited(asked)
        arguments = asked.parsed() if edited is None else edited
        if isinstance(arguments, ToolResult):
            return arguments
        self.stage.say(custom("tool_status", {"toolCallId": asked.id, "toolCallName": asked.name, "text": ""}))
        call = ToolCall(asked.id, asked.name, arguments)
        async with contextlib.aclosing(self.tools.call(call, self._context(asked))) as events:  # type: ignore[type-var]
            async for event in events:
                if isinstance(event, ToolResult):
                    return self._as_changed(asked, event)
                if isinstance(event, ToolOutput):
                    self.stage.say(custom("tool_output", {"toolCallId": asked.id, "output": event.output}))
                elif isinstance(event, ToolStatus):
                    self.stage.say(custom("tool_status", {"toolCallId": asked.id, "text": event.text}))
        return ToolResult(f"The tool {asked.name} gave no result.", error="no result")

    def _clients_result(self, asked: AskedCall) -> ToolResult:
        """What the client that has the tool gave."""
        given = self._payload(asked).get("result")
        if isinstance(given, str):
            return ToolResult(given)
        return ToolResult(f"The program that has {asked.name} gave no result.", error="no result")

    def _context(self, asked: AskedCall) -> ToolContext:
        stage = self.stage
        answer = self._payload(asked).get("answer")
        return ToolContext(
            stage.thread_id,
            stage.run_id,
            self.agent.author,
            stage.shown.get(asked.id),
            answer if isinstance(answer, str) else None,
        )

    def _edited(self, asked: AskedCall) -> dict[str, Any] | None:
        """What the person who allowed the call wrote in place of the agent's arguments."""
        edited = self._payload(asked).get("arguments")
        return edited if isinstance(edited, dict) else None

    def _payload(self, asked: AskedCall) -> Mapping[str, Any]:
        payload = self.stage.answers.get(asked.id, {}).get("payload")
        return payload if isinstance(payload, dict) else {}

    def _as_changed(self, asked: AskedCall, result: ToolResult) -> ToolResult:
        """The result; where a person changed the arguments, the agent is told what has run."""
        edited = self._edited(asked)
        if edited is None:
            return result
        note = f"[The person changed the arguments before allowing this. What ran: {json.dumps(edited)}]"
        metadata = {**result.metadata, "edited_arguments": edited}
        return replace(result, content=f"{note}\n{result.content}", metadata=metadata)

    def _refusal(self, asked: AskedCall) -> ToolResult:
        """Why it has not run: for the agent in words, for programs as `metadata.code`."""
        note = self._payload(asked).get("note")
        said = f": {note.strip().rstrip('.')}" if isinstance(note, str) and note.strip() else ""
        spec = self._spec(asked)
        is_question = spec is not None and spec.is_question
        if not self._is_chosen(asked):
            code, why = "not_chosen", f"The person sent this message without the tool {asked.name}."
        elif asked.id in self.stage.answers:
            code = "denied_by_person"
            why = f"The person did not {'answer' if is_question else 'allow this call'}{said}."
        elif spec is not None and self._ruled(spec, asked, frozenset(self.stage.granted)) == "deny":
            code, why = "denied_by_rule", "This call is not allowed here."
        else:
            code = "nobody_there"
            whose = "the owner's" if self.stage.is_visitors else "a person's"
            why = f"This call needs {whose} {'answer' if is_question else 'word'} and nobody is there to give it."
        return ToolResult(f"{why} It has not run.", error=NOT_ALLOWED, metadata={"code": code})

    def _message(self, asked: AskedCall, result: ToolResult, duration_ms: int) -> Message:
        """The result as the message that keeps it."""
        message: dict[str, Any] = {
            "id": tool_message_id(self.stage.run_id, asked.id),
            "role": "tool",
            "toolCallId": asked.id,
            "content": result.content,
            "metadata": {"jupyter": {"duration_ms": duration_ms, **result.metadata}},
        }
        return message if result.error is None else {**message, "error": result.error}


def _arguments_of(asked: AskedCall) -> Mapping[str, Any]:
    """The arguments as far as they can be judged; those of a call that makes no sense are none."""
    arguments = asked.parsed()
    return {} if isinstance(arguments, ToolResult) else arguments
