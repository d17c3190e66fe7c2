"""What every agent of a provider's model has, whatever wire it is asked over: whose model, where, by which key."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core.roles import Author, Request
from ..keys import Key, Keys
from ..pictures import Pictures, has_pictures, pictures_of
from ..providers import ModelId, host_of, label_of
from .body import body_of
from .failures import Asked, Feature, ProviderFailed


@dataclass(frozen=True, slots=True)
class Limits:
    """How long is waited, in seconds, and how often is tried. There is no limit in total."""

    connect_s: float = 5.0
    first_s: float | None = None
    """Until the first piece; `None`: 600 on this computer, 120 elsewhere."""
    between_s: float = 120.0
    after_end_s: float = 5.0
    """Until the stream closes or counts its tokens, once the model has said that it ended."""
    retries: int = 2
    retry_s: float = 0.5
    longest_retry_s: float = 30.0
    """A provider that asks for a longer pause than this is not waited for."""


class ModelAgent:
    """A model of one provider. Keeps no conversation: what it learns is only what its server refuses to take.

    `AgentFailed` where its provider has no address.
    """

    author: Author = "model"
    foreign_features: tuple[Feature, ...] = ()
    """What its wire has no word for."""

    def __init__(
        self,
        model_id: ModelId,
        keys: Keys | None = None,
        environment: Mapping[str, str] = os.environ,
        limits: Limits | None = None,
    ) -> None:
        provider = model_id.provider
        self._base_url = provider.address(environment)
        self.id = str(model_id)
        self.label = label_of(model_id, environment)
        self._model = model_id.model
        self._provider = provider
        self._keys = keys or Keys(environment)
        self._limits = limits or Limits()
        self._window = provider.window(environment)
        self._left_out = set(self.foreign_features)
        self._is_own_address = self._base_url != provider.base_url
        host = host_of(self._base_url) or provider.title
        self._asked = Asked(provider.title, host, model_id.model, next(iter(provider.key_variables), ""))

    def body(self, request: Request, pictures: Pictures | None = None) -> dict[str, Any]:
        """What would be asked now for this step, in the shape of chat completions."""
        return body_of(request, self._model, self._window, self._provider, frozenset(self._left_out), pictures)

    async def _pictures(self, request: Request) -> Pictures:
        if request.read_file is None or "images" in self._left_out or not has_pictures(request.messages):
            return {}
        return await asyncio.to_thread(pictures_of, request.messages, request.read_file)

    async def _key(self) -> Key | None:
        """The provider's key; whoever is at an address of a person's own may need none."""
        key = await self._keys.found(self._provider)
        if key is None and self._provider.needs_key and not self._is_own_address:
            named = self._asked.key_variable
            words = f"There is no API key for {self._provider.title}: set {named}, or type one in."
            raise ProviderFailed("auth", words)
        return key
