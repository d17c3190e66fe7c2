"""No confinement: the kernel runs as the server's user, in a folder and an environment of its own."""

from __future__ import annotations

from pathlib import Path

from ...core.roles import Level
from ..beside import Beside
from .backend import Launch, Report


class Plain:
    """Works everywhere, and keeps nothing out: results say `unconfined`."""

    name = "plain"
    level: Level = "unconfined"
    keepers = 0
    ipykernel_options: tuple[str, ...] = ()

    def place_of(self, beside: Beside) -> None:
        """Nowhere: nothing could be left out of it."""

    def probe(self) -> Report:
        return Report(
            ok=True,
            level=self.level,
            gaps=(
                "tools can read and write every file of this user, not only the thread's folder",
                "tools can use the network",
                "tools can see, and stop, this user's other processes",
            ),
            backend=self.name,
        )

    def confine(self, launch: Launch) -> Launch:
        return launch

    def follow(self, kernel: int, old: Path, new: Path) -> None:
        """Nothing is to be done: it sees the folder where it is."""
