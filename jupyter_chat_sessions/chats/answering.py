"""Who answers on this server: agents by name, from its configuration, from what is installed, and models."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping

from ..agents.choose import Choice, choose
from ..agents.detect import LocalServers
from ..agents.keys import Keys
from ..agents.registry import load_agent
from ..core.errors import AgentFailed, ChatError
from ..core.roles import Agent

log = logging.getLogger(__name__)


class Answering:
    """`configured` agents come before installed ones. `default` answers where nobody is named; blank: what is there."""

    def __init__(self, default: str, configured: Mapping[str, Callable[[], Agent]], *, looks_around: bool) -> None:
        self._default = default
        self._configured = configured
        self._looks_around = looks_around
        self._keys = Keys()
        self._servers = LocalServers(os.environ)
        self._agents: dict[str, Agent] = {}

    async def look_around(self) -> None:
        """Finds the model servers on this computer that belong to this user, unless that is switched off."""
        if self._looks_around and not self._default:
            await self._servers.found()

    def agent(self, name: str | None) -> Agent:
        """The agent of that name, made at its first use. A `ChatError` where there is none, or it cannot be made."""
        chosen = self._chosen(name).id
        if chosen not in self._agents:
            self._agents[chosen] = self._made(chosen)
        return self._agents[chosen]

    def _chosen(self, name: str | None) -> Choice:
        found = self._servers.known if self._looks_around else ()
        return choose(name, self._default, os.environ, self._keys.providers(), found)

    def _made(self, name: str) -> Agent:
        make = self._configured.get(name)
        try:
            return make() if make is not None else load_agent(name, self._keys)
        except ChatError:
            raise
        except Exception as fault:  # another package's fault must cost its own answers only
            log.exception("The agent %r cannot be made.", name)
            raise AgentFailed("agent_unavailable", f"The agent {name!r} cannot be used here: {fault!r}.") from fault

    def about(self) -> dict[str, str]:
        """Who answers by default, as a `hello` says it."""
        choice = self._chosen(None)
        try:
            agent = self.agent(None)
        except ChatError as fault:
            return {"id": choice.id, "label": fault.message, "kind": "none"}
        label = agent.label if choice.id in self._configured else choice.label
        return {"id": agent.id, "label": label, "kind": "none" if agent.author == "person" else "model"}

    async def close(self) -> None:
        """Frees the connections to providers."""
        from ..agents.openai_compatible import close_clients

        await close_clients()
