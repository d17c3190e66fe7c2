"""The list of threads over one or more folders: from their catalogs, and those that are kept nowhere."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.errors import ChatError
from ..core.ids import Subject, ThreadId
from ..engine.session import Session
from ..files.catalog import Listing as CatalogListing
from ..files.chats_folder import ChatsFolder

log = logging.getLogger(__name__)

Row = dict[str, Any]
"""A thread as the REST doors list it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Threads, newest first, and the sum of the catalogs' versions."""

    threads: list[Row]
    version: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which threads: beside which notebook, whose, with which words, how many, from where on."""

    notebook: str | None = None
    owner: Subject | None = None
    words: str = ""
    limit: int = 100
    before: str | None = None
    running: frozenset[ThreadId] = field(default_factory=frozenset)


def row_of(session: Session) -> Row:
    """An open thread as a list shows it."""
    now = session.conversation
    created = session.header.created if session.header else None
    return {
        "thread_id": session.thread_id,
        "title": now.title,
        "created": created,
        "updated": now.updated or created,
        "message_count": now.message_count,
        "preview": now.last_words,
        "notebook": now.notebook,
        "folder": session.home.folder,
        "running": now.is_busy,
    }


def list_threads(wanted: Wanted, folders: Mapping[str, ChatsFolder], unsaved: Iterable[Row]) -> Listing:
    """The threads of these folders, by the folders' names, and the unsaved ones. Blocks on the disk."""
    version, found = 0, list(unsaved)
    for name, folder in folders.items():
        catalog = _catalog(folder, is_only_one=len(folders) == 1)
        version += catalog.version
        for entry in catalog.chats:
            if wanted.owner is None or _owner(folder, entry["guid"]) in (None, wanted.owner):
                found.append(_row(entry, name, entry["guid"] in wanted.running))
    return Listing(_page([row for row in found if _fits(row, wanted)], wanted.limit), version)


def _catalog(folder: ChatsFolder, *, is_only_one: bool) -> CatalogListing:
    """What one folder lists. One that cannot be read must not hide those of the others."""
    try:
        return folder.list()
    except ChatError as refused:
        if is_only_one:
            raise
        log.warning("The threads of %s are not listed: %s", folder.path, refused)
        return CatalogListing(0, (), "")


def _owner(folder: ChatsFolder, thread_id: ThreadId) -> str | None:
    """Whose a thread is. One that cannot be read is nobody's to see."""
    try:
        header = folder.journal(thread_id).header()
    except ChatError:
        return ""
    return header.owner if header else ""


def _row(entry: Mapping[str, Any], folder: str, is_running: bool) -> Row:
    """A catalog's entry, which anyone may have edited, as a row."""
    texts = {name: value if isinstance(value := entry.get(name), str) else None for name in _TEXTS}
    count = entry.get("message_count")
    return {
        "thread_id": entry["guid"],
        **texts,
        "title": texts["title"] or "",
        "preview": texts["preview"] or "",
        "message_count": count if isinstance(count, int) else 0,
        "folder": folder,
        "running": is_running,
    }


_TEXTS = ("title", "created", "updated", "preview", "notebook")


def _fits(row: Row, wanted: Wanted) -> bool:
    if wanted.notebook is not None and row["notebook"] != wanted.notebook:
        return False
    if wanted.before is not None and (row["updated"] or "") >= wanted.before:
        return False
    return wanted.words.casefold() in f"{row['title']}\n{row['preview']}".casefold()


def _page(rows: list[Row], limit: int) -> list[Row]:
    """The newest `limit` rows, and those as old as the last of them: the next page begins before its time."""
    rows.sort(key=lambda row: row["updated"] or "", reverse=True)
    page = rows[:limit]
    return page + list(itertools.takewhile(lambda row: row["updated"] == page[-1]["updated"], rows[limit:]))
