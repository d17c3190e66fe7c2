"""Exact counts of what a program asks of the disk: the same on every machine, whatever else it is doing."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CALLS = ("write", "pwrite", "read", "pread", "fsync", "fdatasync")
_SYNCS = ("fsync", "fdatasync")


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its name, the file's or folder's path, and how many bytes it moved."""

    name: str
    path: Path
    size: int

    @property
    def is_sync(self) -> bool:
        return self.name in _SYNCS

    @property
    def is_write(self) -> bool:
        return self.name in ("write", "pwrite")


def bytes_written(calls: Sequence[Call]) -> int:
    """The bytes of all writes."""
    return sum(call.size for call in calls if call.is_write)


@contextmanager
def disk_calls(below: Path) -> Iterator[list[Call]]:
    """The calls by this process's Python code on files below a folder, from any thread, in their order. Linux only."""
    calls: list[Call] = []
    below = below.resolve()
    originals = {name: getattr(os, name) for name in _CALLS}
    try:
        for name, original in originals.items():
            setattr(os, name, _noting(name, original, below, calls))
        yield calls
    finally:
        for name, original in originals.items():
            setattr(os, name, original)


def _noting(name: str, original: Callable[..., Any], below: Path, calls: list[Call]) -> Callable[..., Any]:
    def noting(fd: int, *arguments: Any) -> Any:
        path = Path(os.readlink(f"/proc/self/fd/{fd}"))
        result = original(fd, *arguments)
        if path.is_relative_to(below):
            calls.append(Call(name, path, len(result) if isinstance(result, bytes) else result or 0))
        return result

    return noting


def slope(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The exponent `costs` grow with, by least squares on logarithms: 0 is constant, 1 is proportional."""
    xs, ys = [math.log(size) for size in sizes], [math.log(max(cost, 1)) for cost in costs]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    rise = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return rise / sum((x - mean_x) ** 2 for x in xs)
