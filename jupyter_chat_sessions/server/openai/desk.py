"""What these doors keep between requests: attempts under way, records of runs, errands. A restart may forget all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from ...core.errors import ChatError
from .attempts import Attempts
from .record import Records


@dataclass(frozen=True, slots=True)
class Desk:
    """The attempts and records of one server."""

    attempts: Attempts = field(default_factory=Attempts)
    records: Records = field(default_factory=Records)
    _errands: set[asyncio.Task[None]] = field(default_factory=set)

    def send_off(self, errand: Coroutine[Any, Any, Any]) -> None:
        """Does something whose outcome nobody waits for."""
        task = asyncio.get_running_loop().create_task(_done(errand))
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)


async def _done(errand: Coroutine[Any, Any, Any]) -> None:
    with contextlib.suppress(ChatError):
        await errand
