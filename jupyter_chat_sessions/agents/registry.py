"""Agents by name. Nothing is imported until an agent is asked for; a package's own code runs only when it is chosen.

Those of this package come first, so that "direct" is always there and always ours; others come from entry points in
the group `jupyter_chat_sessions.agents`, each a class (or any callable) that takes nothing and gives an `Agent`.
A name `provider:model` is a model: of this package's table of providers, else of the entry point that has the
provider's name, which is then called with the model's.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from ..core.errors import NotFound
from ..core.roles import Agent
from .providers import PROVIDERS, parse_model_id

if TYPE_CHECKING:
    from .keys import Keys

GROUP = "jupyter_chat_sessions.agents"

_BUILT_IN = {"direct": EntryPoint("direct", "jupyter_chat_sessions.agents.direct:DirectAgent", GROUP)}
_OF_THE_TABLE = {
    "chat completions": EntryPoint("models", "jupyter_chat_sessions.agents.openai_compatible:OpenAICompatible", GROUP),
    "pydantic-ai": EntryPoint("models", "jupyter_chat_sessions.agents.pydantic_ai:PydanticAI", GROUP),
}


def agent_names() -> tuple[str, ...]:
    """The names `load_agent` knows, sorted; models not among them. Imports none of them."""
    return tuple(sorted(_BUILT_IN.keys() | entry_points(group=GROUP).names))


def load_agent(name: str, keys: Keys | None = None) -> Agent:
    """A fresh agent of that name. `keys`: where models of the table find theirs, the environment's by default.

    `NotFound` where nothing installed has the name; `AgentFailed` where a model's provider has no address.
    """
    model_id = parse_model_id(name)
    if model_id is not None:
        of_the_table: Agent = _OF_THE_TABLE[model_id.provider.through].load()(model_id, keys)
        return of_the_table
    entry = _BUILT_IN.get(name) or _installed(name)
    if entry is not None:
        agent: Agent = entry.load()()
        return agent
    provider, _, model = name.partition(":")
    entry = _installed(provider) if model and provider not in _BUILT_IN else None
    if entry is None:
        raise NotFound(_unknown(name))
    model_agent: Agent = entry.load()(model)
    return model_agent


def _installed(name: str) -> EntryPoint | None:
    return next(iter(entry_points(group=GROUP, name=name)), None)


def _unknown(name: str) -> str:
    return (
        f"No agent is named {name!r}; there is {', '.join(agent_names())},"
        f" and models as provider:model of {', '.join(PROVIDERS)}."
    )
