"""Session keys: a name a caller chose, and the one thread it leads to.

The rule kept here: a key is published whole, and the first writer wins. Who finds it reads one small file and takes no
lock; who comes too late takes what the first one chose.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from ..core.errors import InvalidThreadId, StorageFailed
from ..core.ids import SessionKey, Subject, ThreadId, parse_thread_id
from .disk import close, refusals, sync_names
from .layout import KEYS, make_folder_in_chats, opened_folder
from .locks import LockedFile
from .whole_file import publish, replace

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class SessionKeys:
    """The keys of a server, in `keys/` of the `.chats` folder at its root."""

    def __init__(self, root_chats: Path) -> None:
        self._chats = root_chats
        self._folder = root_chats / KEYS

    def find(self, subject: Subject, key: SessionKey) -> ThreadId | None:
        """The thread the key leads to; `None` where nobody has used it."""
        with opened_folder(self._folder) as fd, refusals("Reading a session key"):
            return None if fd is None else _read(fd, _name_of(subject, key))

    def resolve(self, subject: Subject, key: SessionKey, mint: Callable[[], ThreadId]) -> tuple[ThreadId, bool]:
        """The key's thread, and whether it is new. `mint` only names one; if it raises, nothing has happened."""
        known = self.find(subject, key)
        if known is not None:
            return known, False
        return self._publish(_name_of(subject, key), mint())

    def rebind(self, subject: Subject, key: SessionKey, thread_id: ThreadId) -> None:
        """Lets the key lead to another thread from now on."""
        make_folder_in_chats(self._chats, KEYS)
        with opened_folder(self._folder) as fd, refusals("Writing a session key"):
            replace(_there(fd), _name_of(subject, key), (_content(thread_id),))

    def threads(self) -> frozenset[ThreadId]:
        """Every thread that a key leads to."""
        with opened_folder(self._folder) as fd, refusals("Reading the session keys"):
            found = [] if fd is None else [_read(fd, name) for name in os.listdir(fd)]
        return frozenset(each for each in found if each is not None)

    def _publish(self, name: str, minted: ThreadId) -> tuple[ThreadId, bool]:
        make_folder_in_chats(self._chats, KEYS)
        with opened_folder(self._folder) as folder_fd, refusals("Writing a session key"):
            fd = _there(folder_fd)
            if publish(fd, name, _content(minted)):
                sync_names(fd)
                return minted, True
            first = _read(fd, name)
            return (first, False) if first is not None else self._replace_garbage(fd, name, minted)

    def _replace_garbage(self, folder_fd: int, name: str, minted: ThreadId) -> tuple[ThreadId, bool]:
        """Who finds a key's file torn replaces it, one at a time: the others take what the first one wrote."""
        lock = LockedFile(".", os.O_RDONLY | os.O_DIRECTORY, folder_fd)
        try:
            lock.lock("exclusive")
            first = _read(folder_fd, name)
            if first is not None:
                return first, False
            replace(folder_fd, name, (_content(minted),))
            return minted, True
        finally:
            lock.close()


def _name_of(subject: Subject, key: SessionKey) -> str:
    return hashlib.sha256(f"{subject}\0{key}".encode("utf-8", "surrogatepass")).hexdigest()


def _content(thread_id: ThreadId) -> bytes:
    return f"{thread_id}\n".encode()


def _there(fd: int | None) -> int:
    if fd is None:
        raise StorageFailed("The folder of session keys has gone in this moment.")
    return fd


def _read(folder_fd: int, name: str) -> ThreadId | None:
    """The thread in a key's file; `None` where there is no file, or no id in it."""
    try:
        fd = os.open(name, _READ, dir_fd=folder_fd)
    except FileNotFoundError:
        return None
    try:
        content = os.read(fd, 64)
    finally:
        close(fd)
    try:
        thread_id = parse_thread_id(content[:-1].decode("ascii", "replace"))
    except InvalidThreadId:
        return None
    return thread_id if content == _content(thread_id) else None
