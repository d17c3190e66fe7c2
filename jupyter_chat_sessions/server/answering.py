"""Who answers on this server: agents by name, from its configuration and from what is installed."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from ..agents.registry import load_agent
from ..core.errors import AgentFailed, ChatError
from ..core.roles import Agent

log = logging.getLogger(__name__)


class Answering:
    """`configured` agents come before installed ones; `default` answers where nothing else is named."""

    def __init__(self, default: str, configured: Mapping[str, Callable[[], Agent]]) -> None:
        self._default = default
        self._configured = configured
        self._agents: dict[str, Agent] = {}

    def agent(self, name: str | None) -> Agent:
        """The agent of that name, made at its first use. A `ChatError` where there is none, or it cannot be made."""
        name = name or self._default
        if name not in self._agents:
            self._agents[name] = self._made(name)
        return self._agents[name]

    def _made(self, name: str) -> Agent:
        make = self._configured.get(name)
        try:
            return make() if make is not None else load_agent(name)
        except ChatError:
            raise
        except Exception as fault:  # another package's fault must cost its own answers only
            log.exception("The agent %r cannot be made.", name)
            raise AgentFailed("agent_unavailable", f"The agent {name!r} cannot be used here: {fault!r}.") from fault

    def about(self) -> dict[str, str]:
        """Who answers by default, as a `hello` says it."""
        try:
            agent = self.agent(None)
        except ChatError as fault:
            return {"id": self._default, "label": fault.message, "kind": "none"}
        return {"id": agent.id, "label": agent.label, "kind": "none" if agent.author == "person" else "model"}
