"""Waiting with an end, without a task or a timer for each wait: thousands of pieces pass through one."""

from __future__ import annotations

import asyncio
from types import TracebackType


class RanOut(Exception):
    """The wait was longer than it may be."""


class Patience:
    """`with patience: await …` raises `RanOut` after `limit_s`. The limit may change between waits; `end` it once."""

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[object] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._has_run_out = False
        self._cancelled_before = 0

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._cancelled_before = _times_cancelled(self._task)
        self._deadline = self._loop.time() + self.limit_s
        if self._timer is None or self._timer.when() > self._deadline:
            self._set_timer()

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        task, self._task = self._task, None
        if not self._has_run_out:
            return
        self._has_run_out = False
        if kind is asyncio.CancelledError and not self._is_stopped_by_others(task):
            raise RanOut from None

    def end(self) -> None:
        """Lets go of the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        self.end()
        self._timer = self._loop.call_at(self._deadline, self._look)

    def _look(self) -> None:
        """The timer is not moved with each wait; it is set anew when it goes off too early."""
        self._timer = None
        if self._task is None:
            return
        if self._loop.time() < self._deadline:
            self._set_timer()
        else:
            self._has_run_out = True
            self._task.cancel()

    def _is_stopped_by_others(self, task: asyncio.Task[object] | None) -> bool:
        """Whether somebody else cancelled the task as well: theirs goes first. Python 3.10 cannot tell."""
        uncancel = getattr(task, "uncancel", None)
        return uncancel is not None and uncancel() > self._cancelled_before


def _times_cancelled(task: asyncio.Task[object] | None) -> int:
    cancelling = getattr(task, "cancelling", None)
    return cancelling() if cancelling is not None else 0
