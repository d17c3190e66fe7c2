"""One call under way: what it was given, and what it has come to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from .connection import Request
from .folder import Seen
from .outputs import Outputs
from .processes import boot_clock
from .slot import Kernel, Slot


class Ending(Enum):
    """How a call came to its end."""

    DONE = "done"
    TIMEOUT = "timeout"
    DIED = "died"
    RESTARTED = "restarted"
    MEMORY = "memory"
    DISK = "disk"
    DISK_FULL = "disk_full"


@dataclass
class Call:
    """Code that runs in a kernel. `before` is what its folder held when it began."""

    slot: Slot
    kernel: Kernel
    request: Request
    outputs: Outputs
    before: Mapping[str, Seen]
    is_fresh: bool
    """Whether it is the first of its kernel."""
    timeout_s: float
    asked: float
    """When its caller asked, before any kernel was started."""
    began: float = field(default_factory=time.monotonic)
    began_boot: float = field(default_factory=boot_clock)
    has_ended: bool = False

    @property
    def left_s(self) -> float:
        """How much of its time is left."""
        return self.began + self.timeout_s - time.monotonic()

    @property
    def has_its_kernel(self) -> bool:
        """Whether its kernel still is its thread's, and was not ended meanwhile."""
        return self.slot.kernel is self.kernel
