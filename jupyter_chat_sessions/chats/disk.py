"""The worker threads that speak to the disk, so that the event loop never waits for it."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

THREADS = 16

T = TypeVar("T")


class Disk:
    """`await disk(function, *arguments)` runs a blocking call in a worker thread."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="chat-disk")

    async def __call__(self, function: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, functools.partial(function, *arguments))

    def later(self, function: Callable[..., T], *arguments: Any) -> Future[T]:
        """Runs a blocking call at some time, for whoever does not wait."""
        return self._pool.submit(function, *arguments)

    def close(self) -> None:
        """Takes nothing more; what has begun goes on."""
        self._pool.shutdown(wait=False)
