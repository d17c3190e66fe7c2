"""What a kernel uses of memory and disk, as the system counts it.

A folder's files are counted by the blocks they take, so that a sparse file is what it is; so are files that have no
name any more and are still open. A count stops at its limit: counting must not cost more than what is counted.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_DEEPEST = 64
_BLOCK = 512
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_PLACE = getattr(os, "O_PATH", os.O_RDONLY) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_PROC = Path("/proc")


# --- disk ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class DiskUse:
    """Bytes on the disk, and how many names. `is_whole`: nothing was left uncounted."""

    size: int = 0
    entries: int = 0
    is_whole: bool = True


def disk_use(folder: Path, most_entries: int) -> DiskUse:
    """What the folder holds, hidden files included. Stops when there is more than `most_entries`. Blocks."""
    use = DiskUse()
    with suppress(OSError), _opened(folder) as descriptor:
        _count(descriptor, use, most_entries, _DEEPEST)
    return use


@contextmanager
def _opened(where: Path | str, below: int | None = None) -> Iterator[int]:
    descriptor = os.open(where, _FOLDER, dir_fd=below)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _count(descriptor: int, use: DiskUse, most: int, deepest: int) -> None:
    inner: list[str] = []
    with os.scandir(descriptor) as entries:
        for entry in entries:
            use.entries += 1
            if use.entries > most:
                use.is_whole = False
                return
            with suppress(OSError):
                state = entry.stat(follow_symlinks=False)
                use.size += state.st_blocks * _BLOCK
                if stat.S_ISDIR(state.st_mode):
                    inner.append(entry.name)
    if inner and deepest == 0:
        use.is_whole = False
        return
    for name in inner:
        with suppress(OSError):
            _unlock(name, descriptor)
            with _opened(name, descriptor) as below:
                _count(below, use, most, deepest - 1)
        if not use.is_whole:
            return


def _unlock(name: str, below: int) -> None:
    """Lets the owner into a folder again: one that was closed would hide what it holds."""
    place = os.open(name, _PLACE, dir_fd=below)
    try:
        state = os.fstat(place)
        if stat.S_ISDIR(state.st_mode) and state.st_mode & 0o500 != 0o500:
            os.chmod(f"/proc/self/fd/{place}", stat.S_IMODE(state.st_mode) | 0o700)
    finally:
        os.close(place)


def nameless_bytes(pids: Iterable[int], folder: Path) -> int:
    """What the processes' open files take that have no name any more, on the folder's disk. Blocks."""
    try:
        device = folder.stat().st_dev
    except OSError:
        return 0
    found: dict[int, int] = {}
    for pid in pids:
        with suppress(OSError):
            for name in os.listdir(_PROC / str(pid) / "fd"):
                with suppress(OSError):
                    state = os.stat(_PROC / str(pid) / "fd" / name)
                    if stat.S_ISREG(state.st_mode) and state.st_nlink == 0 and state.st_dev == device:
                        found[state.st_ino] = state.st_blocks * _BLOCK
    return sum(found.values())


def free_bytes(folder: Path) -> int:
    """What is left on the folder's disk for this user."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


# --- memory ----------------------------------------------------------------------------------------------------------


def memory_use(pids: Iterable[int], limit: int) -> int:
    """The memory the processes keep. Pages they share are counted once, where it matters and can be known. Blocks."""
    pids = list(pids)
    resident = sum(map(_resident, pids))
    return resident if resident <= limit else min(resident, sum(map(_proportional, pids)))


def _resident(pid: int) -> int:
    try:
        return int((_PROC / str(pid) / "statm").read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except (OSError, StopIteration, ValueError):
        return _resident(pid)
