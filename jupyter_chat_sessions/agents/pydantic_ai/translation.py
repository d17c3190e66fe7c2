"""Our words into pydantic-ai's and back: chat-completions messages in, the fields of our events out.

What a provider wants back with a message, such as the signatures of its thoughts, goes out with the last event and
comes in again with the message, as `provider_state`. Only the parts that are not ours to make up are kept.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_ai.messages import (
    BinaryContent,
    ImageUrl,
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    PartDeltaEvent,
    PartStartEvent,
    SystemPromptPart,
    TextPart,
    TextPartDelta,
    ThinkingPart,
    ThinkingPartDelta,
    ToolCallPart,
    ToolCallPartDelta,
    ToolReturnPart,
    UserContent,
    UserPromptPart,
)
from pydantic_ai.models import ModelRequestParameters
from pydantic_ai.tools import ToolDefinition

_REASONS = {"tool_call": "tool_calls", "length": "length", "content_filter": "content_filter"}
_THINKING = ("content", "id", "signature", "provider_name", "provider_details")
_DETAILS = ("id", "provider_name", "provider_details")

Said = list[Any]
"""An event of ours as it travels: its kind, then its fields in their order."""


# --- what is asked ---------------------------------------------------------------------------------------------------


def parameters_of(tools: Sequence[Mapping[str, Any]]) -> ModelRequestParameters:
    """The tools, as they may be called."""
    return ModelRequestParameters(
        function_tools=[
            ToolDefinition(
                name=each["function"]["name"],
                description=each["function"]["description"],
                parameters_json_schema=each["function"]["parameters"],
            )
            for each in tools
        ]
    )


def messages_of(messages: Sequence[Mapping[str, Any]]) -> list[ModelMessage]:
    """The messages; what comes between two of the model's is one request."""
    found: list[ModelMessage] = []
    names: dict[str, str] = {}
    asked: list[ModelRequestPart] = []
    for message in messages:
        if message["role"] == "assistant":
            names.update({call["id"]: call["function"]["name"] for call in message.get("tool_calls", ())})
            found += [ModelRequest(parts=asked)] if asked else []
            found.append(_response(message))
            asked = []
        else:
            asked.append(_request_part(message, names))
    return [*found, ModelRequest(parts=asked)] if asked else found


def _request_part(message: Mapping[str, Any], names: Mapping[str, str]) -> ModelRequestPart:
    content = message["content"]
    if message["role"] == "system":
        return SystemPromptPart(content=content)
    if message["role"] == "tool":
        call_id = message["tool_call_id"]
        return ToolReturnPart(tool_name=names.get(call_id, "unknown"), content=content, tool_call_id=call_id)
    return UserPromptPart(content=content if isinstance(content, str) else [_user_part(part) for part in content])


def _user_part(part: Mapping[str, Any]) -> UserContent:
    if part["type"] == "text":
        return str(part["text"])
    url = str(part["image_url"]["url"])
    if not url.startswith("data:"):
        return ImageUrl(url=url)
    head, _, data = url.partition(",")
    try:
        return BinaryContent(data=base64.b64decode(data), media_type=head[5:].partition(";")[0] or "image/png")
    except binascii.Error:
        return "[an image that cannot be read]"


def _response(message: Mapping[str, Any]) -> ModelResponse:
    state = message.get("provider_state") or {}
    details = state.get("calls") or []
    calls = message.get("tool_calls", ())
    parts: list[ModelResponsePart] = [ThinkingPart(**each) for each in state.get("thinking", ())]
    if message.get("content"):
        parts.append(TextPart(content=message["content"], **(state.get("text") or {})))
    for place, call in enumerate(calls):
        own = details[place] if place < len(details) and details[place] else {}
        function = call["function"]
        parts.append(
            ToolCallPart(tool_name=function["name"], args=function["arguments"], tool_call_id=call["id"], **own)
        )
    return ModelResponse(parts=parts, provider_name=state.get("provider_name"), model_name=state.get("model_name"))


# --- what is said ----------------------------------------------------------------------------------------------------


class Listening:
    """Turns the library's events of one answer into ours. The first words of a part come with its start."""

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._calls: dict[int, int] = {}

    def hear(self, event: Any) -> list[Said]:
        """The events that one of the library's stands for."""
        if isinstance(event, PartStartEvent):
            return self._start(event.index, event.part)
        if not isinstance(event, PartDeltaEvent):
            return []
        delta = event.delta
        if isinstance(delta, TextPartDelta):
            return [["text", delta.content_delta]] if delta.content_delta else []
        if isinstance(delta, ThinkingPartDelta):
            return [["thought", delta.content_delta]] if delta.content_delta else []
        if isinstance(delta, ToolCallPartDelta) and delta.args_delta and event.index in self._calls:
            return [["call", self._calls[event.index], None, None, _text(delta.args_delta)]]
        return []

    def _start(self, index: int, part: Any) -> list[Said]:
        if isinstance(part, TextPart):
            return [["text", part.content]] if part.content else []
        if isinstance(part, ThinkingPart):
            return [["thought", part.content]] if part.content else []
        if isinstance(part, ToolCallPart):
            place = self._calls[index] = len(self._calls)
            return [["call", place, part.tool_call_id, part.tool_name, _text(part.args)]]
        return []

    def end(self, response: ModelResponse, usage: Any) -> list[Said]:
        """The last events: the tokens, then how it ended with what its provider wants back."""
        reason = _REASONS.get(response.finish_reason or "", "tool_calls" if self._calls else "stop")
        return [["usage", usage.input_tokens, usage.output_tokens], ["done", reason, self._state(response)]]

    def _state(self, response: ModelResponse) -> dict[str, Any] | None:
        thinking = [_kept(part, _THINKING) for part in response.parts if isinstance(part, ThinkingPart)]
        calls = [_kept(part, _DETAILS) for part in response.parts if isinstance(part, ToolCallPart)]
        text = next((_kept(part, _DETAILS) for part in response.parts if isinstance(part, TextPart)), {})
        is_signed = any(each.get("signature") or each.get("provider_details") for each in thinking)
        if not (is_signed or any(calls) or text):
            return None
        return {
            "provider": self._provider,
            "provider_name": response.provider_name,
            "model_name": response.model_name,
            "thinking": thinking if is_signed else [],
            "text": text,
            "calls": calls,
        }


def _kept(part: Any, names: Sequence[str]) -> dict[str, Any]:
    found = {name: getattr(part, name, None) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _text(arguments: Any) -> str:
    """Arguments as the text of JSON, or a piece of it."""
    return arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""
