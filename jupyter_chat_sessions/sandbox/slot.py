"""A kernel, and the place of a thread for one."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_client.manager import AsyncKernelManager

from .beside import Beside
from .connection import Connection
from .provisioner import SandboxProvisioner

if TYPE_CHECKING:  # the watch knows slots
    from .watch import Allowance


@dataclass
class Kernel:
    """A running kernel. `epoch`: its number among the thread's; `reason`: why it is a new one."""

    id: str
    manager: AsyncKernelManager
    provisioner: SandboxProvisioner
    connection: Connection
    folder: Path
    epoch: int = 0
    reason: str = "first"
    beside: Beside | None = None
    """What it can read of the notebook's folder."""
    is_lent: bool = False
    """Whether a call is talking to it; its sockets are then the call's to close."""
    ended: str | None = None
    """Why it was ended by the server."""

    @property
    def is_alive(self) -> bool:
        process = self.provisioner.process
        return process is not None and process.poll() is None


@dataclass
class Slot:
    """A thread's place for a kernel: at most one, and one call at a time."""

    key: str
    kernel: Kernel | None = None
    epoch: int = 0
    reason: str = "first"
    """Why the next kernel will be a new one."""
    names: frozenset[str] = frozenset()
    is_fresh: bool = True
    """Whether the next call is the first of its kernel."""
    image_number: int = 0
    allowance: Allowance | None = None
    """What the call under way may put on the disk."""
    waiting: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    starting: asyncio.Task[Kernel] | None = None
    stopping: asyncio.Task[None] | None = None
    used: float = field(default_factory=time.monotonic)


def noticed(start: asyncio.Task[Kernel]) -> None:
    """Looks at a start's error, which nobody waits for when its caller has given up."""
    if not start.cancelled():
        start.exception()
