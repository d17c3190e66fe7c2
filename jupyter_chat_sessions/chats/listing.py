"""The list of threads over one or more folders: from their catalogs, and those that are kept nowhere."""

from __future__ import annotations

import heapq
import itertools
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.errors import ChatError
from ..core.ids import Subject, ThreadId
from ..engine.session import Session
from ..files.catalog import updated
from ..files.chats_folder import ChatsFolder

log = logging.getLogger(__name__)

Row = dict[str, Any]
"""A thread as the REST doors list it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Threads, newest first, and the sum of the catalogs' versions."""

    threads: list[Row]
    version: int
    lacking: tuple[ChatsFolder, ...] = ()
    """The folders that have no catalog, and too many threads to make it on the way."""


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
        "origin": now.origin,
        "folder": session.home.folder,
        "running": now.is_busy,
    }


def list_threads(wanted: Wanted, folders: Mapping[str, ChatsFolder], unsaved: Iterable[Row]) -> Listing:
    """The threads of these folders, by the folders' names, and the unsaved ones. Blocks on the disk."""
    shown = {name: _shown(folder, is_only_one=len(folders) == 1) for name, folder in folders.items()}
    kept = [_fitting(name, shown[name].entries, folder, wanted) for name, folder in folders.items()]
    rows = sorted((row for row in unsaved if _fits(row, wanted)), key=updated, reverse=True)
    found = heapq.merge(rows, *kept, key=updated, reverse=True)
    lacking = tuple(folder for name, folder in folders.items() if shown[name].is_lacking)
    return Listing(_page(found, wanted.limit), sum(each.version for each in shown.values()), lacking)


def _fitting(name: str, entries: Iterable[Mapping[str, Any]], folder: ChatsFolder, wanted: Wanted) -> Iterator[Row]:
    """A folder's rows, found as they are asked for: a page need not look at ten thousand threads."""
    for entry in entries:
        if _fits(entry, wanted) and (wanted.owner is None or _owner(folder, entry["guid"]) in (None, wanted.owner)):
            yield _row(entry, name, wanted.running)


def with_kernels(listing: Listing, alive: Collection[str]) -> Listing:
    """The listing, telling of each thread whether its kernel is alive."""
    rows = [{**row, "kernel": row["thread_id"] in alive} for row in listing.threads]
    return Listing(rows, listing.version)


@dataclass(frozen=True, slots=True)
class _Shown:
    """The entries of a folder's catalog; where that is lacking, those of its transcripts, as they are read."""

    version: int
    entries: Iterable[Mapping[str, Any]]
    is_lacking: bool = False


def _shown(folder: ChatsFolder, *, is_only_one: bool) -> _Shown:
    """What one folder lists. One that cannot be read must not hide those of the others."""
    try:
        entries = folder.newest()
        if entries is not None:
            return _Shown(0, entries, is_lacking=True)
        catalog = folder.list()
        return _Shown(catalog.version, catalog.chats)
    except ChatError as refused:
        if is_only_one:
            raise
        log.warning("The threads of %s are not listed: %s", folder.path, refused)
        return _Shown(0, ())


def _owner(folder: ChatsFolder, thread_id: ThreadId) -> str | None:
    """Whose a thread is. One that cannot be read is nobody's to see."""
    try:
        header = folder.journal(thread_id).header()
    except ChatError:
        return ""
    return header.owner if header else ""


def _text(entry: Mapping[str, Any], name: str) -> str:
    """A text of an entry, which anyone may have edited."""
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _row(entry: Mapping[str, Any], folder: str, running: Collection[ThreadId]) -> Row:
    """A catalog's entry as a row."""
    count = entry.get("message_count")
    return {
        "thread_id": entry["guid"],
        **{name: _text(entry, name) or None for name in ("created", "updated", "notebook", "origin")},
        "title": _text(entry, "title"),
        "preview": _text(entry, "preview"),
        "message_count": count if isinstance(count, int) else 0,
        "folder": folder,
        "running": entry["guid"] in running,
    }


def _fits(entry: Mapping[str, Any], wanted: Wanted) -> bool:
    if wanted.notebook is not None and entry.get("notebook") != wanted.notebook:
        return False
    if wanted.before is not None and updated(entry) >= wanted.before:
        return False
    if not wanted.words:
        return True
    return wanted.words.casefold() in f"{_text(entry, 'title')}\n{_text(entry, 'preview')}".casefold()


def _page(found: Iterator[Row], limit: int) -> list[Row]:
    """The newest `limit`, and those as old as the last of them: the next page begins before its time."""
    page = list(itertools.islice(found, limit))
    return page + list(itertools.takewhile(lambda row: updated(row) == updated(page[-1]), found))
