"""Looks after kernels while they run: one that takes more memory or disk than it may is ended, with the reason.

Memory is looked at in every round. Counting a folder takes longer the more it holds, so it is done while a call runs,
and never for more than a small part of the time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .policy import SandboxPolicy
from .processes import descendants, has_proc
from .slot import Kernel, Slot
from .usage import DiskUse, disk_use, free_bytes, memory_use, nameless_bytes

_SHARE = 20
"""A count of the disk that took a second is not done again for so many."""
_SLACK_BYTES, _SLACK_ENTRIES = 64 * 1024, 20
"""What a call may add to a folder that is full already, so that it can be tidied up by a call."""
_FILLED = 16 * 1024 * 1024
"""What a call must have added itself before it is held to be the one that fills the disk: others write there too."""

End = Callable[[Slot, str], Awaitable[None]]


@dataclass(slots=True)
class Allowance:
    """What a folder may hold by the end of a call: the quota, or what it held already when that was more."""

    size: int
    entries: int
    held: int
    """What it holds as the call begins."""
    free: int
    """What is free on its disk then."""
    is_countable: bool
    """Whether all of it could be counted; where folders lie too deep for that, the disk itself is looked at."""

    def is_exceeded_by(self, use: DiskUse, free: int) -> bool:
        """Whether the folder holds more by now than it may."""
        if use.size > self.size or use.entries > self.entries:
            return True
        return not use.is_whole if self.is_countable else self.free - free > self.size

    def added(self, use: DiskUse, free: int) -> int:
        """What the call has written by now; what the disk has lost, where that cannot be counted."""
        return use.size - self.held if use.is_whole else self.free - free


def allowance(folder: Path, policy: SandboxPolicy) -> Allowance:
    """What a call that begins now may use. Blocks."""
    most = policy.quota_entries
    use = disk_use(folder, most * 2)
    size = policy.quota_bytes if use.size <= policy.quota_bytes else use.size + _SLACK_BYTES
    entries = most if use.entries <= most else use.entries + _SLACK_ENTRIES
    return Allowance(size, entries, use.size, free_bytes(folder), use.is_whole)


class Watch:
    """Rounds over the kernels there are, from `begin` until `stop`."""

    def __init__(self, policy: SandboxPolicy, slots: Callable[[], Iterable[Slot]], end: End) -> None:
        self._policy, self._slots, self._end = policy, slots, end
        self._task: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()
        self._counted: dict[str, float] = {}
        """When each folder is to be counted again."""

    def begin(self) -> None:
        if self._task is None and has_proc():
            self._stopping = asyncio.Event()
            self._task = asyncio.create_task(self._rounds())

    async def stop(self) -> None:
        """Waits for the round under way: never cancelled, so never between a kernel's death and its burial."""
        task, self._task = self._task, None
        if task is not None:
            self._stopping.set()
            await task

    async def _rounds(self) -> None:
        while not self._stopping.is_set():
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._policy.watch_s)
            for slot in list(self._slots()):
                kernel = slot.kernel
                if kernel is None or not kernel.is_alive:
                    continue
                reason = None
                with suppress(OSError):  # its folder has gone
                    reason = await asyncio.to_thread(self._judge, slot, kernel)
                if reason is not None and slot.kernel is kernel:
                    await self._end(slot, reason)

    def _judge(self, slot: Slot, kernel: Kernel) -> str | None:
        """Why the kernel must be ended; `None` where it need not."""
        process = kernel.provisioner.process
        if process is None:
            return None
        pids = descendants(process.pid)
        if memory_use(pids, self._policy.memory_bytes) > self._policy.memory_bytes:
            return "memory"
        given = slot.allowance
        if given is None:  # no call runs
            return None
        now = time.monotonic()
        if now < self._counted.get(kernel.id, 0.0):
            return None
        reason = self._judge_disk(kernel, given, pids)
        self._counted[kernel.id] = time.monotonic() + _SHARE * (time.monotonic() - now)
        return reason

    def _judge_disk(self, kernel: Kernel, given: Allowance, pids: list[int]) -> str | None:
        use = disk_use(kernel.folder, given.entries + 1)
        sockets = kernel.provisioner.socket_folder
        if sockets is not None:
            use.size += disk_use(sockets, given.entries).size
        use.size += nameless_bytes(pids, kernel.folder)
        free = free_bytes(kernel.folder)
        if given.is_exceeded_by(use, free):
            return "disk"
        return "disk_full" if free < self._policy.free_bytes and given.added(use, free) > _FILLED else None
