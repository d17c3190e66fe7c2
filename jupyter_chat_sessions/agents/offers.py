"""What can be chosen to answer, and why it is offered. Choosing among them: `choose`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any, Literal

from .choose import DIRECT, DIRECT_LABEL, MODEL_VARIABLE, Choice
from .detect import LocalServer
from .keys import Keys
from .providers import PROVIDERS, ModelId, Provider, label_of, parse_model_id

INSTALL = "pip install 'jupyter_chat_sessions[models]'"
_OWN_LABELS = {DIRECT: DIRECT_LABEL, "replay": "Recording · plays recording.jsonl among this chat's files"}
_NEEDS = {"anthropic": "anthropic", "google": "google.genai", "bedrock": "boto3", "cohere": "cohere"}

OfferedBecause = Literal["setting", "environment", "key", "found", "installed", "always"]


@dataclass(frozen=True, slots=True)
class Offer:
    """An id that may be chosen. `is_trusted` is false for a server on this computer that may be another user's."""

    id: str
    label: str
    why: OfferedBecause
    is_trusted: bool = True

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {"id": self.id, "label": self.label, "why": self.why, "trusted": self.is_trusted}


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """A provider with where its key comes from. `install`: what its models need first; "" where nothing is missing."""

    name: str
    title: str
    set: bool
    source: str | None
    needs_key: bool
    variable: str
    model: str
    install: str

    def record(self) -> dict[str, Any]:
        """As JSON: never the key."""
        return asdict(self)


def offers(
    current: Choice,
    setting: str,
    environment: Mapping[str, str],
    keyed: Sequence[str],
    found: Sequence[LocalServer],
    installed: Sequence[str],
) -> tuple[Offer, ...]:
    """Everything there is, each once: what answers now first, direct mode last. `installed`: other agents' names."""
    offered = [Offer(current.id, current.label, _why(current), True)] if current.id != DIRECT else []
    named: tuple[tuple[str, OfferedBecause], ...] = (
        (setting, "setting"),
        (environment.get(MODEL_VARIABLE, ""), "environment"),
    )
    offered += [Offer(name.strip(), label_for(name.strip(), environment), why) for name, why in named if name.strip()]
    for each in (PROVIDERS[name] for name in keyed):
        if each.model:
            offered.append(
                Offer(str(ModelId(each, each.model)), label_of(ModelId(each, each.model), environment), "key")
            )
    for server in found:
        for model in server.models:
            model_id = ModelId(server.provider, model)
            offered.append(Offer(str(model_id), label_of(model_id, environment), "found", server.is_trusted))
    offered += [Offer(name, label_for(name, environment), "installed") for name in installed if name != DIRECT]
    offered.append(Offer(DIRECT, DIRECT_LABEL, "always"))
    return tuple({offer.id: offer for offer in reversed(offered)}.values())[::-1]


def _why(choice: Choice) -> OfferedBecause:
    return choice.why if choice.why in ("setting", "environment", "key", "found") else "installed"


def label_for(name: str, environment: Mapping[str, str]) -> str:
    """What the chip says for any id."""
    model_id = parse_model_id(name)
    return label_of(model_id, environment) if model_id else _OWN_LABELS.get(name, name)


def key_places(keys: Keys) -> tuple[KeyPlace, ...]:
    """Where each provider's key comes from, for those that take one."""
    return tuple(
        KeyPlace(
            name=each.name,
            title=each.title,
            set=(source := keys.source(each)) is not None,
            source=source,
            needs_key=each.needs_key,
            variable=each.key_variables[0],
            model=f"{each.name}:{each.model}" if each.model else "",
            install="" if is_usable(each) else INSTALL,
        )
        for each in PROVIDERS.values()
    )


def is_usable(provider: Provider) -> bool:
    """Whether what speaks its wire is installed. Imports nothing that costs time."""
    if provider.through != "pydantic-ai":
        return True
    return _is_there("pydantic_ai") and _is_there(_NEEDS.get(provider.name, "pydantic_ai"))


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ImportError:  # the package above it is missing
        return False
