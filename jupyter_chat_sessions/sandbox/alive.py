"""A pipe by which what this process starts can tell that it has died: it holds the other end as long as it lives.

Signals at a parent's death are asked for by the child, which its parent may not live to see. Who asks for one and then
finds this pipe at its end has missed it.
"""

from __future__ import annotations

import functools
import os


def reading_end() -> int:
    """A descriptor of the end that is read, the caller's own. While this process lives, reading says "try again"."""
    return os.dup(_ends()[0])


@functools.cache
def _ends() -> tuple[int, int]:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    return reading, writing
