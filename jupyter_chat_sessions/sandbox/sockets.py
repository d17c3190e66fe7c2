"""Private folders for the sockets of kernels: short paths, readable by their owner only, never left behind.

A folder belongs to the process that holds the lock on its `owner` file; the system frees the lock when that process
dies, so a folder whose lock can be taken is stale.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile
import time
from pathlib import Path

import zmq

from .owners import LOCK

if sys.platform != "win32":
    import fcntl

_PREFIX = "jcs-"
_LONGEST_PATH = 107
"""The longest path of a unix socket on Linux, without its final NUL."""
_LONGEST_NAME = len("/k-5") + 8
_NEWBORN_S = 60.0
"""A folder is made, then locked; one younger than this may be between the two."""


def has_ipc() -> bool:
    """Whether kernels can be reached over unix sockets here."""
    return sys.platform != "win32" and bool(zmq.has("ipc"))


def socket_roots() -> list[Path]:
    """Where socket folders may be, best first."""
    roots = [Path(os.environ["XDG_RUNTIME_DIR"])] if os.environ.get("XDG_RUNTIME_DIR") else []
    return [*roots, Path("/tmp"), Path(tempfile.gettempdir())]


def _is_usable(root: Path) -> bool:
    longest = len(os.fsencode(root)) + len(f"/{_PREFIX}12345678") + _LONGEST_NAME
    return longest <= _LONGEST_PATH and root.is_dir() and os.access(root, os.W_OK | os.X_OK)


class SocketFolder:
    """A fresh folder of this process. `remove` it when its kernel has gone."""

    def __init__(self, roots: list[Path] | None = None) -> None:
        root = next((each for each in roots or socket_roots() if _is_usable(each)), None)
        if root is None:
            raise OSError("There is no writable folder with a path short enough for unix sockets.")
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))  # made with mode 0700
        self._lock = os.open(self.path / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def remove(self) -> None:
        """Deletes the folder. A second time is harmless."""
        if self._lock < 0:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)
        self._lock = -1


def sweep_stale(roots: list[Path] | None = None, *, older_than_s: float = _NEWBORN_S) -> int:
    """Deletes socket folders of this user whose process has died. Returns how many."""
    if not has_ipc():
        return 0
    found = [path for root in set(roots or socket_roots()) for path in _owned_folders(root)]
    return sum(_remove_if_stale(path, older_than_s) for path in found)


def _owned_folders(root: Path) -> list[Path]:
    owned = []
    with contextlib.suppress(OSError), os.scandir(root) as entries:
        for entry in entries:
            if entry.name.startswith(_PREFIX) and entry.is_dir(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    if entry.stat(follow_symlinks=False).st_uid == os.getuid():
                        owned.append(Path(entry.path))
    return owned


def _remove_if_stale(path: Path, older_than_s: float) -> bool:
    try:
        if time.time() - path.stat().st_mtime < older_than_s:
            return False
        lock = os.open(path / LOCK, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False  # not one of ours, or already gone
    try:
        if not stat.S_ISREG(os.fstat(lock).st_mode):
            return False
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(path, ignore_errors=True)
        return True
    except OSError:
        return False  # its process lives
    finally:
        os.close(lock)
