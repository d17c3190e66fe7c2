"""The run in flight as its numbered events tell it: what a viewer who joins now must be shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from .ids import RunId, tool_message_id
from .transcript import Message


@dataclass(slots=True)
class LiveToolCall:
    """A tool call since it began to be written: `writing`, then `asked`, then `running`.

    `outputs` are nbformat outputs, the pieces of one stream joined.
    """

    id: str
    name: str
    arguments: list[str] = field(default_factory=list)
    status: str = "writing"
    outputs: list[dict[str, Any]] = field(default_factory=list)

    def show(self, output: Mapping[str, Any]) -> None:
        """Adds an output; a piece of a stream goes on where the stream stopped."""
        last = self.outputs[-1] if self.outputs else None
        is_stream = output.get("output_type") == "stream"
        if last and is_stream and last.get("output_type") == "stream" and last.get("name") == output.get("name"):
            last["text"] = last.get("text", "") + output.get("text", "")
        else:
            self.outputs.append(dict(output))

    def snapshot(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "arguments": "".join(self.arguments),
            "status": self.status,
            "outputs": [dict(output) for output in self.outputs],
        }


@dataclass(slots=True)
class Live:
    """Folds a run's events. `n` counts them over the whole run; the rest is since its last transcript line."""

    run_id: RunId
    n: int = 0
    message_id: str | None = None
    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    tool_calls: dict[str, LiveToolCall] = field(default_factory=dict)
    status: str = ""

    def hear(self, event: Mapping[str, Any]) -> int:
        """Folds the event in; its number."""
        self.n += 1
        fold = _FOLD.get(event["type"])
        if fold is not None:
            fold(self, event)
        return self.n

    def close_message(self) -> None:
        """An assistant's message is a line now: its words are no longer only here, its calls go on."""
        self.message_id = None
        self.text.clear()
        self.reasoning.clear()

    def close_tool_call(self, tool_call_id: str) -> None:
        """A tool's result is a line now."""
        self.tool_calls.pop(tool_call_id, None)

    def snapshot(self) -> dict[str, Any]:
        """The `run` of a `hello` frame."""
        return {
            "run_id": self.run_id,
            "message_id": self.message_id,
            "n": self.n,
            "text": "".join(self.text),
            "reasoning": "".join(self.reasoning),
            "status": self.status,
            "tool_calls": [call.snapshot() for call in self.tool_calls.values()],
        }

    def unfinished(self, why: str) -> tuple[Message, ...]:
        """What no line keeps yet, as messages: the words so far, and the calls that had begun, cut short by `why`."""
        text = "".join(self.text)
        words: tuple[Message, ...] = ()
        if self.message_id is not None and text:
            words = ({"id": self.message_id, "role": "assistant", "content": text},)
        begun = (call for call in self.tool_calls.values() if call.status == "running")
        return (*words, *(_cut_short(self.run_id, call, why) for call in begun))

    def _begin_message(self, event: Mapping[str, Any]) -> None:
        self.message_id = event["messageId"]

    def _add_text(self, event: Mapping[str, Any]) -> None:
        self.message_id = event["messageId"]
        self.text.append(event["delta"])

    def _add_reasoning(self, event: Mapping[str, Any]) -> None:
        self.reasoning.append(event["delta"])

    def _begin_call(self, event: Mapping[str, Any]) -> None:
        self.tool_calls[event["toolCallId"]] = LiveToolCall(event["toolCallId"], event["toolCallName"])

    def _add_arguments(self, event: Mapping[str, Any]) -> None:
        call = self.tool_calls.get(event["toolCallId"])
        if call is not None:
            call.arguments.append(event["delta"])

    def _end_arguments(self, event: Mapping[str, Any]) -> None:
        call = self.tool_calls.get(event["toolCallId"])
        if call is not None:
            call.status = "asked"

    def _hear_custom(self, event: Mapping[str, Any]) -> None:
        value = event["value"]
        if event["name"] not in ("tool_output", "tool_status"):
            return
        call_id = value["toolCallId"]
        call = self.tool_calls.setdefault(call_id, LiveToolCall(call_id, value.get("toolCallName", "")))
        call.status = "running"
        if event["name"] == "tool_output":
            call.show(value["output"])
        else:
            self.status = value["text"]


_FOLD = {
    "TEXT_MESSAGE_START": Live._begin_message,
    "TEXT_MESSAGE_CONTENT": Live._add_text,
    "REASONING_MESSAGE_CONTENT": Live._add_reasoning,
    "TOOL_CALL_START": Live._begin_call,
    "TOOL_CALL_ARGS": Live._add_arguments,
    "TOOL_CALL_END": Live._end_arguments,
    "CUSTOM": Live._hear_custom,
}


def _cut_short(run_id: RunId, call: LiveToolCall, why: str) -> Message:
    shown = "".join(output.get("text", "") for output in call.outputs if output.get("output_type") == "stream")
    return {
        "id": tool_message_id(run_id, call.id),
        "role": "tool",
        "toolCallId": call.id,
        "content": f"{shown}\n[{why}]".lstrip("\n"),
        "error": why,
        "metadata": {"jupyter": {"outputs": [dict(output) for output in call.outputs]}},
    }


def unfinished_of(run_id: RunId, events: Iterable[Mapping[str, Any]], why: str) -> tuple[Message, ...]:
    """The messages that a draft's events had begun. Anyone may have written there: a bad event is passed over."""
    live = Live(run_id)
    for event in events:
        with suppress(KeyError):  # a part is missing
            if _is_sound(event):
                live.hear(event)
    return live.unfinished(why)


_WORDS = ("type", "name", "messageId", "delta", "toolCallId", "toolCallName", "text")


def _is_sound(event: Mapping[str, Any]) -> bool:
    """Whether there are words where words belong: in the event, in what it says of a call, and in the call's output."""
    value = event.get("value", {})
    output = value.get("output", {}) if isinstance(value, dict) else None
    return all(
        isinstance(part, dict) and all(isinstance(part.get(name, ""), str) for name in _WORDS)
        for part in (event, value, output)
    )
