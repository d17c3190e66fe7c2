"""Who may do what without being asked: the rules of permission, and nothing else.

The strongest voice counts: an administrator's, which nothing loosens; then what a person granted for the thread; then
the tool's own. Code a person typed is theirs and is never judged. Where the operating system confines nothing, what a
model wrote asks before it acts, whatever the tool says; only an administrator or the person's grant lifts that.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from .roles import Author, Level, Permission, ToolSpec


@dataclass(frozen=True, slots=True)
class Policy:
    """An administrator's rules: a permission for each tool they name, and for all others under `*`."""

    tools: Mapping[str, Permission] = field(default_factory=dict)

    def permission(self, tool: ToolSpec, author: Author, level: Level, granted: Collection[str]) -> Permission:
        """What holds for one call of `tool` in a thread whose person has granted these tools."""
        if author == "person":
            return "allow"
        ruled = self.tools.get(tool.name, self.tools.get("*"))
        if ruled is not None:
            return ruled
        if tool.permission == "deny" or tool.name in granted:
            return "deny" if tool.permission == "deny" else "allow"
        return "ask" if tool.acts and level == "unconfined" else tool.permission
