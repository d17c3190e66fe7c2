"""What programs say in threads that no list shows is kept for a time, not for ever: each call of an API makes one.

The rule kept here: a thread that a session key leads to, that was shared, or that anybody has open here is never taken.
What is taken goes the way of every deleted thread: it stays in the trash for 7 days.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_core.paths import jupyter_data_dir

from ..core.conversation import is_beside
from ..core.errors import ChatError
from ..core.ids import OWNER, Subject, ThreadId
from ..files.chats_folder import ChatsFolder
from ..files.layout import CHATS
from ..files.session_keys import SessionKeys
from ..files.shares_file import SharesFile
from .places import Place

if TYPE_CHECKING:
    from .chats import Chats

log = logging.getLogger(__name__)

DAY_S = 24 * 3600.0
PAUSE_S = 60.0
MOST_AT_ONCE = 500


class Sweeping:
    """Takes what is older than so many days: now, and every day; a few hundred at once. 0 days: nothing ever."""

    def __init__(self, chats: Chats, days: int) -> None:
        self._task = asyncio.get_running_loop().create_task(_sweep_daily(chats, days)) if days else None

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})


async def _sweep_daily(chats: Chats, days: int) -> None:
    while True:
        try:
            taken = await sweep_unlisted(chats, days * DAY_S)
        except (ChatError, OSError) as fault:
            log.warning("Unlisted threads are not swept: %s", fault)
            taken = 0
        await asyncio.sleep(PAUSE_S if taken == MOST_AT_ONCE else DAY_S)


async def sweep_unlisted(chats: Chats, older_than_s: float) -> int:
    """Takes the unlisted threads in which nothing was said for so long; how many went."""
    due = await chats.disk(lambda: list(islice(_due(chats, older_than_s), MOST_AT_ONCE)))
    return sum([await _take(chats, *each) for each in due])


def _due(chats: Chats, older_than_s: float) -> Iterator[tuple[ThreadId, Place, Subject]]:
    """The threads to take, where they are, whose they are. Blocks."""
    folders = chats.places.candidates(None)
    kept = _named_elsewhere(chats.places.root, folders)
    for folder in folders:
        for now in folder.unlisted(older_than_s):
            if now.thread_id not in kept:
                header = folder.journal(now.thread_id).header()
                owner = Subject(header.owner) if header is not None and header.owner else OWNER
                yield now.thread_id, Place(chats.places.name_of(folder)), owner


def _named_elsewhere(root: Path, folders: Iterable[ChatsFolder]) -> frozenset[ThreadId]:
    """The threads that keys lead to, of servers above and below this one too, and those that were ever shared."""
    places = {each.path for each in folders} | {each / CHATS for each in root.parents}
    shared = {share.thread_id for share in SharesFile(Path(jupyter_data_dir())).all().values()}
    return frozenset(shared).union(*(SessionKeys(each).threads() for each in places))


async def _take(chats: Chats, thread_id: ThreadId, place: Place, owner: Subject) -> bool:
    if chats.sessions.find(thread_id) is not None:
        return False
    try:
        session = await chats.session(thread_id, owner, place)
        await session.whole()  # somebody may have come since it was found
        now = session.conversation
        if session.has_viewers or now.is_busy or not is_beside(now):
            return False
        await session.delete(now.seq)
    except ChatError as refused:
        log.warning("The unlisted thread %s stays: %s", thread_id, refused)
        return False
    return True
