"""What the pickiest of the providers refuse in a list of messages, all of it together."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

MAY_FOLLOW = {
    None: {"system"},
    "system": {"user"},
    "user": {"assistant"},
    "assistant": {"user", "tool"},
    "tool": {"tool", "assistant"},
}


def refusal_of(messages: Sequence[dict[str, Any]]) -> str | None:
    """Why these messages would be refused; `None` where they would not."""
    before = None
    waiting: list[str] = []
    seen: set[str] = set()
    for place, message in enumerate(messages):
        role = message["role"]
        if role not in MAY_FOLLOW[before]:
            return f"message {place}: {role} after {before}"
        if role == "tool":
            if not waiting or waiting.pop(0) != message["tool_call_id"]:
                return f"message {place}: a result that no call waits for in this place"
        elif waiting:
            return f"message {place}: calls without a result: {waiting}"
        if before == "assistant" and role == "user" and messages[place - 1].get("tool_calls"):
            return f"message {place}: a question where a result was due"
        calls = message.get("tool_calls", ()) if role == "assistant" else ()
        faults = [_of_content(message, bool(calls)), *(_of_call(call, seen) for call in calls)]
        refused = next(filter(None, faults), None)
        if refused:
            return f"message {place}: {refused}"
        waiting = waiting + [call["id"] for call in calls]
        before = role
    if waiting:
        return f"calls without a result: {waiting}"
    return None if before in ("user", "tool") else f"the last message is {before}'s"


def _of_content(message: dict[str, Any], has_calls: bool) -> str | None:
    content = message["content"]
    if content is None and has_calls:
        return None
    if isinstance(content, list):
        is_known = all(part["type"] in ("text", "image_url") for part in content)
        return None if content and is_known else "parts of no known kind"
    return None if isinstance(content, str) and content.strip() else "empty content"


def _of_call(call: dict[str, Any], seen: set[str]) -> str | None:
    if not re.fullmatch(r"[A-Za-z0-9_.:-]{1,40}", call["id"]):
        return f"call id {call['id']!r}"
    if call["id"] in seen:
        return f"call id {call['id']!r} again"
    seen.add(call["id"])
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", call["function"]["name"]):
        return f"function name {call['function']['name']!r}"
    try:
        arguments = json.loads(call["function"]["arguments"])
    except ValueError:
        return "arguments that are no JSON"
    return None if isinstance(arguments, dict) else "arguments that are no object"
