"""A run as a response: its items, and the numbered events that tell of them one after the other.

The numbers follow from what the run said alone: an event counts one, a piece of text as many as it has letters. So a
number is a place in the answer, whatever pieces it came in: a client that comes back with the last one it has is told
the rest, also by a server that has only the transcript.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...core.conversation import CLIENT_TOOL
from ...core.ids import RunId, ThreadId
from . import items
from .failing import failure_of
from .names import conversation_id, response_id
from .telling import ClientArguments, ClientCall, Ended, Happening, MessageEnded, Returned, Running, Thought, Words

Event = dict[str, Any]

_TEXT = frozenset(f"response.{each}.delta" for each in ("output_text", "reasoning_text", "function_call_arguments"))
"""The events that bring text in pieces."""

_STATUS = {"success": "completed", "waiting": "completed", "cancelled": "cancelled"}


@dataclass(frozen=True, slots=True)
class About:
    """What a response says of itself beside its output."""

    thread_id: ThreadId
    run_id: RunId
    created: float
    model: str
    previous: RunId | None = None
    instructions: str | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    is_background: bool = False


def behind(event: Event, after: int) -> Event | None:
    """What of an event stands behind number `after`; `None` where nothing does."""
    new = event["sequence_number"] - after
    if new <= 0:
        return None
    return {**event, "delta": event["delta"][-new:]} if event["type"] in _TEXT else event


class Response:
    """Folds a run's happenings into a response and its events."""

    def __init__(self, about: About, status: str = "in_progress") -> None:
        self._about = about
        self._status = status
        self._number = -1
        self._output: list[dict[str, Any]] = []
        self._speaking: dict[str, Any] | None = None
        self._calls: dict[str, dict[str, Any]] = {}
        self._end: Ended | None = None

    # --- the object ---------------------------------------------------------------------------------------------------

    def record(self) -> dict[str, Any]:
        """The response as it stands."""
        about, end = self._about, self._end
        failure = failure_of(end) if end is not None else None
        return {
            "id": response_id(about.thread_id, about.run_id),
            "object": "response",
            "created_at": about.created,
            "status": self._status,
            "background": about.is_background,
            "error": None if failure is None else {"code": failure.code, "message": failure.message},
            "incomplete_details": None,
            "instructions": about.instructions,
            "metadata": dict(about.metadata),
            "model": about.model,
            "output": [dict(item) for item in self._output],
            "parallel_tool_calls": True,
            "previous_response_id": response_id(about.thread_id, about.previous) if about.previous else None,
            "conversation": {"id": conversation_id(about.thread_id)},
            "tool_choice": "auto",
            "tools": [{"type": "function", "strict": False, **tool} for tool in about.tools],
            "usage": None if end is None else _usage(end.usage),
        }

    def whole(self, happenings: Iterable[Happening]) -> dict[str, Any]:
        """The response as far as these happenings tell it."""
        for happening in happenings:
            self.hear(happening)
        return self.record()

    # --- its events ---------------------------------------------------------------------------------------------------

    def first(self) -> list[Event]:
        """The events that come before all others."""
        return [
            self._event("response.created", response=self.record()),
            self._event("response.in_progress", response=self.record()),
        ]

    def hear(self, happening: Happening) -> list[Event]:
        """The events that tell of it."""
        if isinstance(happening, Words):
            return self._speak(happening.message_id, "message", happening.delta)
        if isinstance(happening, Thought):
            return self._speak(happening.message_id, "reasoning", happening.delta)
        if isinstance(happening, MessageEnded):
            return self._finish_speaking()
        if isinstance(happening, ClientCall):
            return self._begin_client_call(happening)
        if isinstance(happening, ClientArguments):
            item = self._calls[happening.call_id]
            item["arguments"] += happening.delta
            return [self._of(item, "response.function_call_arguments.delta", delta=happening.delta)]
        if isinstance(happening, Running):
            return self._begin_server_call(happening)
        if isinstance(happening, Returned):
            return self._end_server_call(happening)
        return self._finish(happening) if isinstance(happening, Ended) else []

    def _event(self, kind: str, **fields: Any) -> Event:
        self._number += len(fields["delta"]) if kind in _TEXT else 1
        return {"type": kind, "sequence_number": self._number, **fields}

    def _of(self, item: Mapping[str, Any], kind: str, **fields: Any) -> Event:
        return self._event(kind, item_id=item["id"], output_index=self._place(item), **fields)

    def _place(self, item: Mapping[str, Any]) -> int:
        return next(place for place, each in enumerate(self._output) if each is item)

    def _add(self, item: dict[str, Any]) -> Event:
        self._output.append(item)
        shown = {**item, "content": []} if "content" in item else dict(item)
        return self._event("response.output_item.added", output_index=len(self._output) - 1, item=shown)

    def _done(self, item: dict[str, Any]) -> Event:
        return self._event("response.output_item.done", output_index=self._place(item), item=dict(item))

    def _speak(self, message_id: str, kind: str, delta: str) -> list[Event]:
        events: list[Event] = []
        if self._speaking is not None and self._speaking["type"] != kind:
            events += self._finish_speaking()
        if self._speaking is None:
            events += self._begin_speaking(message_id, kind)
        item = self._speaking
        assert item is not None, "it was begun above"
        item["content"][0]["text"] += delta
        if kind == "message":
            more = {"content_index": 0, "delta": delta, "logprobs": []}
            return [*events, self._of(item, "response.output_text.delta", **more)]
        return [*events, self._of(item, "response.reasoning_text.delta", content_index=0, delta=delta)]

    def _begin_speaking(self, message_id: str, kind: str) -> list[Event]:
        again = sum(each["id"].startswith(items.speech_id(message_id, kind)) for each in self._output)
        self._speaking = items.speech(message_id, kind, again)
        events = [self._add(self._speaking)]
        if kind == "message":
            part = dict(self._speaking["content"][0])
            events.append(self._of(self._speaking, "response.content_part.added", content_index=0, part=part))
        return events

    def _finish_speaking(self) -> list[Event]:
        item, self._speaking = self._speaking, None
        if item is None:
            return []
        item["status"] = "completed"
        part = dict(item["content"][0])
        if item["type"] == "reasoning":
            done = [self._of(item, "response.reasoning_text.done", content_index=0, text=part["text"])]
        else:
            done = [
                self._of(item, "response.output_text.done", content_index=0, text=part["text"], logprobs=[]),
                self._of(item, "response.content_part.done", content_index=0, part=part),
            ]
        return [*done, self._done(item)]

    def _begin_client_call(self, begun: ClientCall) -> list[Event]:
        events = self._finish_speaking()
        item = self._calls[begun.call_id] = items.function_call(self._about.thread_id, begun.call_id, begun.name)
        return [*events, self._add(item)]

    def _begin_server_call(self, running: Running) -> list[Event]:
        events = self._finish_speaking()
        item = self._calls[running.call_id] = items.mcp_call(running.call_id, running.name)
        events += [self._add(item), self._of(item, "response.mcp_call.in_progress")]
        item["arguments"] = running.arguments
        return [
            *events,
            self._of(item, "response.mcp_call_arguments.delta", delta=running.arguments),
            self._of(item, "response.mcp_call_arguments.done", arguments=running.arguments),
        ]

    def _end_server_call(self, returned: Returned) -> list[Event]:
        item = self._calls[returned.call_id]
        item["arguments"] = returned.arguments
        items.give_result(item, returned.content, returned.error)
        return [self._of(item, f"response.mcp_call.{item['status']}"), self._done(item)]

    def _finish(self, end: Ended) -> list[Event]:
        self._end = end
        self._status = _STATUS.get(end.outcome, "failed")
        events = self._finish_speaking()
        for item in self._calls.values():
            events += self._settle(item, end)
        for each in end.interrupts:
            if each.get("reason") != CLIENT_TOOL:
                item = items.approval_request(each["id"], each["tool"], json.dumps(each["arguments"]))
                events += [self._add(item), self._done(item)]
        last = {"completed": "response.completed", "failed": "response.failed"}
        return [*events, self._event(last.get(self._status, "response.incomplete"), response=self.record())]

    def _settle(self, item: dict[str, Any], end: Ended) -> list[Event]:
        """A call that is still open at the end."""
        if item["status"] != "in_progress":
            return []
        item["status"] = "completed" if end.outcome == "waiting" else "incomplete"
        if item["type"] == "function_call":
            item["arguments"] = item["arguments"] or "{}"
            name, arguments = item["name"], item["arguments"]
            done = self._of(item, "response.function_call_arguments.done", name=name, arguments=arguments)
            return [done, self._done(item)]
        return [self._done(item)]


def _usage(counted: Mapping[str, int]) -> dict[str, Any]:
    read, written = counted.get("input_tokens", 0), counted.get("output_tokens", 0)
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + written,
    }
