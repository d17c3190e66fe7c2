"""Model servers on this computer: looked for on the ports they are known by, and on no other address.

Looking sends `GET …/models` and nothing else: no key, no words, no redirect followed, no proxy. What is found on a port
that is not this user's own (or a system service's) is told, and not to be chosen without asking.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .listeners import Listeners, is_trusted, listeners
from .providers import PROVIDERS, ModelId, Provider, is_loopback
from .web import told

CACHED_S = 30.0
_CONNECT_S = 0.2
_ANSWER_S = 2.0
_LONGEST_ANSWER = 2**20
_NO_CHAT = re.compile(r"embed|rerank|whisper|text-to-speech|\btts\b|(^|[/_-])(bge|e5|gte|clip)[-_]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class LocalServer:
    """A server that answered: what it offers, the model that would be asked first. `is_trusted`: it is this user's."""

    provider: Provider
    models: tuple[str, ...]
    is_trusted: bool

    @property
    def model_id(self) -> ModelId:
        return ModelId(self.provider, self.models[0])


class LocalServers:
    """What is found on this computer, looked for again after 30 s. Callers that come at once share one look."""

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        providers: Sequence[Provider] = tuple(PROVIDERS.values()),
        whose: Callable[[], Listeners | None] = listeners,
    ) -> None:
        self._environment = environment
        self._providers = providers
        self._whose = whose
        self._looked_at: float | None = None
        self._look: asyncio.Task[tuple[LocalServer, ...]] | None = None
        self.known: tuple[LocalServer, ...] = ()
        """What the last look found."""

    async def found(self) -> tuple[LocalServer, ...]:
        """The servers there are, in the table's order, at most 30 s old."""
        if self._looked_at is not None and time.monotonic() - self._looked_at < CACHED_S:
            return self.known
        if self._look is None or self._look.done():
            self._look = asyncio.get_running_loop().create_task(self._found())
        return await asyncio.shield(self._look)

    async def _found(self) -> tuple[LocalServer, ...]:
        places = [(each, url) for each in self._providers if (url := self._address(each))]
        whose = await asyncio.to_thread(self._whose)
        if whose is not None:
            places = [(provider, url) for provider, url in places if _port(url) in whose]
        servers = await self._asked(places, whose or {}) if places else ()
        self.known, self._looked_at = tuple(servers), time.monotonic()
        return self.known

    def _address(self, provider: Provider) -> str | None:
        """Where the provider would be on this computer; `None` for those that are elsewhere."""
        url = provider.url(self._environment)
        return url if is_loopback(url) else None

    async def _asked(self, places: Sequence[tuple[Provider, str]], whose: Listeners) -> list[LocalServer]:
        answers = await asyncio.gather(*(_models_at(url) for _, url in places))
        own_uid = os.getuid() if hasattr(os, "getuid") else -1
        is_shared_host = any(name.startswith("JUPYTERHUB_") for name in self._environment)
        return [
            LocalServer(provider, models, is_trusted(whose.get(_port(url), ()), own_uid, is_shared_host=is_shared_host))
            for (provider, url), models in zip(places, answers, strict=True)
            if models
        ]


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


async def _models_at(url: str) -> tuple[str, ...]:
    """The models a server offers for chats; none where nothing, or something else, is there."""
    answer = await told(f"{url}/models", {}, within_s=_ANSWER_S, most_bytes=_LONGEST_ANSWER, connect_s=_CONNECT_S)
    return models_in(answer)


def models_in(answer: Any) -> tuple[str, ...]:
    """The ids in a list of models, without those that only embed, rank or speak; loaded ones first."""
    listed = answer.get("data") if isinstance(answer, dict) else None
    rows = [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
    usable = [row for row in rows if isinstance(row.get("id"), str) and row["id"] and not _is_no_chat(row)]
    return tuple(row["id"] for row in sorted(usable, key=lambda row: row.get("state") != "loaded"))


def _is_no_chat(row: Mapping[str, Any]) -> bool:
    return row.get("type") == "embeddings" or bool(_NO_CHAT.search(row["id"]))
