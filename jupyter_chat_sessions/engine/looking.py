"""Looking for what other servers did: one errand of a worker thread for all threads of a folder, a `stat` for each.

Only a thread in which something is new takes a turn of its session for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from ..core.errors import ChatError
from .session import Session


class Looking:
    """Looks into folders side by side; one that takes long is left alone until its look is over."""

    def __init__(self, disk: Callable[..., Awaitable[Any]]) -> None:
        self._disk = disk
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def look(self, sessions: Iterable[Session]) -> None:
        """Has each session look where there is something new, or something for it to do."""
        by_folder: dict[str, list[Session]] = {}
        for session in sessions:
            if session.is_up_to_date:
                by_folder.setdefault(session.home.folder, []).append(session)
            else:
                session.look()
        for folder, found in by_folder.items():
            if folder not in self._under_way:
                looking = asyncio.get_running_loop().create_task(self._look_in(folder, found), name=f"look in {folder}")
                self._under_way[folder] = looking

    async def _look_in(self, folder: str, sessions: Sequence[Session]) -> None:
        try:
            for session in await self._disk(_with_news, sessions):
                session.look()
        finally:
            del self._under_way[folder]

    async def close(self) -> None:
        """Ends the looking."""
        looking = list(self._under_way.values())
        for each in looking:
            each.cancel()
        await asyncio.gather(*looking, return_exceptions=True)


def _with_news(sessions: Sequence[Session]) -> list[Session]:
    """In a worker thread. Beside a decision of the session's own its news may be ours: it looks again in its turn."""
    return [session for session in sessions if _has_news(session)]


def _has_news(session: Session) -> bool:
    try:
        return session.journal.has_news()
    except ChatError:  # the session's own look says what is wrong
        return True
