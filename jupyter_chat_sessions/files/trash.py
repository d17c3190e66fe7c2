"""Deleted threads: moved to `.trash`, moved back, and removed for good after 7 days.

The rule kept here: removing never climbs down a tree. Folders found inside a folder are first moved up beside it, so
no path gets long, however deep the tree; each is made passable before it is entered, whatever its mode; and nothing
is followed. What cannot be removed today is tried again at the next sweep.
"""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

from ..core.errors import Conflict, InvalidThreadId, ThreadNotFound
from ..core.ids import ThreadId, parse_thread_id
from .disk import close, refusals, sync_names
from .layout import TRASH, exists, make_folder_in_chats, opened_folder

KEPT_S = 7 * 24 * 3600.0

_SWEEPING = ".sweep-"
_O_PATH = getattr(os, "O_PATH", os.O_RDONLY)
_PLAIN_FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def move_to_trash(chats: Path, thread_id: ThreadId) -> None:
    """Moves the thread's folder to the trash; its time there begins now, and later than of an earlier one of its id."""
    make_folder_in_chats(chats, TRASH)
    with (
        opened_folder(chats) as chats_fd,
        opened_folder(chats / TRASH) as trash_fd,
        refusals(f"Deleting thread {thread_id}"),
    ):
        if chats_fd is None or trash_fd is None:
            raise FileNotFoundError(chats)
        name = _free_name(trash_fd, thread_id)
        earlier = [_deleted_at(trash_fd, each) + 1 for each in _names_of(trash_fd, thread_id)]
        when = max([time.time_ns(), *earlier])
        os.utime(thread_id, ns=(when, when), dir_fd=chats_fd, follow_symlinks=False)
        os.rename(thread_id, name, src_dir_fd=chats_fd, dst_dir_fd=trash_fd)
        with suppress(OSError):  # it has gone; should a power cut bring it back, its `deleted` line removes it again
            sync_names(trash_fd)
            sync_names(chats_fd)


def move_from_trash(chats: Path, thread_id: ThreadId) -> None:
    """Moves the newest folder of that thread back to where it was."""
    with (
        opened_folder(chats) as chats_fd,
        opened_folder(chats / TRASH) as trash_fd,
        refusals(f"Restoring thread {thread_id}"),
    ):
        names = [] if trash_fd is None else _names_of(trash_fd, thread_id)
        if chats_fd is None or not names:
            raise ThreadNotFound(f"There is no deleted thread {thread_id} to restore.")
        if exists(thread_id, chats_fd):
            raise Conflict(f"Thread {thread_id} is there; the deleted one of that name stays in the trash.")
        os.rename(names[-1], thread_id, src_dir_fd=trash_fd, dst_dir_fd=chats_fd)
        sync_names(chats_fd)


def is_in_trash(chats: Path, thread_id: ThreadId) -> bool:
    """Whether a thread of that id was deleted here and is still kept."""
    return os.path.lexists(chats / TRASH / thread_id)


def trashed(chats: Path) -> list[tuple[ThreadId, float]]:
    """The deleted threads that are still kept, each with when it was deleted (Unix time), the latest first."""
    found: dict[ThreadId, float] = {}
    with opened_folder(chats / TRASH) as trash_fd, refusals(f"Listing what was deleted from {chats}"):
        if trash_fd is None:
            return []
        for name in os.listdir(trash_fd):
            with suppress(InvalidThreadId, FileNotFoundError):  # a sweep's, or swept at this moment
                found[parse_thread_id(name)] = _deleted_at(trash_fd, name) / 1e9
    kept = [(thread_id, at) for thread_id, at in found.items() if at > time.time() - KEPT_S]
    return sorted(kept, key=lambda each: each[1], reverse=True)


def sweep(chats: Path, older_than_s: float = KEPT_S) -> int:
    """Removes what was deleted longer ago than that. How many threads went."""
    return sweep_entries(chats / TRASH, older_than_s)


def sweep_entries(folder: Path, older_than_s: float = KEPT_S) -> int:
    """Removes every entry of a folder that nothing was added to for so long. How many went."""
    with opened_folder(folder) as trash_fd:
        if trash_fd is None:
            return 0
        names = [name for name in os.listdir(trash_fd) if _is_due(trash_fd, name, older_than_s)]
        for name in names:
            with suppress(OSError):
                _remove_tree(trash_fd, name)
        return sum(not exists(name, trash_fd) for name in names)


def _is_due(trash_fd: int, name: str, older_than_s: float) -> bool:
    if name.startswith(_SWEEPING):
        return True
    with suppress(OSError):
        return os.stat(name, dir_fd=trash_fd, follow_symlinks=False).st_mtime <= time.time() - older_than_s
    return False


def _names_of(trash_fd: int, thread_id: ThreadId) -> list[str]:
    """The names under which that thread lies in the trash, oldest deletion first."""
    names = [name for name in os.listdir(trash_fd) if name.partition(".")[0] == thread_id]
    return sorted(names, key=lambda name: _deleted_at(trash_fd, name))


def _deleted_at(trash_fd: int, name: str) -> int:
    return os.stat(name, dir_fd=trash_fd, follow_symlinks=False).st_mtime_ns


def _free_name(trash_fd: int, thread_id: ThreadId) -> str:
    return thread_id if not exists(thread_id, trash_fd) else f"{thread_id}.{secrets.token_hex(4)}"


def _remove_tree(trash_fd: int, name: str) -> None:
    """Removes one entry of the trash. An unfinished sweep is itself an entry and goes on where it stopped."""
    if name.startswith(_SWEEPING):
        bench = name
    else:
        bench = _SWEEPING + secrets.token_hex(8)
        os.mkdir(bench, 0o700, dir_fd=trash_fd)
        _make_passable(trash_fd, name)
        os.rename(name, f"{bench}/0", src_dir_fd=trash_fd, dst_dir_fd=trash_fd)
    bench_fd = os.open(bench, os.O_RDONLY | _PLAIN_FOLDER, dir_fd=trash_fd)
    try:
        _empty(bench_fd)
    finally:
        close(bench_fd)
    os.rmdir(bench, dir_fd=trash_fd)


def _empty(bench_fd: int) -> None:
    """Removes everything on the bench. `tried` ends it where something cannot be removed."""
    tried: set[str] = set()
    while names := set(os.listdir(bench_fd)) - tried:
        for name in names:
            tried.add(name)
            with suppress(OSError):
                _remove_flat(bench_fd, name)


def _remove_flat(bench_fd: int, name: str) -> None:
    """Removes a file, or a folder after moving the folders in it up to the bench."""
    if not _make_passable(bench_fd, name):
        os.unlink(name, dir_fd=bench_fd)
        return
    fd = os.open(name, os.O_RDONLY | _PLAIN_FOLDER, dir_fd=bench_fd)
    try:
        for inner in os.listdir(fd):
            with suppress(OSError):
                if _make_passable(fd, inner):
                    os.rename(inner, secrets.token_hex(8), src_dir_fd=fd, dst_dir_fd=bench_fd)
                else:
                    os.unlink(inner, dir_fd=fd)
    finally:
        close(fd)
    os.rmdir(name, dir_fd=bench_fd)


def _make_passable(dir_fd: int, name: str) -> bool:
    """Lets its owner enter a folder; whether it is one. The mode is set on the opened folder, never through a name."""
    try:
        fd = os.open(name, _O_PATH | _PLAIN_FOLDER, dir_fd=dir_fd)
    except OSError:
        return False
    try:
        with suppress(OSError):
            os.chmod(f"/proc/self/fd/{fd}", 0o700)
    finally:
        close(fd)
    return True
