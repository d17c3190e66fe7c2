"""Where threads live below the server's root: what a request names, and the `.chats` folders it may mean.

The rule kept here: a hint is looked at first and is never needed; nothing outside the root is touched, no tree walked.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ..core.errors import ChatError, NotFound, ThreadDeleted
from ..core.ids import ThreadId
from ..files.chats_folder import ChatsFolder
from ..files.known_folders import KnownFolders
from ..files.layout import CHATS
from ..files.trash import is_in_trash
from ..sandbox.spare_folder import sweep_spares

LONGEST_PART = 255
LONGEST_PATH = 4096


@dataclass(frozen=True, slots=True)
class Place:
    """Where a caller says a thread lives: a directory relative to the root, and the notebook's file name in it."""

    folder: str | None = None
    notebook: str | None = None


class Places:
    """The `.chats` folders of one server. `later` runs a blocking call at some time, in a worker thread."""

    def __init__(self, root: Path, data_dir: Path, later: Callable[..., Any]) -> None:
        self.root = root
        self._known = KnownFolders(data_dir)
        self._later = later
        self._folders: dict[Path, ChatsFolder] = {}

    def named(self, notebook: str | None, folder: str | None) -> Place:
        """What `notebook` and `folder` of a request name. `NotFound` where that is outside the root."""
        if notebook:
            path = _below_root(notebook)
            return Place(_relative_name(path.parent), path.name)
        return Place() if folder is None else Place(_relative_name(_below_root(folder)))

    def folder(self, folder: str | None) -> ChatsFolder:
        """The `.chats` of a directory; it may not be there yet."""
        return self._at(self.root / (folder or "") / CHATS)

    def name_of(self, chats_folder: ChatsFolder) -> str:
        """The directory a `.chats` stands in, relative to the root."""
        return _relative_name(chats_folder.path.parent.relative_to(self.root))

    def candidates(self, folder: str | None) -> list[ChatsFolder]:
        """Where a thread may be: the hinted place, the root, then every `.chats` seen below the root. Blocks."""
        hinted = self.root / (folder or "") / CHATS
        if os.path.isdir(hinted):
            self.remember(hinted)
        places = [hinted, self.root / CHATS, *self._known.all()]
        return [self._at(path) for path in dict.fromkeys(places) if path.is_relative_to(self.root)]

    def find(self, thread_id: ThreadId, folder: str | None) -> ChatsFolder | None:
        """The folder the thread is written in. `ThreadDeleted` where it lies in the trash only. Blocks."""
        candidates = self.candidates(folder)
        found = next((each for each in candidates if each.has(thread_id)), None)
        if found is None and any(is_in_trash(each.path, thread_id) for each in candidates):
            raise ThreadDeleted(f"Thread {thread_id} has been deleted.")
        return found

    def find_in_trash(self, thread_id: ThreadId, folder: str | None) -> ChatsFolder | None:
        """The folder from which the thread was deleted. Blocks."""
        return next((each for each in self.candidates(folder) if is_in_trash(each.path, thread_id)), None)

    def remember(self, path: Path) -> None:
        """Keeps a `.chats` in mind, to find its threads by their ids alone. The list is disposable. Blocks."""
        with contextlib.suppress(ChatError, OSError):
            self._known.remember(path)

    def follow(self, old: str, new: str) -> None:
        """A directory has got another name: the `.chats` below it are kept in mind where they stand now. Blocks."""
        was, now = self.root / old, self.root / new
        for path in self._known.all():
            if path.is_relative_to(was):
                self.remember(now / path.relative_to(was))

    def sweep(self, chats_folder: ChatsFolder) -> None:
        """Removes for good what was deleted long ago, and what a killed server left, some time soon."""
        self._later(_sweep, chats_folder)

    def _at(self, path: Path) -> ChatsFolder:
        chats_folder = self._folders.get(path)
        if chats_folder is None:
            chats_folder = ChatsFolder(path)
            if os.path.isdir(path):  # what is only asked about is not kept
                self._folders[path] = chats_folder
                self.sweep(chats_folder)
        return chats_folder


def _sweep(chats_folder: ChatsFolder) -> None:
    with contextlib.suppress(ChatError, OSError):
        chats_folder.sweep_trash()
    sweep_spares(chats_folder.path)


def _relative_name(path: PurePosixPath | Path) -> str:
    name = path.as_posix()
    return "" if name == "." else name


def _below_root(given: str) -> PurePosixPath:
    path = PurePosixPath(given.strip("/") or ".")
    is_odd = ".." in path.parts or CHATS in path.parts or "\0" in given or "\\" in given
    is_long = any(len(os.fsencode(part)) > LONGEST_PART for part in path.parts)
    if is_odd or is_long or len(os.fsencode(given)) > LONGEST_PATH:
        raise NotFound(f"There is no {given[:200]!r} below the server's root.")
    return path
