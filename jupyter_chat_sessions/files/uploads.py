"""Files that come in pieces: what has come waits under a hidden name until it is whole, and only then gets its own.

The rule kept here: what is kept is always the beginning of the file, without a gap, whatever comes twice, late or from
two places at once; and nothing is ever overwritten.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core.errors import Busy, FileExists, PieceMissing, Unreadable
from .disk import refusals, write_all
from .file_names import parts_of
from .folder_files import made_folder
from .layout import opened_folder
from .locks import LockedFile
from .safe_open import opened_below
from .whole_file import UNFINISHED, publish_finished, remove_unfinished

KEPT_S = 24 * 3600.0
"""How long what has come of an upload is kept after its last piece."""

LOCK_S = 2.0
_POLL_S = 0.02
_APPENDING = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW


def add_piece(folder: Path, name: str, size: int, start: int, piece: bytes) -> int:
    """Keeps the bytes from `start` on of a file of `size` bytes; how many there are now. With the last it is there.

    What was kept from `start` on is forgotten. `PieceMissing` where less has come than `start`; `FileExists` where
    there is a file of that name. The folder itself is made, the thread's is not.
    """
    *leading, last = parts_of(name)
    hidden = _hidden(name, size)
    with refusals(f"Keeping a piece of {name}"), made_folder(folder, ()) as fd:
        if start == 0:
            remove_unfinished(fd, KEPT_S)
        if _size_at(fd, name) is not None:
            raise _exists(name)
        with _locked(fd, hidden, name) as file:
            come = os.fstat(file).st_size
            if start > come:
                raise PieceMissing(f"Of {name!r} {come:,} bytes have come; go on from there, not from {start:,}.")
            os.ftruncate(file, start)
            os.lseek(file, start, os.SEEK_SET)
            write_all(file, piece)
            if start + len(piece) == size:
                with made_folder(folder, leading) as inner:
                    if not publish_finished(fd, hidden, inner, last):
                        raise _exists(name)
        return start + len(piece)


def bytes_come(folder: Path, name: str, size: int) -> int:
    """How many bytes of a file of `size` bytes have come; `size` where it is there. `FileExists` for another file."""
    parts_of(name)
    with refusals(f"Looking for {name}"), opened_folder(folder) as fd:
        if fd is None:
            return 0
        there = _size_at(fd, name)
        if there is not None and there != size:
            raise _exists(name)
        if there is not None:
            return size
        with suppress(FileNotFoundError):
            return os.stat(_hidden(name, size), dir_fd=fd, follow_symlinks=False).st_size
    return 0


def _hidden(name: str, size: int) -> str:
    """One name for all pieces of one file; those who remove what was left behind know it by its beginning."""
    return UNFINISHED + hashlib.sha256(f"{size}:{name}".encode()).hexdigest()[:32]


def _size_at(fd: int, name: str) -> int | None:
    """The size of whatever has that name; `None` where it is free."""
    *leading, last = parts_of(name)
    with opened_below(fd, tuple(leading)) as inner:
        if inner is None:
            return None
        try:
            return os.stat(last, dir_fd=inner, follow_symlinks=False).st_size
        except FileNotFoundError:
            return None


@contextmanager
def _locked(fd: int, hidden: str, name: str) -> Iterator[int]:
    """What has come, open and ours alone: a piece that was given up may still be on its way to the disk."""
    file = LockedFile(hidden, _APPENDING, fd)
    try:
        _take(file, name)
        if not file.is_at(hidden, fd):  # it became whole, or was removed, before the lock came
            raise PieceMissing(f"The upload of {name!r} has ended meanwhile; ask how much of it is there.")
        there = os.fstat(file.descriptor())
        if not stat.S_ISREG(there.st_mode) or there.st_nlink != 1:
            raise Unreadable(f"What has come of {name!r} is no plain file any more; upload it under another name.")
        yield file.descriptor()
    finally:
        file.close()


def _take(file: LockedFile, name: str) -> None:
    """Locks it, within a time: what works in the folder may hold a lock for ever, and each who waits keeps a thread."""
    deadline = time.monotonic() + LOCK_S
    while not file.try_lock():
        if time.monotonic() > deadline:
            raise Busy(f"Another piece of {name!r} is still being written; try again in a moment.")
        time.sleep(_POLL_S)


def _exists(name: str) -> FileExists:
    return FileExists(f"There is something named {name!r} here already.")
