"""The lines and effects of one step while they are being chosen: all that a rule may change."""

from __future__ import annotations

from ..conversation import Conversation, adopt
from ..events import Append, Effect
from ..transcript import Line


class Drafting:
    """One step. `after` is the conversation as the lines chosen so far leave it."""

    def __init__(self, conversation: Conversation, now: str) -> None:
        self.after = conversation
        self.now = now
        self.lines: list[Line] = []
        self.acts: list[Effect] = []
        self.is_synced = False

    def place(self) -> tuple[int, str]:
        """The number and time of the next line."""
        return self.after.seq + 1, self.now

    def write(self, line: Line) -> None:
        """Adds a line, and adopts it."""
        self.lines.append(line)
        self.after = adopt(self.after, line)

    def write_synced(self, line: Line) -> None:
        """Adds a line that must outlive a power cut before anyone is told of this step."""
        self.write(line)
        self.is_synced = True

    def effects(self) -> tuple[Effect, ...]:
        """The lines first, as one write; then what else was chosen, in that order."""
        written = (Append(tuple(self.lines), self.is_synced),) if self.lines else ()
        return (*written, *self.acts)
