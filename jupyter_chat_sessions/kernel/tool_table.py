"""What `%chat tools` shows: the tools there are, what holds for each, and which the next prompts may use."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from .service import Record

_LEVELS = {
    "isolated": "The operating system keeps the chat's own Python and shell in its folder (level `isolated`).",
    "confined": "The operating system keeps the chat's own Python and shell in its folder (level `confined`).",
    "unconfined": "Nothing confines the chat's Python and shell here (level `unconfined`).",
}
_WORDS = {"allow": "runs", "ask": "asks first", "deny": "is refused"}


def tool_table(told: Record, chosen: Collection[str] | None) -> str:
    """`told` is what a service's `tools` gives; `chosen` the names that may be used, `None` for all."""
    lines = [_choice(chosen), "", "| tool | when a model calls it | |", "|---|---|---|"]
    for tool in told["tools"]:
        holds = _holding(tool) if chosen is None or tool["name"] in chosen else "off"
        first = re.split(r"[.:;](?: |$)", tool["description"], maxsplit=1)[0]
        lines.append(f"| `{tool['name']}` | {holds} | {_cell(first)} |")
    level = _LEVELS.get(told["level"], f"The level is `{told['level']}`.")
    return "\n".join([*lines, "", f"{level} What you type yourself is not asked about."])


def _choice(chosen: Collection[str] | None) -> str:
    if chosen is None:
        return "`%chat` may use these tools; `%chat tools off` sends without, `%chat tools only NAME, NAME` with some."
    some = ", ".join(f"`{name}`" for name in chosen)
    return f"`%chat` {f'may use {some} only' if some else 'sends without tools'}. `%chat tools on` brings all back."


def _holding(tool: Mapping[str, Any]) -> str:
    consent = tool.get("consent")
    holds = _WORDS.get(tool["permission"], str(tool["permission"]))
    if not consent or consent["permission"] == tool["permission"]:
        return holds
    where = ", ".join(f"{name} {value}" for name, value in consent["arguments"].items())
    return f"{holds}; {_WORDS.get(consent['permission'], consent['permission'])} with {_cell(where)}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
