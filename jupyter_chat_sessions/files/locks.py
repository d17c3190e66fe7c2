"""Files that are locked: the kernel frees a lock when its process dies, and a forked child never keeps one.

A lock belongs to the open file, which a fork shares. A child that kept it would hold it after its parent's death, so
every descriptor here is closed in the child before anything else runs there.
"""

from __future__ import annotations

import fcntl
import os
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from .disk import close

LockKind = Literal["shared", "exclusive"]

_OPERATIONS: dict[LockKind, int] = {"shared": fcntl.LOCK_SH, "exclusive": fcntl.LOCK_EX}


class LockedFile:
    """An open file that can be locked. `fd` is `None` once closed, or in a forked child."""

    fd: int | None

    def __init__(self, name: str, flags: int, dir_fd: int) -> None:
        # No fork may fall between opening a descriptor and knowing that a child must close it.
        with _forking:
            self.fd = os.open(name, flags | os.O_CLOEXEC, 0o600, dir_fd=dir_fd)
            _open.add(self)

    def descriptor(self) -> int:
        """The open descriptor; an `OSError` would be raised by whatever used a closed one."""
        return -1 if self.fd is None else self.fd

    def lock(self, kind: LockKind) -> None:
        """Waits until the lock is ours."""
        fcntl.flock(self.descriptor(), _OPERATIONS[kind])

    def try_lock(self) -> bool:
        """Takes the lock for this process alone, unless another has it. Never waits."""
        try:
            fcntl.flock(self.descriptor(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def is_at(self, name: str, dir_fd: int) -> bool:
        """Whether the name still leads to this very file: it may have been moved or replaced before the lock came."""
        try:
            there = os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self.descriptor()))

    def unlock(self) -> None:
        """Gives the lock back, at the latest when the file is closed."""
        with suppress(OSError):
            fcntl.flock(self.descriptor(), fcntl.LOCK_UN)

    def close(self) -> None:
        """Unlocks, also for a child between its fork and its exec, and closes."""
        with _forking:
            fd, self.fd = self.fd, None
            _open.discard(self)
        if fd is not None:
            with suppress(OSError):  # closing frees it too, if later where a fork has it
                fcntl.flock(fd, fcntl.LOCK_UN)
            close(fd)


@contextmanager
def closed_on_error(file: LockedFile) -> Iterator[None]:
    """Closes it where the block raises: a lock that nobody knows of would never be given back."""
    try:
        yield
    except BaseException:
        file.close()
        raise


_forking = threading.Lock()
_open: weakref.WeakSet[LockedFile] = weakref.WeakSet()


def _close_in_child() -> None:
    for each in list(_open):
        if each.fd is not None:
            os.close(each.fd)  # no unlock: the lock is the parent's
            each.fd = None
    _open.clear()
    _forking.release()


os.register_at_fork(before=_forking.acquire, after_in_parent=_forking.release, after_in_child=_close_in_child)
