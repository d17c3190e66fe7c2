"""What a way of confining a kernel must offer.

A backend changes how a kernel is launched, never how it is talked to. It is trusted only after `probe` has tried the
real thing on this machine: a program that is installed may still be refused by the system.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...core.roles import Level


@dataclass(frozen=True, slots=True)
class Report:
    """What a backend found it can do here. `gaps`: what it does not keep out; `reason`: why not, when not `ok`."""

    ok: bool
    level: Level
    gaps: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Launch:
    """A kernel about to be launched: its command, its whole environment, and the two folders it may write."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    folder: Path
    sockets: Path | None
    """The private folder of its ZMQ sockets; `None` where it listens on loopback TCP."""


class Backend(Protocol):
    """One way of confining a kernel."""

    @property
    def name(self) -> str: ...

    @property
    def level(self) -> Level: ...

    def probe(self) -> Report:
        """Tries the real thing once. Never raises."""

    def confine(self, launch: Launch) -> Launch:
        """The launch that runs the same kernel, confined."""
