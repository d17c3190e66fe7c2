"""Opening what lies below a folder, and nothing else, while whoever works in the folder may change it at any moment.

The rule kept here: a name is never resolved by looking first and opening later. The kernel resolves it in one call that
cannot leave the folder (`openat2`), or it is walked part by part without following links; what was opened is then asked
what it is.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ..core.errors import FileNotFound, Unreadable
from .disk import close, refused
from .file_names import parts_of, served_type_of
from .layout import opened_folder

_OPENAT2 = 437
_RESOLVE_NO_MAGICLINKS, _RESOLVE_NO_SYMLINKS, _RESOLVE_BENEATH = 0x02, 0x04, 0x08
_AGAIN = 16
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EXDEV, errno.ENXIO, errno.ENODEV, errno.EISDIR})

OpenBelow = Callable[[int, tuple[str, ...], int], int]
"""Opens, below a folder's descriptor, the file or folder these parts lead to, with these flags."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A plain file, open for reading. `etag` is as it stands in HTTP, quotes included; `size` in bytes."""

    fd: int
    size: int
    mtime_ns: int
    etag: str
    served_type: str

    def read(self, start: int, count: int) -> bytes:
        """At most `count` bytes from `start`; none at the end."""
        return os.pread(self.fd, count, start)


@contextmanager
def opened_file(folder: Path, name: str) -> Iterator[OpenFile]:
    """The file of that name below the folder. `FileNotFound` for a folder, a link, a device or a file of two names."""
    parts = parts_of(name)
    fd = _open_plain(folder, parts, name)
    try:
        there = os.fstat(fd)
        if not stat.S_ISREG(there.st_mode) or there.st_nlink != 1:
            raise _absent(name)
        yield OpenFile(fd, there.st_size, there.st_mtime_ns, etag_of(there), served_type_of(name))
    finally:
        close(fd)


def etag_of(there: os.stat_result) -> str:
    """What tells one content of a file from another, as an HTTP entity tag."""
    return f'"{there.st_ino:x}-{there.st_mtime_ns:x}-{there.st_size:x}"'


@contextmanager
def opened_below(folder_fd: int, parts: tuple[str, ...]) -> Iterator[int | None]:
    """A folder below a folder; `None` where there is none, or a link in its place."""
    try:
        fd = best_way()(folder_fd, parts, _FOLDER) if parts else os.dup(folder_fd)
    except OSError as error:
        if error.errno not in _ABSENT and error.errno not in (errno.EACCES, errno.ENAMETOOLONG):
            raise
        fd = None
    try:
        yield fd
    finally:
        if fd is not None:
            close(fd)


def _open_plain(folder: Path, parts: tuple[str, ...], name: str) -> int:
    try:
        with opened_folder(folder) as folder_fd:
            if folder_fd is None:
                raise _absent(name)
            return best_way()(folder_fd, parts, _READ)
    except Unreadable:
        raise _absent(name) from None
    except OSError as error:
        if error.errno in _ABSENT:
            raise _absent(name) from None
        raise refused(error, f"Opening {name}") from error


def _absent(name: str) -> FileNotFound:
    return FileNotFound(f"There is no file {name!r} here.")


@cache
def best_way() -> OpenBelow:
    """How files are opened on this machine: found out once, by trying."""
    return _with_openat2() or open_by_walking


def open_by_walking(folder_fd: int, parts: tuple[str, ...], flags: int) -> int:
    """Part by part, each without following a link."""
    fd = os.dup(folder_fd)
    try:
        for part in parts[:-1]:
            inner = os.open(part, _FOLDER, dir_fd=fd)
            close(fd)
            fd = inner
        return os.open(parts[-1], flags, dir_fd=fd)
    finally:
        close(fd)


def _with_openat2() -> OpenBelow | None:
    """`openat2(2)`, which the kernel may be too old for, or a filter may forbid. Not in the standard library yet."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes  # here: who never opens a file does not pay for it

    class OpenHow(ctypes.Structure):
        _fields_ = [("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64)]

    syscall = ctypes.CDLL(None, use_errno=True).syscall
    syscall.restype = ctypes.c_long

    def open_below(folder_fd: int, parts: tuple[str, ...], flags: int) -> int:
        how = OpenHow(flags, 0, _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS)
        path = os.fsencode("/".join(parts))
        for _ in range(_AGAIN):
            number, at, size = ctypes.c_long(_OPENAT2), ctypes.c_int(folder_fd), ctypes.c_size_t(ctypes.sizeof(how))
            fd = int(syscall(number, at, ctypes.c_char_p(path), ctypes.byref(how), size))
            if fd >= 0:
                return fd
            if ctypes.get_errno() not in (errno.EAGAIN, errno.EINTR):  # something was renamed meanwhile: once more
                break
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), "/".join(parts))

    return open_below if _works(open_below) else None


def _works(open_below: OpenBelow) -> bool:
    here = os.open("/", _FOLDER)
    try:
        os.close(open_below(here, (".",), _FOLDER))
    except OSError:
        return False
    finally:
        os.close(here)
    return True
