"""A folder for a chat that has none yet: beside the chats' own, under a hidden name, held by the process that made it.

It becomes a chat's by one rename, which replaces nothing. What runs in it goes along: a bind mount, a Landlock rule and
a working directory follow the folder, not its name. The lock on it is the system's and ends with its process, so a
folder whose lock can be taken is nobody's.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import secrets
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from .folder import below_place, inside

if sys.platform != "win32":
    import fcntl

FILES = "files"
PREFIX = ".spare-"
_NEW = "new"
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_NO_REPLACE = 1


class SpareFolder:
    """A fresh one in `place`, where chats have their folders. `OSError` where there can be none. Blocks."""

    def __init__(self, place: Path) -> None:
        self.place, self._name = place, PREFIX + secrets.token_hex(8)
        with below_place(place) as descriptor:
            os.mkdir(self._name, 0o700, dir_fd=descriptor)
            self._place, self._descriptor = os.dup(descriptor), -1
        try:
            self._descriptor = os.open(self._name, _FOLDER, dir_fd=self._place)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.mkdir(_NEW, 0o700, dir_fd=self._descriptor)
            _rename(self._descriptor, _NEW, self._descriptor, FILES)  # not every file system can
            self._made = os.stat(FILES, dir_fd=self._descriptor, follow_symlinks=False)
        except BaseException:
            self.remove()
            raise

    @property
    def files(self) -> Path:
        """What is to become the chat's folder."""
        return self.place / self._name / FILES

    def move_to(self, folder: Path) -> None:
        """Makes it the chat's. `FileExistsError` where the chat has one by now; then nothing has changed. Blocks."""
        found = os.stat(FILES, dir_fd=self._descriptor, follow_symlinks=False)
        if not os.path.samestat(found, self._made):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), str(self.files))
        with inside(folder.parent) as there:
            if there is None:
                raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
            _rename(self._descriptor, FILES, there, folder.name)
        with suppress(OSError):
            os.rmdir(self._name, dir_fd=self._place)
        self._let_go()

    def remove(self) -> None:
        """Deletes it with all it holds, unless it has become a chat's. A second time is harmless. Blocks."""
        if self._place >= 0:
            _delete(self.place / self._name)
            self._let_go()

    def _let_go(self) -> None:
        for descriptor in (self._descriptor, self._place):
            if descriptor >= 0:
                os.close(descriptor)
        self._descriptor = self._place = -1


def sweep_spares(place: Path) -> int:
    """Deletes the spare folders in `place` whose process has died. How many. Blocks."""
    removed = 0
    with suppress(OSError), below_place(place) as descriptor:
        for name in os.listdir(descriptor):
            if name.startswith(PREFIX):
                with suppress(OSError):
                    removed += _delete_if_nobodys(place, name, descriptor)
    return removed


def _delete_if_nobodys(place: Path, name: str, below: int) -> bool:
    spare = os.open(name, _FOLDER, dir_fd=below)
    try:
        fcntl.flock(spare, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _delete(place / name)
        return True
    finally:
        os.close(spare)


def _delete(folder: Path) -> None:
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)


def _rename(here: int, name: str, there: int, new_name: str) -> None:
    """Renames where nothing of the new name is there."""
    libc = _libc()
    if not hasattr(libc, "renameat2"):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if libc.renameat2(here, os.fsencode(name), there, os.fsencode(new_name), ctypes.c_uint(_NO_REPLACE)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), new_name)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
