"""Opening what lies in a thread's folder, and nothing else.

Code in the sandbox owns the folder and may swap any name in it for a symlink at any moment, so a path is opened part
by part, each below the one before, no link followed, and only what was opened is looked at.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..core.errors import FileNotFound, Forbidden, InvalidPath

_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_LINK
_FILE = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | _NO_LINK
_BELOW = os.open in os.supports_dir_fd


def parse_path(path: str) -> list[str]:
    """The parts of a path inside the folder. `InvalidPath` where it leads elsewhere or is none."""
    if path.startswith("/") or "\0" in path or "\\" in path or ":" in path.split("/")[0]:
        raise InvalidPath(f"A path is relative to the chat's folder, with /, not {path[:80]!r}.")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise InvalidPath(f"A path stays inside the chat's folder; {path[:80]!r} leads out of it.")
    return parts


@contextmanager
def opened_folder(folder: Path, parts: list[str]) -> Iterator[int | str]:
    """The folder at `parts`, as `os.scandir` takes it: a descriptor, or a path where there are no such things."""
    with told(parts):
        below = _walk(folder, parts)
    if isinstance(below, str):
        yield below
        return
    try:
        yield below
    finally:
        os.close(below)


def open_file(folder: Path, parts: list[str]) -> int:
    """The descriptor of the regular file at `parts`. `FileNotFound`, `Forbidden`, `InvalidPath`."""
    if not parts:
        raise InvalidPath("A file's path is needed; this one names the chat's folder itself.")
    with opened_folder(folder, parts[:-1]) as below, told(parts):
        if isinstance(below, str):
            descriptor = _open_by_path(Path(below) / parts[-1])
        else:
            descriptor = os.open(parts[-1], _FILE, dir_fd=below)
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        os.close(descriptor)
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "not a plain file"
        raise InvalidPath(f"{'/'.join(parts)} is {kind}; only files can be read.")
    return descriptor


def make_folders(folder: Path, parts: list[str]) -> None:
    """Makes the folders at `parts` that are missing, each below the one before."""
    for end in range(1, len(parts) + 1):
        with opened_folder(folder, parts[: end - 1]) as below, told(parts[:end]):
            try:
                if isinstance(below, str):
                    os.mkdir(os.path.join(below, parts[end - 1]), 0o700)
                else:
                    os.mkdir(parts[end - 1], 0o700, dir_fd=below)
            except FileExistsError:  # what it is shows when it is opened
                continue


def _walk(folder: Path, parts: list[str]) -> int | str:
    if not _BELOW:
        return _walk_by_path(folder, parts)
    below = os.open(folder, _FOLDER)
    for part in parts:
        try:
            deeper = os.open(part, _FOLDER, dir_fd=below)
        finally:
            os.close(below)
        below = deeper
    return below


def _walk_by_path(folder: Path, parts: list[str]) -> str:
    path = folder
    for part in ["", *parts]:
        path = path / part
        if path.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    return str(path)


def _open_by_path(path: Path) -> int:
    if path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return os.open(path, _FILE)


@contextmanager
def told(parts: list[str]) -> Iterator[None]:
    """The system's refusals in the chat's words."""
    path = "/".join(parts) or "."
    try:
        yield
    except (FileNotFoundError, UnicodeEncodeError) as error:
        raise FileNotFound(f"There is no {path!r} in the chat's folder.") from error
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise Forbidden(f"{path!r} is, or lies below, a symbolic link; links are not followed.") from error
        if error.errno == errno.ENOTDIR:
            raise InvalidPath(f"{path!r} is no folder, or lies below what is none.") from error
        raise Forbidden(f"{path!r} cannot be opened: {error.strerror}.") from error
