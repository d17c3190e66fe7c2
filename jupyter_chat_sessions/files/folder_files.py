"""The files of a thread's folder: listed, written and removed, beside tools that may be working there.

The rule kept here: no link is followed, and a file a person sees is whole.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import FileExists, FileNotFound, InvalidPath, Unreadable
from .disk import close, refusals
from .file_names import LONGEST_NAME, media_type_of, parts_of
from .layout import opened_folder
from .safe_open import opened_below
from .whole_file import publish_chunks, remove_unfinished, replace

MOST_ENTRIES = 20_000
"""How many entries a listing looks at before it stops: a folder of a tool may hold any number."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file in a folder. `path` is relative to it, with `/`; `size` in bytes."""

    path: str
    size: int
    mtime_ns: int
    media_type: str


def list_files(folder: Path, limit: int) -> tuple[FoundFile, ...]:
    """At most `limit` plain files, sorted by path; those nearest the top where there are more.

    Hidden ones, links and everything that could not be opened by its name are left out. None where there is no folder.
    """
    with opened_folder(folder) as folder_fd, refusals(f"Listing {folder}"):
        found = [] if folder_fd is None else _first(_walk(folder_fd), limit)
    return tuple(sorted(found, key=lambda each: each.path))


def _first(files: Iterator[FoundFile], limit: int) -> list[FoundFile]:
    return [file for file, _ in zip(files, range(limit), strict=False)]


def _walk(folder_fd: int) -> Iterator[FoundFile]:
    """The files, folder by folder, those nearest the top first."""
    left = MOST_ENTRIES
    folders: deque[tuple[str, ...]] = deque([()])
    while folders and left > 0:
        parts = folders.popleft()
        with opened_below(folder_fd, parts) as fd:
            entries = [] if fd is None else _entries(fd, left)
        left -= len(entries) + 1
        for name, there in entries:
            path = "/".join((*parts, name))
            if stat.S_ISDIR(there.st_mode):
                if len(os.fsencode(path)) < LONGEST_NAME:
                    folders.append((*parts, name))
            elif stat.S_ISREG(there.st_mode) and there.st_nlink == 1 and _has_name(path):
                yield FoundFile(path, there.st_size, there.st_mtime_ns, media_type_of(name))


def _entries(fd: int, limit: int) -> list[tuple[str, os.stat_result]]:
    found = []
    with os.scandir(fd) as entries:
        for entry, _ in zip(entries, range(limit), strict=False):
            if not entry.name.startswith("."):
                with suppress(OSError):  # it may have gone by now
                    found.append((entry.name, entry.stat(follow_symlinks=False)))
    return sorted(found, key=lambda each: each[0])


def _has_name(path: str) -> bool:
    try:
        parts_of(path)
    except InvalidPath:
        return False
    return True


def write_new(folder: Path, name: str, chunks: Iterable[bytes], *, overwrites: bool = False) -> None:
    """Writes a file from pieces, with the folders that lead to it. It is seen when it is whole, or never.

    `FileExists` where there is one and it is not to be overwritten. The folder itself is made, the thread's is not.
    """
    *leading, last = parts_of(name)
    with made_folder(folder, leading) as fd, refusals(f"Writing {name}"):
        if overwrites:
            try:
                replace(fd, last, chunks)
            except (IsADirectoryError, FileExistsError):
                raise _exists(name) from None
        elif not publish_chunks(fd, last, chunks):
            raise _exists(name)


def remove_file(folder: Path, name: str) -> None:
    """Removes one file, or a link itself. `FileNotFound` where there is none, or a folder."""
    *leading, last = parts_of(name)
    try:
        with opened_folder(folder) as folder_fd, refusals(f"Removing {name}"):
            if folder_fd is None or not _unlink(folder_fd, tuple(leading), last):
                raise _absent(name)
    except Unreadable:
        raise _absent(name) from None


def _unlink(folder_fd: int, leading: tuple[str, ...], last: str) -> bool:
    with opened_below(folder_fd, leading) as fd:
        try:
            if fd is None or stat.S_ISDIR(os.stat(last, dir_fd=fd, follow_symlinks=False).st_mode):
                return False
            os.unlink(last, dir_fd=fd)
        except FileNotFoundError:
            return False
    return True


def remove_unfinished_files(folder: Path, older_than_s: float) -> int:
    """Removes what interrupted uploads left at the top of the folder. How many there were."""
    with opened_folder(folder) as fd, refusals(f"Sweeping {folder}"):
        return 0 if fd is None else remove_unfinished(fd, older_than_s)


@contextmanager
def made_folder(folder: Path, leading: Iterable[str]) -> Iterator[int]:
    """The folder these parts lead to, made where there is none. A link on the way is refused."""
    with opened_folder(folder.parent) as parent_fd:
        if parent_fd is None:
            raise FileNotFound(f"There is no {folder.parent.name} to keep files in.")
        fd = os.dup(parent_fd)
    try:
        for part in (folder.name, *leading):
            with refusals(f"Making {part}"):
                inner = _made_below(fd, part)
                close(fd)
                fd = inner
        yield fd
    finally:
        close(fd)


def _made_below(fd: int, part: str) -> int:
    with suppress(FileExistsError):
        os.mkdir(part, 0o700, dir_fd=fd)
    try:
        return os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=fd)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise _exists(part) from None
        raise


def _exists(name: str) -> FileExists:
    return FileExists(f"There is something named {name!r} here already.")


def _absent(name: str) -> FileNotFound:
    return FileNotFound(f"There is no file {name!r} here.")
