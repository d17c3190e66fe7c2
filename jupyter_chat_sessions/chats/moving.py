"""Threads follow their notebook when it is renamed or moved in Jupyter, each as soon as nothing runs in it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from ..core.errors import ChatError
from ..core.events import Rebound
from ..core.ids import ThreadId
from ..core.roles import Journal
from ..engine.session import Session
from ..files.chats_folder import ChatsFolder
from ..files.journal import FileJournal
from .disk import Disk
from .homes import Homes
from .places import Place, Places

log = logging.getLogger(__name__)


class Moving:
    """`begin` runs something beside the rest; `end_kernel` ends a thread's Python; `tell` says that a list changed."""

    def __init__(
        self,
        places: Places,
        homes: Homes,
        disk: Disk,
        *,
        opened: Callable[[ThreadId, Place], Awaitable[Session]],
        begin: Callable[[Coroutine[Any, Any, None]], None],
        end_kernel: Callable[[ThreadId], Awaitable[None]],
        tell: Callable[[ChatsFolder, int], None],
        on_change: Callable[[Session, bool], None],
    ) -> None:
        self._places = places
        self._homes = homes
        self._disk = disk
        self._opened = opened
        self._begin = begin
        self._end_kernel = end_kernel
        self._tell = tell
        self._on_change = on_change

    async def follow(self, old: Place, new: Place) -> None:
        """The threads of the notebook that was `old` are those of `new`."""
        listed = await self._disk(self._places.folder(old.folder).list)
        for entry in listed.chats:
            if entry.get("notebook") == old.notebook:
                session = await self._opened(ThreadId(entry["guid"]), Place(old.folder))
                if new.notebook != old.notebook:
                    await session.change(Rebound(new.notebook))
                if new.folder != old.folder:
                    self._begin(self._move(session, new.folder or ""))

    async def _move(self, session: Session, folder: str) -> None:
        """Brings the thread's folder to the `.chats` of another directory. Where that fails, it stays, and is found."""
        here, there = self._places.folder(session.home.folder), self._places.folder(folder)
        home = await self._homes.elsewhere(session, folder)
        try:
            await session.idle()
            await self._end_kernel(session.thread_id)  # its Python works in the folder that goes
            while not await session.move(home, lambda: _moved(session.journal, there)):
                await session.idle()
                await self._end_kernel(session.thread_id)
        except ChatError as refused:
            log.warning("Thread %s stays in %s: %s", session.thread_id, here.path, refused)
            return
        await self._disk(self._places.remember, there.path)
        version = await self._disk(here.forget, session.thread_id)
        self._tell(here, version or 0)
        self._on_change(session, True)


def _moved(journal: Journal, there: ChatsFolder) -> bool:
    """Moves what is on disk; whether nothing is left in the old place. What is kept nowhere has nothing to move."""
    return journal.move_to(there.path) if isinstance(journal, FileJournal) else True
