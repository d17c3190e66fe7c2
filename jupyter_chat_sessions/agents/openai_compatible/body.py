"""The request of one step, as the bytes that are sent."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from ...core.roles import Request, ToolSpec
from ..fitting import tokens_in
from ..history import chat_messages
from ..pictures import Pictures
from ..prompt import system_prompt
from ..providers import Provider
from .failures import Feature

_SHARE_TO_READ = 0.9
_MOST_TO_WRITE = 4096
"""Tokens kept free for the answer, or a quarter of the window where that is less."""


def body_of(
    request: Request,
    model: str,
    window: int,
    provider: Provider,
    left_out: Collection[Feature] = (),
    pictures: Pictures | None = None,
) -> dict[str, Any]:
    """The body for a model that reads `window` tokens. Its beginning stays the same from step to step, for caches."""
    tools = [] if "tools" in left_out else tools_of(request.tools)
    system = system_prompt(request.tools if tools else ())
    room = int(window * _SHARE_TO_READ) - min(_MOST_TO_WRITE, window // 4)
    room -= tokens_in(system) + (tokens_in(json.dumps(tools)) if tools else 0)
    messages = chat_messages(
        request.messages,
        system=system,
        budget=max(room, 0),
        dialect=provider.dialect,
        has_images="images" not in left_out,
        provider=provider.name,
        pictures=pictures,
    )
    body: dict[str, Any] = {"model": model, "messages": messages, "stream": True}
    if "stream_options" not in left_out:
        body["stream_options"] = {"include_usage": True}
    if tools:
        body["tools"] = tools
    return body


def tools_of(specs: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """The tools in the wire's shape, by name."""
    return [
        {
            "type": "function",
            "function": {"name": spec.name, "description": spec.description, "parameters": dict(spec.parameters)},
        }
        for spec in sorted(specs, key=lambda spec: spec.name)
    ]


def encoded(body: dict[str, Any]) -> bytes:
    """The body's bytes; a half of a surrogate pair, which is no text, becomes a question mark."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
