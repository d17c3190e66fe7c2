"""One step of a model behind chat completions: ask, pass on what it says, try again where nothing was said yet."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...core.roles import AgentEvent, Request, RequestSent, Usage
from ..keys import Keys
from ..providers import CLOUD_TOKENS, ModelId, is_loopback
from .body import encoded
from .endpoint import Answer, Endpoint
from .failures import ProviderFailed, failure, failure_of_error
from .loaded import tells_loaded
from .model_agent import Limits, ModelAgent
from .patience import Patience, RanOut
from .reading import AnswerReader, ErrorInStream

_FIRST_LOCAL_S = 600.0
"""A server on this computer may load its model first."""
_FIRST_S = 120.0
_WINDOW_KNOWN_S = 60.0
_LIST_KNOWN_S = 3600.0


class OpenAICompatible(ModelAgent):
    """A model behind chat completions."""

    def __init__(
        self,
        model_id: ModelId,
        keys: Keys | None = None,
        environment: Mapping[str, str] = os.environ,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(model_id, keys, environment, limits)
        self._endpoint = Endpoint(self._base_url, self._asked, self._limits.connect_s)
        self._is_local = is_loopback(self._base_url)
        self._is_window_set = self._provider.has_window(environment)
        self._tells_loaded = self._is_local and tells_loaded(self._provider.name)
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
            reader, patience = AnswerReader(self._provider.name), Patience(self._first_s)
            try:
                async with self._asking(body, reader, patience) as answer:
                    while not answer.is_over:
                        for event in reader.heard(await answer.chunks()):
                            has_spoken = True
                            yield event
                        if answer.has_begun:  # a comment that keeps the connection is no beginning
                            has_ended = reader.reason is not None
                            patience.limit_s = self._limits.after_end_s if has_ended else self._limits.between_s
                for event in reader.end():
                    yield await self._measured(event) if isinstance(event, Usage) else event
                return
            except ProviderFailed as failed:
                if has_spoken:
                    raise
                if not self._learn(failed, tries, has_images=bool(pictures)):
                    await asyncio.sleep(tries.pause_after(failed))

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

    @contextlib.asynccontextmanager
    async def _asking(self, body: dict[str, Any], reader: AnswerReader, patience: Patience) -> AsyncIterator[Answer]:
        """Asks once. What fails inside is told as what it means for the answer that `reader` has heard so far."""
        try:
            async with self._endpoint.answer(encoded(body), await self._key(), patience) as answer:
                yield answer
        except RanOut:
            if reader.reason is None:
                raise failure("stalled", self._asked) from None
        except ErrorInStream as fault:
            raise failure_of_error(fault.error, self._asked) from None
        finally:
            patience.end()
        if reader.reason is None:
            raise failure("truncated", self._asked)

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
