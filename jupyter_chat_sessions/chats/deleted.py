"""The deleted threads that a person can take back."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from ..core.errors import ChatError
from ..core.ids import Subject
from ..files.chats_folder import ChatsFolder
from ..files.deleted import deleted_threads
from .listing import Row
from .places import Place

if TYPE_CHECKING:
    from .chats import Chats


async def list_deleted(chats: Chats, place: Place, subject: Subject, limit: int) -> list[Row]:
    """Of a notebook, of a folder, or of all folders known below the root; the latest deletion first."""
    owner = subject if chats.separate_users else None

    def found() -> list[Row]:
        candidates = chats.places.candidates(place.folder) if chats.is_persisting else []
        folders = {chats.places.name_of(each): each for each in candidates[: None if place.folder is None else 1]}
        return list(itertools.islice(_deleted(folders, place.notebook, owner), limit))

    return await chats.disk(found)


def _deleted(folders: Mapping[str, ChatsFolder], notebook: str | None, owner: Subject | None) -> Iterator[Row]:
    rows = (_rows(name, folder, notebook, owner) for name, folder in folders.items())
    return heapq.merge(*rows, key=lambda row: str(row["deleted"]), reverse=True)


def _rows(name: str, folder: ChatsFolder, notebook: str | None, owner: Subject | None) -> Iterator[Row]:
    """A folder's, read as they are asked for; none where it cannot be read."""
    try:
        for each in deleted_threads(folder.path):
            is_theirs = owner is None or each.owner in (None, owner)
            if is_theirs and (notebook is None or each.entry["notebook"] == notebook):
                shown = {key: each.entry[key] for key in ("title", "updated", "message_count", "preview", "notebook")}
                yield {"thread_id": each.entry["guid"], **shown, "folder": name, "deleted": each.deleted}
    except ChatError:
        return
