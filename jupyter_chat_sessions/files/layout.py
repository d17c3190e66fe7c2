"""The names in a `.chats` folder, and how a folder there is made and opened.

The rule kept here: from `.chats` down nothing is followed. What leads to `.chats` is the person's own and may be links.
"""

from __future__ import annotations

import errno
import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import Conflict, Unreadable
from .disk import close, refusals, refused
from .whole_file import publish

CHATS = ".chats"
TRANSCRIPT = "chat.jsonl"
DRAFT = "draft.jsonl"
LANE = "lane"
FILES = "files"
REQUESTS = "requests"
TRASH = ".trash"
CATALOG = "catalog.json"
GITIGNORE = ".gitignore"
KEYS = "keys"

_IGNORED = ("*/files/", "*/requests/", "*/draft.jsonl", "*/lane", "keys/", "_default/", ".trash/", "catalog.json")
_IGNORING = "".join(f"{pattern}\n" for pattern in _IGNORED).encode()
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LEADING_FOLDER = _FOLDER & ~os.O_NOFOLLOW


def parts_below_chats(folder: Path) -> tuple[Path, tuple[str, ...]]:
    """Where links may still be followed, and the parts below it where they are not: from `.chats` on, or the last."""
    parts = folder.parts
    first = len(parts) - 1 - parts[::-1].index(CHATS) if CHATS in parts else len(parts) - 1
    return Path(*parts[:first]), parts[first:]


@functools.lru_cache(maxsize=1024)
def _names_to(folder: Path) -> tuple[str, ...]:
    """The names to open one after another: what leads to `.chats` as one, then each part below it."""
    base, parts = parts_below_chats(folder)
    return (str(base), *parts)


@contextmanager
def opened_folder(folder: Path) -> Iterator[int | None]:
    """A descriptor of the folder; `None` where there is none. `Unreadable` where a link or a file is in its place."""
    fd = _open_folder(folder)
    try:
        yield fd
    finally:
        if fd is not None:
            close(fd)


def _open_folder(folder: Path) -> int | None:
    fd: int | None = None
    for name in _names_to(folder):
        try:
            inner = os.open(name, _FOLDER if fd is not None else _LEADING_FOLDER, dir_fd=fd)
        except FileNotFoundError:
            inner = None
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP):
                raise Unreadable(
                    f"{folder} is not a plain folder ({name} is a link or a file); it is left alone."
                ) from None
            raise refused(error, f"Opening {folder}") from error
        finally:
            if fd is not None:
                close(fd)
        if inner is None:
            return None
        fd = inner
    return fd


def is_folder_at(folder: Path, fd: int) -> bool:
    """Whether the opened folder still stands there: it may have been moved to the trash, or to another id."""
    try:
        return os.path.samestat(os.stat(folder, follow_symlinks=False), os.fstat(fd))
    except (FileNotFoundError, NotADirectoryError):
        return False


def make_chats(chats: Path) -> None:
    """Makes the `.chats` folder with its `.gitignore`, where there is none. The folder it stands in must exist."""
    with refusals(f"Making {chats}"):
        _make_folder(chats)
        with opened_folder(chats) as fd:
            if fd is not None and not exists(GITIGNORE, fd):
                publish(fd, GITIGNORE, _IGNORING)


def make_folder_in_chats(chats: Path, name: str) -> bool:
    """Makes a folder only its owner may enter, and `.chats` before it. Whether it is new."""
    make_chats(chats)
    with opened_folder(chats) as fd, refusals(f"Making {chats / name}"):
        if fd is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return _make_folder(name, fd)


def move_thread(chats: Path, other: Path, name: str) -> None:
    """Moves a thread's folder from one `.chats` to another, which is made. `Conflict` where its name is taken there."""
    make_chats(other)
    with opened_folder(chats) as here, opened_folder(other) as there, refusals(f"Moving {chats / name} to {other}"):
        if here is None or there is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if exists(name, there):
            raise Conflict(f"There is a thread {name} in {other} already.")
        os.rename(name, name, src_dir_fd=here, dst_dir_fd=there)
        os.fsync(there)
        os.fsync(here)


def _make_folder(folder: Path | str, dir_fd: int | None = None) -> bool:
    try:
        os.mkdir(folder, 0o700, dir_fd=dir_fd)
    except FileExistsError:
        return False
    return True


def exists(name: str, fd: int) -> bool:
    """Whether the folder has an entry of that name, whatever it is."""
    try:
        os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise refused(error, f"Looking for {name}") from error
    return True
