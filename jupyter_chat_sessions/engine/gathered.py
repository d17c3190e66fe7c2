"""Short blocking jobs of many threads, as few errands of a worker thread: a hop there and back costs more than a job.

Those of one folder that come together, or while the last errand is away, go as one. Folders do not wait for each
other: one of them may stand on a network that is down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

Job = Callable[[], object]
_Waiting = list[tuple[Job, "asyncio.Future[None]"]]


class Gathered:
    """`await gathered(folder, job)` returns when the job is done, or raises what it raised."""

    def __init__(self, disk: Callable[..., Awaitable[Any]]) -> None:
        self._disk = disk
        self._waiting: dict[str, _Waiting] = {}
        self._errands: set[asyncio.Task[None]] = set()

    async def __call__(self, folder: str, job: Job) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if folder in self._waiting:
            self._waiting[folder].append((job, done))
        else:
            self._waiting[folder] = [(job, done)]
            errand = asyncio.get_running_loop().create_task(self._run(folder), name=f"errands in {folder}")
            self._errands.add(errand)
            errand.add_done_callback(self._errands.discard)
        await done

    async def _run(self, folder: str) -> None:
        """Errand after errand until none waits. It begins with the loop's next tick: what comes in this one is in."""
        while together := self._waiting[folder]:
            self._waiting[folder] = []
            try:
                failures = await self._disk(_do_all, [job for job, _ in together])
            except BaseException as failure:  # no worker thread any more, or cancelled: nothing has been done
                _tell(together, [failure] * len(together))
                if not isinstance(failure, Exception):
                    raise
            else:
                _tell(together, failures)
        del self._waiting[folder]


def _do_all(jobs: Sequence[Job]) -> list[Exception | None]:
    """In a worker thread: every job, and what each raised."""
    failures: list[Exception | None] = []
    for job in jobs:
        try:
            job()
        except Exception as failure:
            failures.append(failure)
        else:
            failures.append(None)
    return failures


def _tell(together: _Waiting, failures: Sequence[BaseException | None]) -> None:
    for (_, done), failure in zip(together, failures, strict=True):
        if done.done():  # whoever asked has gone
            continue
        if failure is None:
            done.set_result(None)
        elif isinstance(failure, asyncio.CancelledError):
            done.cancel()
        else:
            done.set_exception(failure)
