"""A disk that refuses at a chosen call: the system calls of the package's files are counted, and one or more fail.

Nothing is synced in earnest here, so that hundreds of tries cost seconds.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType, ModuleType
from typing import Any, Literal

import pytest

Mode = Literal["once", "half", "done", "full"]
"""`once`: one call fails, nothing done. `half`: a write takes half of it first. `done`: one call does its work and
then says that it failed. `full`: from one call on nothing grows any more, until there is room."""

_CALLS: dict[ModuleType, tuple[str, ...]] = {
    os: (
        "open", "close", "dup", "read", "pread", "write", "ftruncate", "fsync", "fdatasync", "stat", "lstat", "fstat",
        "link", "rename", "mkdir", "unlink", "rmdir", "listdir", "utime",
    ),
    fcntl: ("flock",),
}  # fmt: skip
_GROWING = frozenset({"write", "mkdir", "link", "rename"})
_NUMBERS: dict[Mode, int] = {"once": errno.EIO, "half": errno.ENOSPC, "done": errno.EIO, "full": errno.ENOSPC}


@dataclass
class BadDisk:
    """`calls` are those made so far. From call `fails_at` on (the first is 1) it refuses as `mode` says."""

    fails_at: int = 0
    mode: Mode = "once"
    calls: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refuses(self, name: str, grows: bool) -> bool:
        with self._lock:
            self.calls.append(name)
            number = len(self.calls)
            is_its_time = number == self.fails_at or (self.mode == "full" and grows and number > self.fails_at > 0)
            if is_its_time and (self.mode != "full" or grows):
                self.refused.append(name)
                return True
            return False

    def cure(self) -> None:
        """There is room again, and nothing fails any more."""
        self.fails_at = 0


@contextmanager
def bad_disk(fails_at: int = 0, mode: Mode = "once") -> Iterator[BadDisk]:
    """The disk under everything in `jupyter_chat_sessions.files`, until the block ends."""
    disk = BadDisk(fails_at, mode)
    with pytest.MonkeyPatch.context() as patch:
        for module, names in _CALLS.items():
            for name in names:
                patch.setattr(module, name, _failing(getattr(module, name), name, disk))
        yield disk


def _failing(call: Callable[..., Any], name: str, disk: BadDisk) -> Callable[..., Any]:
    does = {"fsync": _nothing, "fdatasync": _nothing, "flock": _lock_at_once}.get(name, call)

    def failing(*arguments: Any, **options: Any) -> Any:
        if not _is_ours(sys._getframe(1)):
            return call(*arguments, **options)
        grows = name in _GROWING or (name == "open" and bool(arguments[1] & os.O_CREAT))
        if not disk.refuses(name, grows):
            return does(*arguments, **options)
        number = _NUMBERS[disk.mode]
        if name == "close" or disk.mode == "done":
            given = does(*arguments, **options)
            if name in ("open", "dup"):  # a descriptor nobody was given
                os.close(given)
        elif disk.mode == "half" and name == "write":
            data = bytes(arguments[1])
            call(arguments[0], data[: len(data) // 2])
        raise OSError(number, os.strerror(number))

    return failing


def _nothing(fd: int) -> None:
    """Syncs nothing."""


_flock = fcntl.flock


def _lock_at_once(fd: int, operation: int) -> None:
    """Locks, where one thread does everything: to wait would be to wait for ever."""
    try:
        _flock(fd, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        if operation & fcntl.LOCK_NB:
            raise
        raise AssertionError("a lock was left behind, and would be waited for without end") from None


def _is_ours(frame: FrameType | None) -> bool:
    """Whether the package's files make this call, be it through a function of the standard library."""
    for _ in range(4):
        if frame is None:
            return False
        module = frame.f_globals.get("__name__", "")
        if module.startswith("jupyter_chat_sessions.files."):
            return True
        if module.startswith(("jupyter_chat_sessions.", "test_", "threads_on_disk")):
            return False
        frame = frame.f_back
    return False
