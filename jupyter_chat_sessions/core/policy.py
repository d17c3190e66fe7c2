"""Who may do what without being asked: the rules of permission, and nothing else.

The strongest voice counts: an administrator's, which nothing loosens; then the person's own setting; then what they
granted for the thread; then the tool's own. Code a person typed is theirs and is never judged. Where the operating
system confines nothing, what a model wrote asks before it acts, whatever the tool says; only an administrator or the
person lifts that. What must be asked each time, or needs a consent of its own, is lifted by no rule for all tools.

A visitor of a shared thread has no voice. What their message would have reach further than the thread asks the person
each time, whatever was granted and whoever wrote it: the notebook, its kernel, the person's files, and any tool that
does not say that it stays in the thread.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from .roles import Author, Consent, Level, Permission, ToolSpec

_NOTHING: Mapping[str, Any] = {}
_PERMISSIONS: tuple[Permission, ...] = get_args(Permission)


@dataclass(frozen=True, slots=True)
class Policy:
    """An administrator's rules: a permission for each tool they name, and for all others under `*`."""

    tools: Mapping[str, Permission] = field(default_factory=dict)

    def permission(
        self,
        tool: ToolSpec,
        author: Author,
        level: Level,
        granted: Collection[str],
        wanted: Mapping[str, str] = _NOTHING,
        arguments: Mapping[str, Any] = _NOTHING,
    ) -> Permission:
        """What holds for one call of `tool` with these arguments.

        `granted`: what the person has granted for the thread; `wanted`: their own settings, by the tool's name.
        """
        if author == "person":
            return "allow"
        voice = self._rule(tool, arguments) or _setting(tool, wanted)
        if tool.is_question:
            return "deny" if voice == "deny" else "ask"
        if voice is not None:
            return voice
        own = _own(tool, level, arguments)
        is_granted = own == "ask" and not tool.asks_each_time and grant_of(tool, arguments) in granted
        return "allow" if is_granted else own

    def _rule(self, tool: ToolSpec, arguments: Mapping[str, Any]) -> Permission | None:
        for_all = self.tools.get("*")
        if for_all == "allow" and (tool.asks_each_time or _consent(tool, arguments)):
            for_all = None
        return self.tools.get(tool.name, for_all)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far what runs in a thread's sandbox gets: `sees_folder`, whether it may read the notebook's folder."""

    level: Level
    sees_folder: bool = False

    def leaves_thread(self, tool: ToolSpec, arguments: Mapping[str, Any]) -> bool:
        """Whether the call may get at what is the person's own."""
        gets_out = tool.acts and (self.level == "unconfined" or self.sees_folder)
        return gets_out or not tool.stays_in_thread or _consent(tool, arguments) is not None


def for_visitor(held: Permission, tool: ToolSpec, reach: Reach, arguments: Mapping[str, Any] = _NOTHING) -> Permission:
    """What holds for a call that a visitor's message led to, where `held` would for the person's own."""
    return "ask" if held == "allow" and reach.leaves_thread(tool, arguments) else held


def grant_of(tool: ToolSpec, arguments: Mapping[str, Any]) -> str:
    """What a person grants who allows such calls for the whole thread."""
    consent = _consent(tool, arguments)
    return consent.name if consent else tool.name


def _setting(tool: ToolSpec, wanted: Mapping[str, str]) -> Permission | None:
    setting = next((each for each in _PERMISSIONS if each == wanted.get(tool.name)), None)
    return None if setting == "allow" and tool.asks_each_time else setting


def _own(tool: ToolSpec, level: Level, arguments: Mapping[str, Any]) -> Permission:
    if tool.permission == "deny":
        return "deny"
    is_bare = tool.acts and level == "unconfined"
    return "ask" if is_bare or _consent(tool, arguments) else tool.permission


def _consent(tool: ToolSpec, arguments: Mapping[str, Any]) -> Consent | None:
    """The consent that a call with these arguments needs."""
    consent = tool.consent
    is_needed = consent and all(arguments.get(name) == value for name, value in consent.where.items())
    return consent if is_needed else None
