"""One step of a model behind chat completions: ask, pass on what it says, try again where nothing was said yet."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...core.errors import NotFound
from ...core.roles import AgentEvent, Author, Request, RequestSent, Usage
from ..keys import Key, Keys
from ..pictures import Pictures, has_pictures, pictures_of
from ..providers import CLOUD_TOKENS, ModelId, host_of, is_loopback, label_of, parse_model_id
from .body import body_of, encoded
from .endpoint import Endpoint
from .failures import Asked, Feature, ProviderFailed, failure, failure_of_error
from .loaded import tells_loaded
from .patience import Patience, RanOut
from .reading import AnswerReader, ErrorInStream

_FIRST_LOCAL_S = 600.0
"""A server on this computer may load its model first."""
_FIRST_S = 120.0
_WINDOW_KNOWN_S = 60.0
_LIST_KNOWN_S = 3600.0


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


class OpenAICompatible:
    """A model of one provider. Keeps no conversation: what it learns is only what its server refuses to take."""

    author: Author = "model"

    def __init__(
        self,
        model_id: ModelId,
        keys: Keys | None = None,
        environment: Mapping[str, str] = os.environ,
        limits: Limits | None = None,
    ) -> None:
        provider = model_id.provider
        base_url = provider.address(environment)
        self.id = str(model_id)
        self.label = label_of(model_id, environment)
        self._model = model_id.model
        self._provider = provider
        self._keys = keys or Keys(environment)
        self._limits = limits or Limits()
        self._window = provider.window(environment)
        self._left_out: set[Feature] = set()
        self._is_own_address = base_url != provider.base_url
        variable = provider.key_variables[0] if provider.key_variables else ""
        self._asked = Asked(provider.title, host_of(base_url), model_id.model, variable)
        self._endpoint = Endpoint(base_url, self._asked, self._limits.connect_s)
        self._is_local = is_loopback(base_url)
        self._is_window_set = provider.has_window(environment)
        self._tells_loaded = self._is_local and tells_loaded(provider.name)
        self._window_known_until = 0.0
        self._first_s = self._limits.first_s or (_FIRST_LOCAL_S if self._is_local else _FIRST_S)

    async def answer(self, request: Request) -> AsyncGenerator[AgentEvent, None]:
        """One step. Closing it closes the request to the provider."""
        tries = _Tries(self._limits)
        await self._look_at_window()
        pictures = await self._pictures(request)
        while True:
            has_spoken = False
            body = self.body(request, pictures)
            yield RequestSent(body)
            try:
                async with contextlib.aclosing(self._attempt(body)) as lists:
                    async for events in lists:
                        has_spoken = True
                        for event in events:
                            yield await self._measured(event) if isinstance(event, Usage) else event
                return
            except ProviderFailed as failed:
                if has_spoken:
                    raise
                if not self._learn(failed, tries, has_images=bool(pictures)):
                    await asyncio.sleep(tries.pause_after(failed))

    def body(self, request: Request, pictures: Pictures | None = None) -> dict[str, Any]:
        """What would be sent now for this step."""
        return body_of(request, self._model, self._window, self._provider, frozenset(self._left_out), pictures)

    async def _look_at_window(self) -> None:
        """Learns what a server on this computer has loaded, now and then: it may load the model anew."""
        now = asyncio.get_running_loop().time()
        if self._is_window_set or not self._tells_loaded or now < self._window_known_until:
            return
        self._window_known_until = now + _WINDOW_KNOWN_S
        found = await self._endpoint.loaded_tokens(self._provider.name)
        if found is not None:
            self._window = found

    async def _measured(self, usage: Usage) -> Usage:
        """The tokens of a request beside those that fit. Others are asked for these once they have spoken: their words
        wait for nothing. What a service would hold beyond the tokens assumed of services is not filled, for its price.
        """
        now = asyncio.get_running_loop().time()
        if not (self._is_window_set or self._tells_loaded) and now >= self._window_known_until:
            self._window_known_until = now + _LIST_KNOWN_S
            found = await self._endpoint.listed_tokens(await self._key())
            if found is not None:
                self._window = found if self._is_local else min(found, CLOUD_TOKENS)
        return replace(usage, context_limit=self._window)

    async def _pictures(self, request: Request) -> Pictures:
        if request.read_file is None or "images" in self._left_out:
            return {}
        if not has_pictures(request.messages):
            return {}
        return await asyncio.to_thread(pictures_of, request.messages, request.read_file)

    async def _attempt(self, body: dict[str, Any]) -> AsyncGenerator[list[AgentEvent], None]:
        """Asks once. Gives the events that came together as one list; the last list ends the step."""
        key = await self._key()
        reader = AnswerReader(self._provider.name)
        patience = Patience(self._first_s)
        try:
            async with contextlib.aclosing(self._endpoint.chunks(encoded(body), key, patience)) as lists:
                async for chunks in lists:
                    patience.limit_s = self._limits.between_s
                    events = [event for chunk in chunks for event in reader.hear(chunk)]
                    if events:
                        yield events
                    if reader.reason is not None:
                        patience.limit_s = self._limits.after_end_s
        except RanOut:
            if reader.reason is None:
                raise failure("stalled", self._asked) from None
        except ErrorInStream as fault:
            raise failure_of_error(fault.error, self._asked) from None
        finally:
            patience.end()
        if reader.reason is None:
            raise failure("truncated", self._asked)
        yield reader.end()

    async def _key(self) -> Key | None:
        key = await self._keys.found(self._provider)
        if key is None and self._provider.needs_key and not self._is_own_address:
            named = self._provider.key_variables[0]
            raise ProviderFailed(
                "auth", f"There is no API key for {self._provider.title}: set {named}, or type one in."
            )
        return key

    def _learn(self, failed: ProviderFailed, tries: _Tries, *, has_images: bool) -> bool:
        """Whether the failure says what to do otherwise, which is then remembered; asking again makes sense at once."""
        if failed.code == "bad_request" and failed.feature is None and has_images and "images" not in self._left_out:
            failed.feature = "images"  # no person chose to show them, so they are not worth a failure
        if failed.feature and failed.feature not in self._left_out:
            self._left_out.add(failed.feature)
            return True
        if failed.code == "context_overflow" and not tries.has_shrunk:
            tries.has_shrunk = True
            self._window //= 2
            return True
        return False


@dataclass(slots=True)
class _Tries:
    """How often one step has been tried again."""

    limits: Limits
    retries: int = 0
    has_shrunk: bool = False

    def pause_after(self, failed: ProviderFailed) -> float:
        """The seconds to wait before the next try. Raises the failure where there is to be none."""
        asked_for = failed.retry_after or 0.0
        if not failed.is_passing or self.retries >= self.limits.retries or asked_for > self.limits.longest_retry_s:
            raise failed
        self.retries += 1
        pause = self.limits.retry_s * self.retries
        return asked_for + pause * random.uniform(0.5, 1.0)


def agent_for(name: str, keys: Keys | None = None) -> OpenAICompatible:
    """The agent of a model id such as `openai:gpt-4.1-mini`. `NotFound` where the id has no provider of the table."""
    model_id = parse_model_id(name)
    if model_id is None:
        raise NotFound(f"{name!r} is no model id: a provider, a colon and a model's name, as in openai:gpt-4.1-mini.")
    return OpenAICompatible(model_id, keys)
