"""How many kernels may run at once, and who waits for one to go."""

from __future__ import annotations

import asyncio


class Room:
    """Places for kernels."""

    def __init__(self, most: int) -> None:
        self._most, self._held = most, 0
        self._changed = asyncio.Event()

    def take(self) -> bool:
        """Takes a place, if one is free."""
        is_free = self._held < self._most
        self._held += is_free
        return is_free

    def give(self) -> None:
        """Gives a place back."""
        self._held -= 1
        self._changed.set()

    def note(self) -> None:
        """Tells those who wait that a kernel has become idle, and could give way."""
        self._changed.set()

    async def change(self) -> None:
        """Waits until a place may be had."""
        self._changed.clear()
        await self._changed.wait()
