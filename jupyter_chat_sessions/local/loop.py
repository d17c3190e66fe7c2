"""An event loop in a thread of its own, for chats in a process whose main thread is a person's."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

CLOSE_S = 2.0
"""Less than a Jupyter client waits for a kernel that it has asked to end."""

T = TypeVar("T")


class Loop:
    """Runs coroutines for callers in other threads."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chats", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result. An interrupt of the caller does not end the work."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def call(self, function: Callable[[], object]) -> None:
        """Calls the function in the loop, soon."""
        self._loop.call_soon_threadsafe(function)

    def end(self) -> None:
        """Stops for good."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def close_at_exit(self, close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Closes before the interpreter ends; in a forked child, nothing: what it has copied is its parent's."""
        pid = os.getpid()

        def end() -> None:
            if os.getpid() == pid and self._thread.is_alive():
                closing = asyncio.run_coroutine_threadsafe(close(), self._loop)
                try:
                    closing.result(CLOSE_S)
                except Exception:  # too slow, or the disk refuses: then it is as after a kill
                    closing.cancel()

        # What atexit calls comes after the worker threads have been ended, and closing needs them.
        register = getattr(threading, "_register_atexit", atexit.register)
        register(end)
