"""What a way of confining a kernel must offer.

A backend changes how a kernel is launched, never how it is talked to. It is trusted only after `probe` has tried the
real thing on this machine: a program that is installed may still be refused by the system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ...core.roles import Level
from ..beside import Beside
from ..policy import SandboxPolicy


@dataclass(frozen=True, slots=True)
class Report:
    """What a backend found it can do here. `gaps`: what it does not keep out; `reason`: why not, when not `ok`."""

    ok: bool
    level: Level
    gaps: tuple[str, ...] = ()
    reason: str = ""
    backend: str = ""


@dataclass(frozen=True, slots=True)
class Launch:
    """A kernel about to be launched: its command, its whole environment, and the two folders it may write."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path
    sockets: Path | None
    """The private folder of its ZMQ sockets; `None` where it listens on loopback TCP."""
    readable: tuple[Path, ...] = ()
    """What it must be able to read beside the system and its own interpreter."""
    policy: SandboxPolicy = field(default_factory=SandboxPolicy)
    beside: Beside | None = None
    """The notebook's folder, where the person lets it be read."""
    alias: Path | None = None
    """Another path of the folder, which holds when the folder is moved while the kernel runs; `None`: it is not."""
    fds: tuple[int, ...] = ()
    """Descriptors the command is to inherit; the launcher closes its own when the command has begun."""
    stdin: int | None = None
    """What the command is to read as its standard input; closed in the same way."""

    @property
    def descriptors(self) -> tuple[int, ...]:
        """All that the launcher closes."""
        return self.fds if self.stdin is None else (*self.fds, self.stdin)


class Backend(Protocol):
    """One way of confining a kernel."""

    @property
    def name(self) -> str: ...

    @property
    def level(self) -> Level: ...

    @property
    def keepers(self) -> int:
        """How many processes stand between the one launched and the kernel."""

    @property
    def ipykernel_options(self) -> tuple[str, ...]:
        """What an ipykernel is started with here beside its own options."""

    def place_of(self, beside: Beside) -> str | None:
        """Where its kernels read the notebook's folder; `None` where they are shown nothing."""

    def probe(self) -> Report:
        """Tries the real thing once. Never raises. Blocks: call it from a worker thread."""

    def confine(self, launch: Launch) -> Launch:
        """The launch that runs the same kernel, confined. `OSError` where this folder cannot be."""

    def follow(self, kernel: int, old: Path, new: Path) -> None:
        """Has a running kernel, whose folder was moved, see it under its new path. `OSError`. Blocks."""
