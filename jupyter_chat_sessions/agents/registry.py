"""Agents by name. Nothing is imported until an agent is asked for; a package's own code runs only when it is chosen.

Those of this package come first, so that "direct" is always there and always ours; others come from entry points in
the group `jupyter_chat_sessions.agents`, each a class (or any callable) that takes nothing and gives an `Agent`.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from ..core.errors import NotFound
from ..core.roles import Agent

GROUP = "jupyter_chat_sessions.agents"

_BUILT_IN = {"direct": EntryPoint("direct", "jupyter_chat_sessions.agents.direct:DirectAgent", GROUP)}


def agent_names() -> tuple[str, ...]:
    """The names `load_agent` knows, sorted. Imports none of them."""
    return tuple(sorted(_BUILT_IN.keys() | entry_points(group=GROUP).names))


def load_agent(name: str) -> Agent:
    """A fresh agent of that name. `NotFound` where nothing installed has it."""
    entry = _BUILT_IN.get(name) or next(iter(entry_points(group=GROUP, name=name)), None)
    if entry is None:
        raise NotFound(f"No agent is named {name!r}; there is {', '.join(agent_names())}.")
    agent: Agent = entry.load()()
    return agent
