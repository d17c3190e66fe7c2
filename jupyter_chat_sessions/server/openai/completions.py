"""A run as a chat completion: chunks as it goes on, or one whole.

The server's tools are told beside the answer as `x_server_tool`, never as `tool_calls`: a client would try to run them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...core.ids import ThreadId
from .failing import failure_of
from .names import call_id
from .telling import Asked, ClientArguments, ClientCall, Ended, Happening, Returned, Running, Thought, Words

BETWEEN_MESSAGES = "\n\n"


class Completion:
    """Folds a run's happenings into a chat completion."""

    def __init__(self, id_: str, created: int, model: str, thread_id: ThreadId, *, has_usage: bool) -> None:
        self._head = {"id": id_, "created": created, "model": model}
        self._thread_id = thread_id
        self._has_usage = has_usage
        self._text: list[str] = []
        self._thoughts: list[str] = []
        self._speaking: str | None = None
        self._calls: dict[str, dict[str, Any]] = {}
        self._server_tools: dict[str, dict[str, Any]] = {}
        self._end: Ended | None = None

    def first(self) -> dict[str, Any]:
        """The chunk that comes before all others."""
        return self._chunk({"role": "assistant", "content": ""})

    def hear(self, happening: Happening) -> list[dict[str, Any]]:
        """The chunks that tell of it."""
        if isinstance(happening, Words):
            return [self._chunk({"content": self._say(happening)})]
        if isinstance(happening, Thought):
            self._thoughts.append(happening.delta)
            return [self._chunk({"reasoning_content": happening.delta})]
        if isinstance(happening, ClientCall):
            return [self._chunk({"tool_calls": [self._begin_call(happening)]})]
        if isinstance(happening, ClientArguments):
            call = self._calls[happening.call_id]
            call["function"]["arguments"] += happening.delta
            return [self._chunk({"tool_calls": [{"index": call["index"], "function": {"arguments": happening.delta}}]})]
        if isinstance(happening, (Running, Returned, Asked)):
            return [{**self._chunk({}), "x_server_tool": tool} for tool in self._server_tool(happening)]
        return self._last(happening) if isinstance(happening, Ended) else []

    def _say(self, words: Words) -> str:
        """A run may say more than one message; here they are one."""
        is_next = self._speaking is not None and self._speaking != words.message_id
        self._speaking = words.message_id
        text = BETWEEN_MESSAGES + words.delta if is_next else words.delta
        self._text.append(text)
        return text

    def _begin_call(self, begun: ClientCall) -> dict[str, Any]:
        function = {"name": begun.name, "arguments": ""}
        shown = {"id": call_id(self._thread_id, begun.call_id), "type": "function"}
        self._calls[begun.call_id] = {"index": len(self._calls), **shown, "function": dict(function)}
        return {"index": len(self._calls) - 1, **shown, "function": function}

    def _server_tool(self, happening: Running | Returned | Asked) -> list[dict[str, Any]]:
        if isinstance(happening, Asked):
            told = [
                {"id": each["toolCallId"], "name": each["tool"], "arguments": each["arguments"], "status": "asked"}
                for each in happening.interrupts
            ]
        else:
            tool = {"id": happening.call_id, "name": happening.name, "arguments": happening.arguments}
            told = [{**tool, "status": "running"}]
            if isinstance(happening, Returned):
                status = "completed" if happening.error is None else "failed"
                told = [{**tool, "status": status, "output": happening.content}]
        self._server_tools.update({each["id"]: each for each in told})
        return told

    def _last(self, end: Ended) -> list[dict[str, Any]]:
        self._end = end
        failure = failure_of(end)
        if failure is not None:
            return []
        chunks = [self._chunk({}, self._reason())]
        if self._has_usage:
            chunks.append({**self._chunk({}), "choices": [], "usage": self._usage()})
        return chunks

    def _reason(self) -> str:
        return "tool_calls" if self._end is not None and self._end.outcome == "waiting" else "stop"

    def _usage(self) -> dict[str, int]:
        counted: Mapping[str, int] = self._end.usage if self._end is not None else {}
        read, written = counted.get("input_tokens", 0), counted.get("output_tokens", 0)
        return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}

    def _chunk(self, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        chunk = {**self._head, "object": "chat.completion.chunk", "choices": [choice]}
        return {**chunk, "usage": None} if self._has_usage else chunk

    def whole(self, happenings: Iterable[Happening]) -> dict[str, Any]:
        """The completion of a run that has ended. `Failed` where it failed."""
        for happening in happenings:
            self.hear(happening)
        failure = failure_of(self._end) if self._end is not None else None
        if failure is not None:
            raise failure
        calls = [{name: call[name] for name in ("id", "type", "function")} for call in self._calls.values()]
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._text), "refusal": None}
        if calls and self._reason() == "tool_calls":
            message = {**message, "content": message["content"] or None, "tool_calls": calls}
        if self._thoughts:
            message["reasoning_content"] = "".join(self._thoughts)
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self._reason()}
        told = {**self._head, "object": "chat.completion", "choices": [choice], "usage": self._usage()}
        return {**told, "x_server_tools": list(self._server_tools.values())} if self._server_tools else told
