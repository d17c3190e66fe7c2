"""A message as a session meets it, whatever door it came through: what it says and asks for is sound."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ..core.errors import Malformed
from ..core.events import Sent
from ..core.ids import new_run_id, parse_message_id
from ..core.transcript import Options


def message_sent(
    message_id: str,
    content: str | list[Any],
    options: Options,
    tools: Collection[str],
    context: tuple[Mapping[str, Any], ...] = (),
) -> Sent:
    """What a session meets; `tools` are the names of those there are. `Malformed` says what does not fit."""
    if is_blank(content):
        raise Malformed("content: a message has at least one character that is not blank.")
    unknown = [name for name in options.tool_names or () if name not in tools]
    if unknown:
        raise Malformed(f"tool_names: there is no tool {unknown[0][:80]!r} here; there are {', '.join(sorted(tools))}.")
    mode = options.mode or "queue"
    return Sent(parse_message_id(message_id), content, new_run_id(), mode, options, context)  # type: ignore[arg-type]


def is_blank(content: str | list[Any]) -> bool:
    """Whether a message says nothing."""
    if isinstance(content, str):
        return not content.strip()
    return all(part["type"] == "text" and not part["text"].strip() for part in content)
