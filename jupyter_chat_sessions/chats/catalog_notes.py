"""What lists of threads should show, on its way to the catalogs: titles and deletions at once, counts once a second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ..core.conversation import Conversation
from ..core.errors import ChatError
from ..core.ids import ThreadId
from ..files.chats_folder import ChatsFolder
from .listing import Listing

log = logging.getLogger(__name__)

EVERY_S = 1.0


class CatalogNotes:
    """Gathers the newest state of each thread and notes it in its folder's catalog, outside every request's path."""

    def __init__(self, disk: Callable[..., Awaitable[Any]], tell_changed: Callable[[ChatsFolder, int], None]) -> None:
        self._disk = disk
        self._tell_changed = tell_changed
        self._waiting: dict[ThreadId, tuple[ChatsFolder, Conversation, str]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._making: dict[Path, asyncio.Task[None]] = {}

    def note(self, chats_folder: ChatsFolder, conversation: Conversation, created: str, is_urgent: bool) -> None:
        """Takes the newest state of a thread."""
        self._waiting[conversation.thread_id] = (chats_folder, conversation, created)
        loop = asyncio.get_running_loop()
        if is_urgent:
            self._begin()
        elif self._timer is None:
            self._timer = loop.call_later(EVERY_S, self._begin)

    async def listing(self, look: Callable[[], Listing]) -> Listing:
        """What a look into the catalogs gives, once all that was noted is in them. Those it missed are made later."""
        await self.flush()
        listing: Listing = await self._disk(look)
        for folder in listing.lacking:
            if folder.path not in self._making:
                self._making[folder.path] = asyncio.get_running_loop().create_task(self._make(folder))
        return listing

    async def _make(self, chats_folder: ChatsFolder) -> None:
        """Reads every transcript. Where the folder cannot be written, that is not tried again."""
        try:
            version = (await self._disk(chats_folder.list)).version
        except ChatError as refused:
            log.warning("The catalog of %s was not made: %s", chats_folder.path, refused)
            return
        if version:
            del self._making[chats_folder.path]
            self._tell_changed(chats_folder, version)

    async def close(self) -> None:
        """As `flush`; a catalog that is being made is left to the next listing."""
        for making in self._making.values():
            making.cancel()
        await asyncio.gather(*self._making.values(), return_exceptions=True)
        await self.flush()

    async def flush(self) -> None:
        """Returns when everything noted so far is in the catalogs."""
        while self._waiting or self._writing:
            self._begin()
            if self._writing is not None:
                await asyncio.shield(self._writing)

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._writing is None and self._waiting:
            self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, {}
                for chats_folder, conversation, created in waiting.values():
                    await self._write_one(chats_folder, conversation, created)
        finally:
            self._writing = None

    async def _write_one(self, chats_folder: ChatsFolder, conversation: Conversation, created: str) -> None:
        """The transcript is the truth: where its catalog cannot be written, it is put right at a later listing."""
        try:
            version = await self._disk(chats_folder.note, conversation, created)
            if version is not None:
                self._tell_changed(chats_folder, version)
        except ChatError as refused:
            log.warning("The catalog of %s was not written: %s", chats_folder.path, refused)
        except Exception:
            log.exception("The catalog of %s was not written.", chats_folder.path)
