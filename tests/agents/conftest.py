"""The provider that tests of agents ask, and the sessions they ask it through."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from agent_kit import QUICK
from upstream import KEY, Upstream, running_upstream

from jupyter_chat_sessions.agents.openai_compatible import Limits, OpenAICompatible
from jupyter_chat_sessions.agents.providers import parse_model_id
from jupyter_chat_sessions.agents.web import close_session

sys.path.append(str(Path(__file__).parents[1] / "engine"))


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with running_upstream() as served:
        yield served


@pytest.fixture
def agent(upstream: Upstream) -> Callable[..., OpenAICompatible]:
    """Makes the agent of one of the provider's models."""

    def make(model: str, limits: Limits = QUICK, provider: str = "openai", **environment: str) -> OpenAICompatible:
        model_id = parse_model_id(f"{provider}:{model}")
        assert model_id is not None
        own: dict[str, Any] = {"OPENAI_API_KEY": KEY, f"{provider.upper()}_BASE_URL": upstream.base_url}
        return OpenAICompatible(model_id, None, {**own, **environment}, limits)

    return make


@pytest.fixture(autouse=True)
def _asked_through(jp_asyncio_loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """What a test asked through is closed in its loop."""
    yield
    jp_asyncio_loop.run_until_complete(close_session())
