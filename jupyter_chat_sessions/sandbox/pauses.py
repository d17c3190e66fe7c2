"""How long to leave alone what has failed: twice as long each time, until it works."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

_FIRST_S = 10.0
_LONGEST_S = 240.0


class Pauses:
    """The pauses of what failed. It is for others to try again: nothing happens here by itself."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last: dict[Hashable, tuple[float, float]] = {}

    def is_over(self, what: Hashable) -> bool:
        """Whether it may be tried."""
        began, length = self._last.get(what, (0.0, 0.0))
        return not length or self._clock() - began >= length

    def failed(self, what: Hashable) -> None:
        """A pause begins, twice as long as the one before."""
        _, length = self._last.get(what, (0.0, 0.0))
        self._last[what] = self._clock(), min(length * 2, _LONGEST_S) or _FIRST_S

    def worked(self, what: Hashable) -> None:
        """All that failed is forgotten."""
        self._last.pop(what, None)
