"""How a thread comes to be on disk: its folder, made under a lock of its own, then its transcript, whole.

The rules kept here: the header is never half there; of two who make the same thread, one makes it and the other goes
on in it; where nothing is written, nothing is left.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core.errors import ChatError, StorageFailed
from .disk import refusals, refused, sync_folder, sync_names
from .layout import GITIGNORE, LANE, TRANSCRIPT, exists, make_chats, make_folder_in_chats, opened_folder
from .locks import LockedFile
from .whole_file import published, remove_unfinished

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@contextmanager
def making_thread(folder: Path) -> Iterator[int | None]:
    """The thread's folder, made if need be and locked; `None` where it must be looked at again.

    When the block ends and there is no transcript, the folder goes again.
    """
    make_folder_in_chats(folder.parent, folder.name)
    with opened_folder(folder.parent) as chats_fd:
        file = None if chats_fd is None else _open_folder(folder.name, chats_fd)
        if chats_fd is None or file is None:
            yield None
            return
        try:
            with refusals(f"Locking {folder}"):
                file.lock("exclusive")
                is_there = file.is_at(folder.name, chats_fd)
            yield file.descriptor() if is_there else None
        finally:
            _remove_if_unwritten(folder, file.descriptor(), chats_fd)
            file.close()


def write_first(folder: Path, folder_fd: int, data: bytes) -> os.stat_result:
    """Writes a new transcript, whole and synced with the folders that lead to it. Which file it is.

    Until all of that is done nobody else can append: what another was told is there must not go with a refusal of ours.
    """
    with refusals(f"Writing {folder / TRANSCRIPT}"), published(folder_fd, TRANSCRIPT, data) as file:
        if file is None:
            raise StorageFailed(f"Something else put a {TRANSCRIPT} into {folder} in this moment.")
        there = os.fstat(file.descriptor())
        sync_names(folder_fd)
        sync_folder(folder.parent)
        sync_folder(folder.parent.parent)
    return there


def remove_unwritten(folder: Path) -> None:
    """Removes a thread's folder in which there is nothing but a lane, and a `.chats` that was made for it."""
    with suppress(OSError, ChatError), opened_folder(folder.parent) as chats_fd:
        file = None if chats_fd is None else _open_folder(folder.name, chats_fd)
        if chats_fd is None or file is None:
            return
        try:
            if file.try_lock() and file.is_at(folder.name, chats_fd):
                if os.listdir(file.descriptor()) == [LANE]:
                    os.unlink(LANE, dir_fd=file.descriptor())
                _remove_if_unwritten(folder, file.descriptor(), chats_fd)
        finally:
            file.close()


def _open_folder(name: str, chats_fd: int) -> LockedFile | None:
    try:
        return LockedFile(name, _FOLDER, chats_fd)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused(error, f"Opening {name}") from error


def _remove_if_unwritten(folder: Path, folder_fd: int, chats_fd: int) -> None:
    with suppress(OSError, ChatError):
        if not exists(TRANSCRIPT, folder_fd):
            remove_unfinished(folder_fd, -math.inf)  # left by who was killed here; the lock says that nobody is at it
            os.rmdir(folder.name, dir_fd=chats_fd)
            if os.listdir(chats_fd) == [GITIGNORE]:
                _remove_chats(folder.parent, chats_fd)


def _remove_chats(chats: Path, chats_fd: int) -> None:
    os.unlink(GITIGNORE, dir_fd=chats_fd)
    try:
        chats.rmdir()
    except OSError:  # somebody has begun a thread there
        with suppress(ChatError):
            make_chats(chats)
