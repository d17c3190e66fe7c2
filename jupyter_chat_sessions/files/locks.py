"""Files that are locked: the kernel frees a lock when its process dies, and a forked child never keeps one.

A process that is stopped keeps its locks. Nobody waits for ever for one: a server would stand still for one thread.

A lock belongs to the open file, which a fork shares. A child that kept it would hold it after its parent's death, so
every descriptor here is closed in the child before anything else runs there.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from .disk import close

LockKind = Literal["shared", "exclusive"]

_OPERATIONS: dict[LockKind, int] = {"shared": fcntl.LOCK_SH, "exclusive": fcntl.LOCK_EX}


PATIENCE_S = 10.0
"""Longer than any write takes; what is locked still is kept by a process that is stopped, or hangs."""
IMPATIENCE_S = 0.2
"""The patience with what was waited for in vain, until it is free again."""


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
        """Waits until the lock is ours; an `OSError` where another process keeps it for longer than any write takes."""
        fd, operation = self.descriptor(), _OPERATIONS[kind]
        if _is_taken_at_once(fd, operation) and not _kept:
            return
        there = os.fstat(fd)
        file = there.st_dev, there.st_ino
        if not (_is_taken_soon if file in _kept else _is_taken)(fd, operation):
            _kept.add(file)
            raise OSError(errno.ETIMEDOUT, "another process keeps it locked, and may be stopped")
        _kept.discard(file)

    def try_lock(self) -> bool:
        """Takes the lock for this process alone, unless another has it. Never waits."""
        return _is_taken_at_once(self.descriptor(), fcntl.LOCK_EX)

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


_kept: set[tuple[int, int]] = set()
"""Device and inode of what was waited for in vain."""


def _is_taken_at_once(fd: int, operation: int) -> bool:
    try:
        fcntl.flock(fd, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_taken_soon(fd: int, operation: int) -> bool:
    """Whether the lock was free at some moment of a short while."""
    deadline = time.monotonic() + IMPATIENCE_S
    while not _is_taken_at_once(fd, operation):
        if time.monotonic() > deadline:
            return False
        time.sleep(IMPATIENCE_S / 20)
    return True


def _is_taken(fd: int, operation: int) -> bool:
    """Whether the lock was had in time, in the order in which it was asked for, which only the kernel knows.

    A wait cannot be given up, so another thread does it. Where it has the lock too late, closing the file frees it.
    """
    failures: list[OSError] = []

    def wait() -> None:
        try:
            fcntl.flock(fd, operation)
        except OSError as failure:
            failures.append(failure)

    waiting = threading.Thread(target=wait, name="waits for a lock", daemon=True)
    waiting.start()
    waiting.join(PATIENCE_S)
    if failures:
        raise failures[0]
    return not waiting.is_alive()


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
