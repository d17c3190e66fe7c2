"""How many kernels a thread has had, kept beside its files: so that the first call after the server's restart, too,
is told that its variables are gone.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from .environment import HIDDEN
from .folder import inside

_NAME = "epoch"
_LONGEST = 9
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


def read_epoch(folder: Path) -> int:
    """The number of the thread's last kernel; 0 where there was none or the file, which tools may change, is odd."""
    if not os.path.lexists(folder):
        return 0
    try:
        with inside(folder, HIDDEN) as below:
            descriptor = _open(folder, below, os.O_RDONLY)
        with os.fdopen(descriptor, "rb") as file:
            text = file.read(_LONGEST) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
    except OSError:
        return 0
    return int(text) if text.isdigit() else 0


def write_epoch(folder: Path, epoch: int) -> None:
    """Remembers the number of the kernel that has started. A disk that refuses costs only the notice."""
    try:
        with inside(folder, HIDDEN) as below:
            descriptor = _open(folder, below, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with os.fdopen(descriptor, "wb") as file:
            file.write(str(epoch).encode())
    except OSError:
        return


def _open(folder: Path, below: int | None, how: int) -> int:
    if below is None:
        return os.open(folder / HIDDEN / _NAME, how | _FLAGS, 0o600)
    return os.open(_NAME, how | _FLAGS, 0o600, dir_fd=below)
