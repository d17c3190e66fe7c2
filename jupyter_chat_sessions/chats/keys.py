"""Session keys of a server: on disk; in memory where nothing is to be kept or the disk is only read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ..core.errors import ReadOnly
from ..core.ids import SessionKey, Subject, ThreadId, new_thread_id
from ..files.session_keys import SessionKeys


class Keys:
    """The thread each key leads to, by subject. Without `kept`, keys end with the server."""

    def __init__(self, disk: Callable[..., Awaitable[Any]], kept: SessionKeys | None) -> None:
        self._disk = disk
        self._kept = kept
        self._unsaved: dict[tuple[Subject, SessionKey], ThreadId] = {}
        self._turn = asyncio.Lock()

    async def thread_of(self, subject: Subject, key: SessionKey) -> ThreadId:
        """The key's thread, named if there is none. Callers at once, from any server of this root, get the same."""
        if self._kept is not None and (subject, key) not in self._unsaved:
            try:
                thread_id, _ = await self._disk(self._kept.resolve, subject, key, new_thread_id)
                return ThreadId(thread_id)
            except ReadOnly:
                pass
        return self._unsaved.setdefault((subject, key), new_thread_id())

    async def thread_instead_of(self, gone: ThreadId, subject: Subject, key: SessionKey) -> ThreadId:
        """A fresh thread for a key whose thread was deleted; the same for all who ask at once."""
        async with self._turn:
            thread_id = await self.thread_of(subject, key)
            if thread_id != gone:
                return thread_id
            fresh = new_thread_id()
            if (subject, key) in self._unsaved:
                self._unsaved[subject, key] = fresh
            elif self._kept is not None:
                await self._disk(self._kept.rebind, subject, key, fresh)
            return fresh
