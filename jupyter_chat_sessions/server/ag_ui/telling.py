"""A run as AG-UI events (AG-UI 1.0). Pure: happenings in, events out.

The rule kept here: a run that its lines tell and a run that is told as it happens give the same messages; what tools
show while they work (`CUSTOM`) comes only to those who are there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ...core.conversation import CLIENT_TOOL
from ...core.ids import RunId, tool_message_id
from ..openai.telling import (
    ClientArguments,
    ClientCall,
    Ended,
    Happening,
    MessageEnded,
    Returned,
    Running,
    Shown,
    Telling,
    Thought,
    Words,
)

Event = dict[str, Any]

PROTOCOL_VERSION = "1.0"


class Heard(Telling):
    """The run's happenings, with what its tools show."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.message_of: dict[str, str] = {}

    def _hear_piece(self, event: Mapping[str, Any]) -> list[Happening]:
        if event["type"] == "TOOL_CALL_START":
            self.message_of[event["toolCallId"]] = event["parentMessageId"]
        told = super()._hear_piece(event)
        is_ours = event["type"] == "CUSTOM" and event["name"] in ("tool_output", "tool_status")
        return [*told, Shown(event)] if is_ours else told

    def _hear_message(self, message: Mapping[str, Any]) -> list[Happening]:
        for call in message.get("toolCalls", ()):
            self.message_of[call["id"]] = message["id"]
        told = super()._hear_message(message)
        artifacts = ((message.get("metadata") or {}).get("jupyter") or {}).get("artifacts")
        if told and message["role"] == "tool" and artifacts:
            value = {"toolCallId": message["toolCallId"], "artifacts": artifacts}
            told.append(Shown({"type": "CUSTOM", "name": "tool_artifacts", "value": value}))
        return told


def started(thread_id: str, run_id: str) -> Event:
    """The event that begins every run, and says which protocol is spoken."""
    return {"type": "RUN_STARTED", "threadId": thread_id, "runId": run_id, "protocolVersion": PROTOCOL_VERSION}


class Events:
    """Folds happenings into events. `thread_id` and `run_id` are the client's own names for them."""

    def __init__(self, thread_id: str, run_id: str, heard: Heard, engine_run_id: RunId) -> None:
        self._thread_id, self._run_id = thread_id, run_id
        self._message_of, self._engine_run_id = heard.message_of, engine_run_id
        self._is_speaking: set[str] = set()
        self._is_thinking: set[str] = set()
        self._open_calls: set[str] = set()
        self._told_calls: set[str] = set()

    def know(self, interrupts: Iterable[Mapping[str, Any]]) -> None:
        """Calls that an earlier run has told."""
        self._told_calls |= {str(each.get("toolCallId")) for each in interrupts}

    def first(self) -> Event:
        """The event that begins every run."""
        return started(self._thread_id, self._run_id)

    def hear(self, happening: Happening) -> list[Event]:
        """The events that tell of a happening."""
        if isinstance(happening, Words):
            return self._say(happening)
        if isinstance(happening, Thought):
            return self._think(happening)
        if isinstance(happening, ClientCall):
            return self._begin_call(happening.call_id, happening.name)
        if isinstance(happening, ClientArguments):
            return [{"type": "TOOL_CALL_ARGS", "toolCallId": happening.call_id, "delta": happening.delta}]
        if isinstance(happening, Running):
            return self._whole_call(happening.call_id, happening.name, happening.arguments)
        if isinstance(happening, Returned):
            return self._return(happening)
        if isinstance(happening, MessageEnded):
            return self._close(happening.message_id)
        if isinstance(happening, Shown):
            return [dict(happening.event)]
        return self._end(happening) if isinstance(happening, Ended) else []

    def _say(self, words: Words) -> list[Event]:
        begun = self._close_thought(words.message_id)
        if words.message_id not in self._is_speaking:
            self._is_speaking.add(words.message_id)
            begun.append({"type": "TEXT_MESSAGE_START", "messageId": words.message_id, "role": "assistant"})
        return [*begun, {"type": "TEXT_MESSAGE_CONTENT", "messageId": words.message_id, "delta": words.delta}]

    def _think(self, thought: Thought) -> list[Event]:
        thought_id = _thought_id(thought.message_id)
        begun: list[Event] = []
        if thought.message_id not in self._is_thinking:
            self._is_thinking.add(thought.message_id)
            begun.append({"type": "REASONING_START", "messageId": thought_id})
            begun.append({"type": "REASONING_MESSAGE_START", "messageId": thought_id, "role": "reasoning"})
        return [*begun, {"type": "REASONING_MESSAGE_CONTENT", "messageId": thought_id, "delta": thought.delta}]

    def _begin_call(self, call_id: str, name: str) -> list[Event]:
        self._open_calls.add(call_id)
        self._told_calls.add(call_id)
        event: Event = {"type": "TOOL_CALL_START", "toolCallId": call_id, "toolCallName": name}
        parent = self._message_of.get(call_id)
        return [{**event, "parentMessageId": parent} if parent else event]

    def _whole_call(self, call_id: str, name: str, arguments: str) -> list[Event]:
        """A call of one of the server's tools, which is told at once."""
        if call_id in self._told_calls:
            return []
        begun = self._begin_call(call_id, name)
        self._open_calls.discard(call_id)
        given = {"type": "TOOL_CALL_ARGS", "toolCallId": call_id, "delta": arguments}
        return [*begun, given, {"type": "TOOL_CALL_END", "toolCallId": call_id}]

    def _return(self, returned: Returned) -> list[Event]:
        begun = self._whole_call(returned.call_id, returned.name, returned.arguments)
        event: Event = {
            "type": "TOOL_CALL_RESULT",
            "messageId": tool_message_id(self._engine_run_id, returned.call_id),
            "toolCallId": returned.call_id,
            "content": returned.content,
            "role": "tool",
        }
        return [*begun, event]

    def _close_thought(self, message_id: str) -> list[Event]:
        if message_id not in self._is_thinking:
            return []
        self._is_thinking.discard(message_id)
        thought_id = _thought_id(message_id)
        return [{"type": f"REASONING_{each}", "messageId": thought_id} for each in ("MESSAGE_END", "END")]

    def _close(self, message_id: str) -> list[Event]:
        """What was open in a message that is complete."""
        closed = self._close_thought(message_id)
        if message_id in self._is_speaking:
            self._is_speaking.discard(message_id)
            closed.append({"type": "TEXT_MESSAGE_END", "messageId": message_id})
        calls, self._open_calls = sorted(self._open_calls), set()
        return [*closed, *({"type": "TOOL_CALL_END", "toolCallId": each} for each in calls)]

    def _end(self, ended: Ended) -> list[Event]:
        closed = [event for each in sorted(self._is_speaking | self._is_thinking) for event in self._close(each)]
        closed += self._close("")
        if ended.outcome in ("error", "interrupted"):
            error = ended.error or {}
            told = {"message": error.get("message", "The run failed."), "code": error.get("code", ended.outcome)}
            return [*closed, {"type": "RUN_ERROR", **told}]
        asked = [each for each in ended.interrupts if each.get("reason") != CLIENT_TOOL]
        for each in asked:
            closed += self._whole_call(each["toolCallId"], each["tool"], json_of(each.get("arguments")))
        outcome: Event = {"type": "success" if ended.outcome == "waiting" else ended.outcome}
        if ended.outcome == "waiting":
            outcome["pendingToolCallIds"] = [each["toolCallId"] for each in ended.interrupts]
        if asked:
            outcome = {"type": "interrupt", "interrupts": [_interrupt(each) for each in asked]}
        event: Event = {"type": "RUN_FINISHED", "threadId": self._thread_id, "runId": self._run_id, "outcome": outcome}
        if ended.usage:
            event["usage"] = [{_USAGE[name]: count for name, count in ended.usage.items() if name in _USAGE}]
        return [*closed, event]


_USAGE = {"input_tokens": "inputTokens", "output_tokens": "outputTokens"}
_ANSWER = {
    "type": "object",
    "required": ["approve"],
    "properties": {
        "approve": {"type": "boolean"},
        "always": {"type": "boolean", "description": "for this tool in this thread from now on"},
        "arguments": {"type": "object", "description": "run this instead of what was written"},
        "note": {"type": "string", "description": "why not"},
        "answer": {"type": "string", "description": "the answer, where the tool asks something"},
    },
}


def _interrupt(each: Mapping[str, Any]) -> Event:
    """What a person is asked, in AG-UI's fields; ours beside them as `metadata`."""
    named = {name: each[name] for name in ("id", "reason", "message", "toolCallId") if name in each}
    ours = {name: value for name, value in each.items() if name not in named}
    return {**named, "responseSchema": _ANSWER, "metadata": ours}


def _thought_id(message_id: str) -> str:
    return f"{message_id}:reasoning"


def json_of(value: Any) -> str:
    """The arguments of a call as the text that an agent would have written."""
    return json.dumps(value or {})
