"""Whose the files of a folder are, where the server is root and its kernels are not.

The folder's owner is the kernel's user. What the server puts there is made its, so that the kernel can go on with it.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

LOCK = "owner"
"""The file in a socket folder by which its server holds it."""

_DEEPEST = 64
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def is_root() -> bool:
    """Whether this process may give files away."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def adopt(descriptor: int, folder: int) -> None:
    """Gives a file or folder just made to the owner of the folder it lies in."""
    if is_root() and (owner := os.fstat(folder)).st_uid != 0:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)


def settle_owner(folder: Path) -> None:
    """Gives what root has put into the folder to the folder's owner. Blocks."""
    if is_root() and (owner := os.stat(folder, follow_symlinks=False).st_uid) != 0:
        hand_over(folder, owner)


def hand_over(folder: Path, uid: int, deepest: int = _DEEPEST) -> None:
    """Makes the folder, and what root has left in it, the kernel's user's. Links are not followed."""
    descriptor = os.open(folder, _FOLDER)
    try:
        if os.fstat(descriptor).st_uid != uid:
            os.fchown(descriptor, uid, uid)
        _hand_over_inside(descriptor, uid, deepest)
    finally:
        os.close(descriptor)


def share(folder: Path, uid: int) -> None:
    """Lets the user make files in a folder that stays root's, and have those that are there, but for its lock."""
    descriptor = os.open(folder, _FOLDER)
    try:
        os.fchown(descriptor, -1, uid)
        os.fchmod(descriptor, 0o1770)
        for name in os.listdir(descriptor):
            if name != LOCK:
                os.chown(name, uid, uid, dir_fd=descriptor, follow_symlinks=False)
    finally:
        os.close(descriptor)


def _hand_over_inside(descriptor: int, uid: int, deepest: int) -> None:
    with os.scandir(descriptor) as entries:
        names = [entry.name for entry in entries]
    for name in names:
        with contextlib.suppress(OSError):  # the kernel may move it meanwhile
            _hand_over_entry(name, descriptor, uid, deepest)


def _hand_over_entry(name: str, folder: int, uid: int, deepest: int) -> None:
    state = os.stat(name, dir_fd=folder, follow_symlinks=False)
    is_folder = stat.S_ISDIR(state.st_mode)
    is_linked = not is_folder and state.st_nlink > 1  # it may be someone's file elsewhere
    if state.st_uid != uid and not is_linked:
        os.chown(name, uid, uid, dir_fd=folder, follow_symlinks=False)
    if is_folder and deepest > 0:
        below = os.open(name, _FOLDER, dir_fd=folder)
        try:
            _hand_over_inside(below, uid, deepest - 1)
        finally:
            os.close(below)
