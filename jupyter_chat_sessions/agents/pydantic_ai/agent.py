"""One step of a model that pydantic-ai speaks to: ask the process that has the library, pass on what comes back."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

from ...core.errors import NotFound
from ...core.roles import (
    AgentEvent,
    Author,
    Done,
    ReasoningDelta,
    Request,
    RequestSent,
    TextDelta,
    ToolCallDelta,
    Usage,
)
from ..keys import Keys
from ..offers import INSTALL, is_usable
from ..openai_compatible.agent import Limits
from ..openai_compatible.body import body_of
from ..openai_compatible.failures import Asked, Feature, ProviderFailed, failure
from ..openai_compatible.patience import Patience, RanOut
from ..pictures import Pictures, has_pictures, pictures_of
from ..providers import ModelId, host_of, label_of, parse_model_id
from .worker import ProcessEnded, worker

_FIRST_S = 120.0
_START_S = 60.0
"""What the process may need, on a busy computer, to begin."""


class PydanticAI:
    """A model of one provider. It keeps no conversation; its process keeps connections."""

    author: Author = "model"

    def __init__(
        self,
        model_id: ModelId,
        keys: Keys | None = None,
        environment: Mapping[str, str] = os.environ,
        limits: Limits | None = None,
    ) -> None:
        provider = model_id.provider
        self.id = str(model_id)
        self.label = label_of(model_id, environment)
        self._model = model_id.model
        self._provider = provider
        self._keys = keys or Keys(environment)
        self._limits = limits or Limits()
        self._window = provider.window(environment)
        is_elsewhere = bool(environment.get(provider.base_url_variable, "").strip())
        self._base_url = provider.address(environment) if is_elsewhere else None
        host = host_of(self._base_url or provider.base_url) or provider.title
        self._asked = Asked(provider.title, host, model_id.model, provider.key_variables[0])

    async def answer(self, request: Request) -> AsyncGenerator[AgentEvent, None]:
        """One step. Closing it closes the request to the provider. What is too long is tried once more, shorter."""
        pictures = await self._pictures(request)
        has_shrunk = False
        while True:
            body = self.body(request, pictures)
            yield RequestSent(body)
            has_spoken = False
            try:
                async with contextlib.aclosing(self._attempt(body)) as lists:
                    async for events in lists:
                        has_spoken = True
                        for event in events:
                            if isinstance(event, Usage):
                                event = replace(event, context_limit=self._window)
                            yield event
                return
            except ProviderFailed as failed:
                if has_spoken or has_shrunk or failed.code != "context_overflow":
                    raise
                has_shrunk = True
                self._window //= 2

    def body(self, request: Request, pictures: Pictures | None = None) -> dict[str, Any]:
        """What would be asked now for this step, in the shape of chat completions; pydantic-ai has its wire."""
        left_out: tuple[Feature, ...] = ("stream_options",)  # which is no word of these wires
        return body_of(request, self._model, self._window, self._provider, left_out, pictures)

    async def _pictures(self, request: Request) -> Pictures:
        if request.read_file is None or not has_pictures(request.messages):
            return {}
        return await asyncio.to_thread(pictures_of, request.messages, request.read_file)

    async def _attempt(self, body: dict[str, Any]) -> AsyncGenerator[list[AgentEvent], None]:
        """Asks once. Gives the events that came together as one list; the last list ends the step."""
        asking = {"provider": self._provider.name, "base_url": self._base_url, "key": await self._key(), "body": body}
        patience = Patience((self._limits.first_s or _FIRST_S) + _START_S)
        has_spoken = False
        try:
            async with contextlib.aclosing((await worker()).ask(asking)) as answers:
                while True:
                    with patience:
                        answer = await answers.__anext__()
                    if "failed" in answer:
                        raise self._failure(answer["failed"], has_spoken=has_spoken)
                    events = [_event(each) for each in answer["said"]]
                    has_spoken = True
                    patience.limit_s = self._limits.between_s
                    yield events
                    if isinstance(events[-1], Done):
                        return
        except RanOut:
            raise failure("stalled", self._asked) from None
        except (ProcessEnded, StopAsyncIteration):
            raise failure("server", self._asked, "the process that asks it ended", is_passing=False) from None
        finally:
            patience.end()

    async def _key(self) -> str | None:
        if not is_usable(self._provider):
            raise ProviderFailed("not_installed", f"{self._provider.title} needs more packages: {INSTALL}.")
        key = await self._keys.found(self._provider)
        if key is None and self._provider.needs_key and self._base_url is None:
            named = self._provider.key_variables[0]
            words = f"There is no API key for {self._provider.title}: set {named}, or type one in."
            raise ProviderFailed("auth", words)
        return key.reveal() if key else None

    def _failure(self, failed: Mapping[str, Any], *, has_spoken: bool) -> ProviderFailed:
        code = str(failed["code"])
        if code == "unreachable" and has_spoken:
            code = "truncated"
        if code == "not_installed":
            return ProviderFailed(code, f"{self._provider.title} needs more packages: {INSTALL}.")
        return failure(code, self._asked, str(failed.get("hint") or ""), is_passing=False)


_EVENTS = {
    "text": TextDelta,
    "thought": ReasoningDelta,
    "call": ToolCallDelta,
    "usage": Usage,
    "done": Done,
}


def _event(said: list[Any]) -> AgentEvent:
    """An event as the process wrote it: its kind, then its fields in their order."""
    kind, *fields = said
    event: AgentEvent = _EVENTS[kind](*fields)
    return event


def agent_for(name: str, keys: Keys | None = None) -> PydanticAI:
    """The agent of a model id such as `anthropic:claude-sonnet-4-5`. `NotFound` where the id has no provider."""
    model_id = parse_model_id(name)
    if model_id is None:
        raise NotFound(f"{name!r} is no model id: a provider, a colon and a model's name.")
    return PydanticAI(model_id, keys)
