"""The few things done to a descriptor, and what a refusal of the disk is called."""

from __future__ import annotations

import errno
import os
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timezone
from pathlib import Path

from ..core.errors import DiskFull, ReadOnly, StorageFailed

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NOT_FOR_FOLDERS = frozenset({errno.EINVAL, errno.ENOTSUP})
"""What file systems over a network or in user space say that cannot sync a folder."""
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def now() -> str:
    """The present as transcripts write it: ISO 8601, UTC, milliseconds."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def refused(error: OSError, what: str) -> StorageFailed:
    """The disk's refusal as an error of ours; `what` says what was tried."""
    message = f"{what}: {error.strerror or error}."
    if error.errno in _FULL:
        return DiskFull(message)
    if error.errno in _READ_ONLY:
        return ReadOnly(message)
    return StorageFailed(message)


def refusals(what: str) -> AbstractContextManager[None]:
    """Lets what the disk refuses inside out as a `StorageFailed` or one of its kinds."""
    return _Refusals(what)


class _Refusals(AbstractContextManager[None]):
    """A class, since a decision enters half a dozen of them and a generator costs four times as much."""

    __slots__ = ("_what",)

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, OSError):
            raise refused(error, self._what) from error


def read_range(fd: int, start: int, end: int) -> bytes:
    """The bytes from `start` to `end`; fewer where the file ends before."""
    pieces = []
    while start < end:
        piece = os.pread(fd, end - start, start)
        if not piece:
            break
        pieces.append(piece)
        start += len(piece)
    return b"".join(pieces)


def write_all(fd: int, data: bytes) -> None:
    """Writes everything: one `write`, and more only where the system took less than it was given."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def sync(fd: int) -> None:
    """Returns when the file's bytes outlive a power cut."""
    getattr(os, "fdatasync", os.fsync)(fd)


def close(fd: int) -> None:
    """Closes a descriptor, whatever the system says about it: what had to reach the disk was synced before."""
    with suppress(OSError):
        os.close(fd)


def sync_names(folder_fd: int) -> None:
    """Returns when the names in an opened folder outlive a power cut, where the file system can promise that."""
    try:
        os.fsync(folder_fd)
    except OSError as error:
        if error.errno not in _NOT_FOR_FOLDERS:
            raise


def sync_folder(path: Path) -> None:
    """Returns when the names in the folder outlive a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        sync_names(fd)
    finally:
        close(fd)
