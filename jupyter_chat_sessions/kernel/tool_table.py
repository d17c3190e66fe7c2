"""What `%chat tools` shows: the tools there are, what holds for each, and which the next prompts may use."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .command_line import BadLine
from .service import Record

_LEVELS = {
    "isolated": "The operating system keeps the chat's own Python and shell in its folder (level `isolated`).",
    "confined": "The operating system keeps the chat's own Python and shell in its folder (level `confined`).",
    "unconfined": "Nothing confines the chat's Python and shell here (level `unconfined`).",
}
_WORDS = {"allow": "runs", "ask": "asks first", "deny": "is refused"}
_WORDS_ASKING = {**_WORDS, "allow": "asks first"}


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """The tools the next prompts may use, `None` for all, and whether a person is asked before each call."""

    names: list[str] | None = None
    asks_first: bool = False

    def changed(self, words: str, known: Sequence[str]) -> ToolChoice:
        """The choice after `on`, `off`, `ask` or `only NAME, NAME`; `on` ends all the others."""
        if words == "on":
            return ToolChoice()
        if words == "ask":
            return replace(self, asks_first=True)
        names = [] if words == "off" else re.findall(r"\w+", words)[1:]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise BadLine(f"There is no tool {unknown[0]!r} here; `%chat tools` lists them.")
        return replace(self, names=names)


def tool_table(told: Record, choice: ToolChoice) -> str:
    """`told` is what a service's `tools` gives."""
    lines = [_said(choice), "", "| tool | when a model calls it | |", "|---|---|---|"]
    words = _WORDS_ASKING if choice.asks_first else _WORDS
    for tool in told["tools"]:
        holds = _holding(tool, words) if choice.names is None or tool["name"] in choice.names else "off"
        first = re.split(r"[.:;](?: |$)", tool["description"], maxsplit=1)[0]
        lines.append(f"| `{tool['name']}` | {holds} | {_cell(first)} |")
    level = _LEVELS.get(told["level"], f"The level is `{told['level']}`.")
    return "\n".join([*lines, "", f"{level} What you type yourself is not asked about."])


def _said(choice: ToolChoice) -> str:
    if not choice.asks_first:
        return _may_use(choice.names)
    said = (
        "Before each call you are asked, in the sidebar or panel that shows the chat; where none does, it is refused."
    )
    said = f"{said} `%chat tools on` ends that."
    return said if choice.names is None else f"{_may_use(choice.names)} {said}"


def _may_use(names: Collection[str] | None) -> str:
    if names is None:
        return (
            "`%chat` may use these tools; `%chat tools off` sends without, `%chat tools only NAME, NAME` with some,"
            " `%chat tools ask` asks you before each call."
        )
    some = ", ".join(f"`{name}`" for name in names)
    return f"`%chat` {f'may use {some} only' if some else 'sends without tools'}. `%chat tools on` brings all back."


def _holding(tool: Mapping[str, Any], words: Mapping[str, str]) -> str:
    consent = tool.get("consent")
    holds = words.get(tool["permission"], str(tool["permission"]))
    apart = words.get(consent["permission"], str(consent["permission"])) if consent else holds
    if not consent or apart == holds:
        return holds
    where = ", ".join(f"{name} {value}" for name, value in consent["arguments"].items())
    return f"{holds}; {apart} with {_cell(where)}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
