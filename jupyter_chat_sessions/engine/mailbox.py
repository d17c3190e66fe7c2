"""One thing at a time, in the order they came, whoever waits for the answer or has stopped waiting."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from ..core.errors import Busy, ChatError

log = logging.getLogger(__name__)

T = TypeVar("T")


class Mailbox:
    """Runs acts one after another in a task of its own. Start and close it in the event loop."""

    def __init__(self, name: str) -> None:
        self._letters: asyncio.Queue[tuple[Callable[[], Awaitable[Any]], asyncio.Future[Any]]] = asyncio.Queue()
        self._unfinished = 0
        self._is_closed = False
        self._postman = asyncio.get_running_loop().create_task(self._deliver(), name=name)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is being done and nothing waits."""
        return self._unfinished == 0

    async def ask(self, act: Callable[[], Awaitable[T]]) -> T:
        """Does `act` in its turn; what it gave or raised. If the caller is cancelled, the act is done all the same."""
        return await self._post(act)

    def tell(self, act: Callable[[], Awaitable[Any]]) -> None:
        """Does `act` in its turn; a failure is logged."""
        self._post(act).add_done_callback(_log_failure)

    def _post(self, act: Callable[[], Awaitable[T]]) -> asyncio.Future[T]:
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._is_closed:
            answer.set_exception(Busy("The thread has just been closed here; try again."))
            return answer
        self._letters.put_nowait((act, answer))
        self._unfinished += 1
        return answer

    async def _deliver(self) -> None:
        while True:
            act, answer = await self._letters.get()
            try:
                given = await act()
            except Exception as failure:
                if not answer.done():
                    answer.set_exception(failure)
            else:
                if not answer.done():
                    answer.set_result(given)
            self._unfinished -= 1

    async def close(self) -> None:
        """Ends the task, when what was posted before has been done. What is posted from now on is refused."""
        last = self._post(_nothing)
        self._is_closed = True
        await last
        self._postman.cancel()
        await asyncio.gather(self._postman, return_exceptions=True)


async def _nothing() -> None:
    return None


def _log_failure(answer: asyncio.Future[Any]) -> None:
    failure = None if answer.cancelled() else answer.exception()
    if isinstance(failure, ChatError):
        log.warning("%s", failure)
    elif failure is not None:
        log.error("%r", failure, exc_info=failure)
