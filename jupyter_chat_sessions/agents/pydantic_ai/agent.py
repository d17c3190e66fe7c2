"""One step of a model that pydantic-ai speaks to: ask the process that has the library, pass on what comes back."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from typing import Any

from ...core.roles import AgentEvent, Done, ReasoningDelta, Request, RequestSent, TextDelta, ToolCallDelta, Usage
from ..offers import INSTALL, is_usable
from ..openai_compatible.failures import ProviderFailed, failure
from ..openai_compatible.model_agent import ModelAgent
from ..openai_compatible.patience import Patience, RanOut
from .worker import ProcessEnded, worker

_FIRST_S = 120.0
_START_S = 60.0
"""What the process may need, on a busy computer, to begin."""


class PydanticAI(ModelAgent):
    """A model behind a wire of its provider's own. Its process keeps connections."""

    foreign_features = ("stream_options",)

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

    async def _attempt(self, body: dict[str, Any]) -> AsyncGenerator[list[AgentEvent], None]:
        """Asks once. Gives the events that came together as one list; the last list ends the step."""
        if not is_usable(self._provider):
            raise self._needs_more()
        key = await self._key()
        asking = {
            "provider": self._provider.name,
            "base_url": self._base_url if self._is_own_address else None,
            "key": key.reveal() if key else None,
            "body": body,
        }
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

    def _failure(self, failed: Mapping[str, Any], *, has_spoken: bool) -> ProviderFailed:
        code = str(failed["code"])
        if code == "unreachable" and has_spoken:
            code = "truncated"
        if code == "not_installed":
            return self._needs_more()
        return failure(code, self._asked, str(failed.get("hint") or ""), is_passing=False)

    def _needs_more(self) -> ProviderFailed:
        return ProviderFailed("not_installed", f"{self._provider.title} needs more packages: {INSTALL}.")


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
