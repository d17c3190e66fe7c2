"""Who answers where nobody was named: one order, and what the chip says about it. Pure.

The message's own model, then the server's setting, then the environment, then a model server of this user's on this
computer, then direct mode, which needs none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .detect import LocalServer
from .providers import PROVIDERS, ModelId, label_of, parse_model_id

Why = Literal["asked", "setting", "environment", "key", "found", "nothing else"]

DIRECT = "direct"
DIRECT_LABEL = "Direct mode · no AI model"
MODEL_VARIABLE = "JUPYTER_CHAT_MODEL"


@dataclass(frozen=True, slots=True)
class Choice:
    """An agent's id with what the chip says, and why it is this one."""

    id: str
    label: str
    why: Why


def choose(
    asked: str | None,
    setting: str | None,
    environment: Mapping[str, str],
    keyed: Sequence[str] = (),
    found: Sequence[LocalServer] = (),
) -> Choice:
    """The agent to load. `keyed`: the providers there is a key for; `found`: the servers on this computer."""
    for name, why in _named(asked, setting, environment):
        if name and name.strip():
            return _choice(name.strip(), why, environment)
    for name in keyed:
        provider = PROVIDERS[name]
        if provider.model:
            return _choice(str(ModelId(provider, provider.model)), "key", environment)
    for server in found:
        if server.is_trusted:
            return _choice(str(server.model_id), "found", environment)
    return _choice(DIRECT, "nothing else", environment)


def _named(
    asked: str | None, setting: str | None, environment: Mapping[str, str]
) -> tuple[tuple[str | None, Why], ...]:
    return (asked, "asked"), (setting, "setting"), (environment.get(MODEL_VARIABLE), "environment")


def _choice(name: str, why: Why, environment: Mapping[str, str]) -> Choice:
    model_id = parse_model_id(name)
    label = label_of(model_id, environment) if model_id else DIRECT_LABEL if name == DIRECT else name
    return Choice(name, label, why)
