"""What chunks of a chat completion say, as events: words, thinking, tool calls in pieces, tokens, how it ended.

Servers differ in how they cut tool calls up. Which call a piece belongs to is told by an id that is known, else by its
index, else it goes on with the last one. A name with a new id, another name, or a name after arguments that are whole
begins another call; a new id alone does not, since some servers give every piece one.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...core.roles import AgentEvent, Done, ReasoningDelta, TextDelta, ToolCallDelta, Usage
from .sse import DONE

_REASONS = {"stop": "stop", "length": "length", "content_filter": "content_filter", "max_tokens": "length"}


class ErrorInStream(Exception):
    """A chunk that is an error. `error` is the provider's own and must not be shown."""

    def __init__(self, error: Any) -> None:
        super().__init__("an error in the stream")
        self.error = error


@dataclass(slots=True)
class _Call:
    place: int
    id: str
    index: int | None
    name: str
    arguments: str = ""
    extra: dict[str, Any] | None = None
    """What came with it and goes back with it: Google's signature of the thought that led to it."""

    @property
    def is_whole(self) -> bool:
        """Whether its arguments are a JSON object already."""
        try:
            return isinstance(json.loads(self.arguments), dict)
        except (ValueError, RecursionError):
            return False


class AnswerReader:
    """Reads one answer, chunk by chunk."""

    def __init__(self, provider: str = "") -> None:
        self._provider = provider
        self._calls: list[_Call] = []
        self._usage: Usage | None = None
        self.reason: str | None = None
        """Why the provider says it ended; `None` while it has not."""

    def heard(self, chunks: Iterable[Mapping[str, Any]]) -> Iterator[AgentEvent]:
        """The events of chunks that came together. `ErrorInStream` at the one that is an error."""
        for chunk in chunks:
            yield from self.hear(chunk)

    def hear(self, chunk: Mapping[str, Any]) -> list[AgentEvent]:
        """The events of one chunk. `ErrorInStream` where it is an error."""
        usage = chunk.get("usage")
        if usage:
            self._count(usage)
        choices = chunk.get("choices")
        if not choices:
            if chunk is DONE:
                self.reason = self.reason or "stop"
            elif chunk.get("error") or chunk.get("object") == "error":
                raise ErrorInStream(chunk.get("error") or chunk)
            return []
        choice = choices[0] if isinstance(choices, list) else None
        if not isinstance(choice, dict):
            return []
        delta = choice.get("delta") or choice.get("message")
        events = self._said(delta) if isinstance(delta, dict) else []
        reason = choice.get("finish_reason")
        if reason:
            if reason == "error":
                raise ErrorInStream(chunk.get("error") or choice.get("error"))
            self.reason = str(reason)
        return events

    def end(self) -> list[AgentEvent]:
        """The last events: the tokens where they were told, and how it ended."""
        counted: list[AgentEvent] = [self._usage] if self._usage else []
        reason = _REASONS.get(self.reason or "stop", "stop")
        state = None
        if any(call.extra for call in self._calls):
            state = {"provider": self._provider, "calls": [call.extra for call in self._calls]}
        return [*counted, Done("tool_calls" if self._calls and reason == "stop" else reason, state)]

    def _said(self, delta: Mapping[str, Any]) -> list[AgentEvent]:
        events: list[AgentEvent] = []
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        if thought and isinstance(thought, str):
            events.append(ReasoningDelta(thought))
        content = delta.get("content") or delta.get("refusal")
        if content:
            if isinstance(content, str):
                events.append(TextDelta(content))
            else:
                events += _parts(content)
        calls = delta.get("tool_calls")
        if isinstance(calls, list):
            events += [self._piece(call) for call in calls if isinstance(call, dict)]
        return events

    def _piece(self, piece: Mapping[str, Any]) -> ToolCallDelta:
        function = piece.get("function")
        function = function if isinstance(function, dict) else {}
        name, given = str(function.get("name") or ""), function.get("arguments")
        arguments = given if isinstance(given, str) else "" if given is None else json.dumps(given)
        call_id, index = str(piece.get("id") or ""), piece.get("index")
        call = self._known(call_id, index, name)
        extra = piece.get("extra_content")
        extra = {"extra_content": extra} if isinstance(extra, dict) and extra else None
        if call is not None:
            call.arguments += arguments
            call.extra = extra or call.extra
            return ToolCallDelta(call.place, arguments=arguments)
        call = _Call(len(self._calls), call_id, index, name, arguments, extra)
        self._calls.append(call)
        return ToolCallDelta(call.place, call.id or None, name, arguments)

    def _known(self, call_id: str, index: int | None, name: str) -> _Call | None:
        """The call that a piece goes on with; `None` where it begins one."""
        if call_id and any(call.id == call_id for call in self._calls):
            return next(call for call in self._calls if call.id == call_id)
        if index is not None:
            call = next((call for call in reversed(self._calls) if call.index == index), None)
        else:
            call = self._calls[-1] if self._calls else None
        if call is None or (call_id and name):
            return None
        begins_another = bool(name) and (name != call.name or call.is_whole)
        return None if begins_another else call

    def _count(self, usage: Any) -> None:
        """Some tell the tokens so far with every chunk: the last word counts."""
        if isinstance(usage, dict):
            read, written = _number(usage.get("prompt_tokens")), _number(usage.get("completion_tokens"))
            self._usage = Usage(read, written, _cost(usage.get("cost")))


def _number(given: Any) -> int:
    return given if isinstance(given, int) else 0


def _cost(given: Any) -> float | None:
    """What OpenRouter, and who does as it does, says an answer cost, in US dollars."""
    is_sum = isinstance(given, (int, float)) and not isinstance(given, bool)
    return float(given) if is_sum and 0 <= given < math.inf else None


def _parts(content: Any) -> Iterable[AgentEvent]:
    """Content as a list of parts, which some write: `text`, and `thinking` with parts of its own."""
    for part in content if isinstance(content, list) else ():
        if not isinstance(part, dict):
            continue
        if part.get("type") == "thinking":
            thought = part.get("thinking")
            inner = thought if isinstance(thought, list) else [{"text": thought}]
            yield ReasoningDelta("".join(str(each.get("text") or "") for each in inner if isinstance(each, dict)))
        elif isinstance(part.get("text"), str):
            yield TextDelta(part["text"])
