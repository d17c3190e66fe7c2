"""Files that appear whole or not at all: written beside under a hidden name, then given their own in one step."""

from __future__ import annotations

import errno
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from .disk import sync, write_all
from .locks import LockedFile

UNFINISHED = ".new-"
"""How the hidden names begin. What a killed process left under one is nobody's; see `remove_unfinished`."""

_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
_BESIDE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def publish(dir_fd: int, name: str, data: bytes) -> bool:
    """Writes a new file, synced. Whether it is ours: the first writer wins, the others change nothing."""
    with _written_beside(dir_fd, (data,), is_synced=True) as beside:
        return _link(dir_fd, beside, name)


@contextmanager
def published(dir_fd: int, name: str, data: bytes) -> Iterator[LockedFile | None]:
    """Writes a new file, synced, and keeps it locked until the end of the block; `None` where there is one already.

    Where the block raises, the file goes again, and nobody can have added anything to it.
    """
    beside = UNFINISHED + secrets.token_hex(8)
    file = LockedFile(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, dir_fd)
    try:
        with _removed_after(dir_fd, beside):
            file.lock("exclusive")
            write_all(file.descriptor(), data)
            sync(file.descriptor())
            is_ours = _link(dir_fd, beside, name)
        try:
            yield file if is_ours else None
        except BaseException:
            if is_ours:
                os.unlink(name, dir_fd=dir_fd)
            raise
    finally:
        file.close()


def publish_chunks(dir_fd: int, name: str, chunks: Iterable[bytes], mode: int = 0o600) -> bool:
    """Writes a new file from pieces. Whether it is ours: an existing one is left alone. The umask narrows `mode`."""
    with _written_beside(dir_fd, chunks, is_synced=False, mode=mode) as beside:
        return _link(dir_fd, beside, name)


def replace(dir_fd: int, name: str, chunks: Iterable[bytes]) -> None:
    """Writes a file, in the place of one that may be there. Readers see the old one or the new one, unsynced."""
    with _written_beside(dir_fd, chunks, is_synced=False) as beside:
        os.rename(beside, name, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)


def replace_synced(dir_fd: int, name: str, data: bytes) -> None:
    """Writes a file in the place of another, so that a power cut does not bring the old one back."""
    with _written_beside(dir_fd, (data,), is_synced=True) as beside:
        os.rename(beside, name, src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
    os.fsync(dir_fd)


def remove_unfinished(dir_fd: int, older_than_s: float) -> int:
    """Removes what killed processes left half-written in a folder. How many there were."""
    count = 0
    for name in os.listdir(dir_fd):
        if name.startswith(UNFINISHED):
            with suppress(OSError):
                if os.stat(name, dir_fd=dir_fd, follow_symlinks=False).st_mtime < time.time() - older_than_s:
                    os.unlink(name, dir_fd=dir_fd)
                    count += 1
    return count


@contextmanager
def _written_beside(dir_fd: int, chunks: Iterable[bytes], *, is_synced: bool, mode: int = 0o600) -> Iterator[str]:
    name = UNFINISHED + secrets.token_hex(8)
    fd = os.open(name, _BESIDE, mode, dir_fd=dir_fd)
    with _removed_after(dir_fd, name):
        try:
            for chunk in chunks:
                write_all(fd, chunk)
            if is_synced:
                sync(fd)
        finally:
            os.close(fd)  # loudly: some file systems say only here that a write was refused
        yield name


@contextmanager
def _removed_after(dir_fd: int, name: str) -> Iterator[None]:
    """Takes the hidden name away when the block ends. One that stays is swept one day."""
    try:
        yield
    finally:
        with suppress(OSError):
            os.unlink(name, dir_fd=dir_fd)


def publish_finished(from_fd: int, hidden: str, dir_fd: int, name: str) -> bool:
    """Gives a file that was written under a hidden name its own, in another folder perhaps. Whether that was free."""
    with _removed_after(from_fd, hidden):
        return _link(dir_fd, hidden, name, from_fd)


def _link(dir_fd: int, beside: str, name: str, from_fd: int | None = None) -> bool:
    from_fd = dir_fd if from_fd is None else from_fd
    try:
        os.link(beside, name, src_dir_fd=from_fd, dst_dir_fd=dir_fd, follow_symlinks=False)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        return _rename_where_free(from_fd, beside, dir_fd, name)
    return True


def _rename_where_free(from_fd: int, beside: str, dir_fd: int, name: str) -> bool:
    """For file systems without links: two writers in the same instant are told apart less exactly there."""
    try:
        os.stat(name, dir_fd=dir_fd, follow_symlinks=False)
    except FileNotFoundError:
        os.rename(beside, name, src_dir_fd=from_fd, dst_dir_fd=dir_fd)
        return True
    return False
