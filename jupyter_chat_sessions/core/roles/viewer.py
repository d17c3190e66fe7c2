"""Who watches: told what happens in a thread, frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..errors import ChatError

if TYPE_CHECKING:  # frames know conversations, which a kernel or an agent need not
    from ..frames import Frame


class Viewer(Protocol):
    """Whoever is told what happens in a thread: a websocket, an SSE stream, a test's list."""

    def tell(self, frame: Frame) -> None:
        """Takes one frame of the wire. Must not block and must not raise."""

    def dismiss(self, why: ChatError) -> None:
        """Learns that nothing more will come."""
