"""Where threads live: found by their ids, given a journal and a home when opened, and another home when they move.

A thread that cannot be kept, because nothing is or its folder is read-only, lives in memory and has a scratch folder.
"""

from __future__ import annotations

import functools
import os
import tempfile
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from ..core.errors import NotFound, ThreadDeleted
from ..core.ids import Subject, ThreadId
from ..core.roles import Journal
from ..engine.house import Home
from ..engine.session import Session
from ..files.chats_folder import ChatsFolder
from ..files.folder_files import remove_unfinished_files
from ..files.journal import FileJournal
from ..files.memory import MemoryJournal
from ..files.uploads import KEPT_S
from .consent import mark_of
from .disk import Disk
from .places import Place, Places
from .settings import Settings


class Homes:
    """The homes of the threads of one server, or of one kernel. Closed at the end: scratch folders go."""

    def __init__(self, settings: Settings, places: Places, disk: Disk) -> None:
        self._settings = settings
        self._places = places
        self._disk = disk
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._gone: set[ThreadId] = set()

    async def find(self, thread_id: ThreadId, place: Place) -> ChatsFolder | None:
        """The `.chats` the thread is written in. `ThreadDeleted` where it lies in the trash only."""
        return await self._disk(self._places.find, thread_id, place.folder) if self._settings.persist else None

    async def find_in_trash(self, thread_id: ThreadId, place: Place) -> ChatsFolder | None:
        """The `.chats` from which the thread was deleted."""
        return await self._disk(self._places.find_in_trash, thread_id, place.folder) if self._settings.persist else None

    async def of(
        self, thread_id: ThreadId, found: ChatsFolder | None, place: Place, owner: Subject | None
    ) -> tuple[Journal, Home]:
        """The thread's journal and its home. Where it was not found it begins in `place`, which must be there."""
        if found is None and thread_id in self._gone:
            raise ThreadDeleted(f"Thread {thread_id} has gone from where it was; its id is not used for another.")
        chats_folder = found or self._places.folder(place.folder)
        if found is None and not await self._disk(os.path.isdir, chats_folder.path.parent):
            raise NotFound(f"There is no folder {place.folder!r} below the server's root.")
        journal = await self._disk(self._journal, thread_id, chats_folder, place.notebook, owner)
        beside = chats_folder.path.parent if self._settings.has_notebooks else None
        home = Home(
            folder=self._places.name_of(chats_folder),
            files=chats_folder.files(thread_id) if journal.is_saved else self._scratch_folder(thread_id),
            file_url=functools.partial(self._file_url, thread_id),
            beside=beside,
            mark=await self._disk(mark_of, thread_id, beside),
            notebook=place.notebook,
            owner=owner,
        )
        self._disk.later(remove_unfinished_files, home.files, KEPT_S)
        return journal, home

    def note_gone(self, session: Session) -> None:
        """A thread whose folder somebody took away is not begun anew under its id: the folder may be put back."""
        if session.is_gone:
            self._gone.add(session.thread_id)

    async def elsewhere(self, session: Session, folder: str) -> Home:
        """The home an open thread has once it lives in another directory."""
        there = self._places.folder(folder)
        beside = there.path.parent if session.home.beside is not None else None
        home = replace(
            session.home, folder=folder, beside=beside, mark=await self._disk(mark_of, session.thread_id, beside)
        )
        is_kept = isinstance(session.journal, FileJournal)
        return replace(home, files=there.files(session.thread_id)) if is_kept else home

    def close(self) -> None:
        if self._scratch is not None:
            self._scratch.cleanup()

    def _journal(
        self, thread_id: ThreadId, chats_folder: ChatsFolder, notebook: str | None, owner: Subject | None
    ) -> Journal:
        is_kept = self._settings.persist and (chats_folder.has(thread_id) or _is_writable(chats_folder.path))
        return (chats_folder.journal if is_kept else MemoryJournal)(thread_id, notebook=notebook, owner=owner)

    def _scratch_folder(self, thread_id: ThreadId) -> Path:
        """Where the tools of a chat that is not saved work, until the server ends."""
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="chat-sessions-")
        folder = Path(self._scratch.name) / thread_id
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / "files"

    def _file_url(self, thread_id: ThreadId, path: str) -> str:
        return f"{self._settings.address}/threads/{thread_id}/files/{quote(path)}"


def _is_writable(chats: Path) -> bool:
    """Whether a thread could be kept there."""
    there = chats if os.path.isdir(chats) else chats.parent
    return os.access(there, os.W_OK | os.X_OK)
