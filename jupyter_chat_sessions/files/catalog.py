"""`catalog.json`: an index of the threads in a folder, for lists. It is never the truth and may be deleted any time.

The rules kept here: a change locks the file, writes beside and renames, and counts one version; what this version does
not know in it is kept; a catalog that cannot be read is made again from the transcripts.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.conversation import Conversation
from ..core.errors import ThreadNotFound
from ..core.ids import ThreadId
from .disk import close, read_range, refusals
from .layout import CATALOG, opened_folder
from .locks import LockedFile
from .whole_file import replace

Entry = dict[str, Any]
"""One thread as lists show it: see `entry_of`. What another version added to it is kept."""

Entries = dict[str, Entry]
"""The entries by guid, in the file's order."""

_SCHEMA_VERSION = 1
_VERSION = re.compile(rb'"version"\s*:\s*(\d{1,15})')
_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True, slots=True)
class Listing:
    """The threads of a folder as of one version, the newest first. `etag` changes with every change, also after the
    file was lost."""

    version: int
    chats: tuple[Mapping[str, Any], ...]
    etag: str
    guids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Record:
    version: int
    entries: Entries
    others: Mapping[str, Any]


def entry_of(conversation: Conversation, created: str) -> Entry | None:
    """What a list shows of a conversation; `None` where it has nothing to show there, or was deleted."""
    if not conversation.message_count or not conversation.is_listed or conversation.is_deleted:
        return None
    origin = {"origin": conversation.origin} if conversation.origin else {}
    return {
        "guid": conversation.thread_id,
        "title": conversation.title,
        "created": created or conversation.updated,
        "updated": conversation.updated,
        "message_count": conversation.message_count,
        "preview": conversation.last_words,
        "notebook": conversation.notebook,
        **origin,
    }


def updated(entry: Mapping[str, Any]) -> str:
    """When a thread was last heard in, as its entry has it, which anyone may have edited."""
    value = entry.get("updated")
    return value if isinstance(value, str) else ""


def newest_first(entries: Iterable[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    """The entries as lists show them."""
    return tuple(sorted(entries, key=updated, reverse=True))


class Catalog:
    """The catalog of one `.chats` folder. `rebuild` makes the entries anew from the transcripts."""

    def __init__(self, chats: Path, rebuild: Callable[[], Entries]) -> None:
        self._chats = chats
        self._rebuild = rebuild
        self._last: tuple[tuple[int, int, int], Listing] | None = None

    def read(self) -> Listing | None:
        """The threads as the file has them; `None` where there is no file or it cannot be read as a catalog."""
        with opened_folder(self._chats) as chats_fd, refusals(f"Reading {self._chats / CATALOG}"):
            if chats_fd is None:
                return None
            try:
                fd = os.open(CATALOG, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=chats_fd)
            except FileNotFoundError:
                return None
            try:
                return self._listing(fd)
            finally:
                close(fd)

    def _listing(self, fd: int) -> Listing | None:
        there = os.fstat(fd)
        identity = there.st_ino, there.st_mtime_ns, there.st_size
        if self._last is None or self._last[0] != identity:
            record = _parse(read_range(fd, 0, there.st_size))
            if record is None:
                return None
            etag = f'"{record.version:x}-{there.st_ino:x}-{there.st_mtime_ns:x}"'
            self._last = (
                identity,
                Listing(record.version, newest_first(record.entries.values()), etag, frozenset(record.entries)),
            )
        return self._last[1]

    def put(self, entry: Entry) -> int:
        """Enters a thread, or changes its entry; the version it then stands in."""

        def change(entries: Entries) -> None:
            entries[entry["guid"]] = {**entries.get(entry["guid"], {}), **entry}

        return self.change(change)

    def remove(self, thread_id: ThreadId) -> int:
        """Takes a thread out; the version from which it is gone."""
        return self.change(lambda entries: _drop(entries, thread_id))

    def change(self, change: Callable[[Entries], None], rebuild: Callable[[], Entries] | None = None) -> int:
        """Changes the entries, one version for all that changed; the version that then stands.

        `rebuild` makes those of a catalog that is lost, where that is not to read every transcript.
        """
        with opened_folder(self._chats) as chats_fd:
            if chats_fd is None:
                raise ThreadNotFound(f"There is no {self._chats}.")
            with self._locked(chats_fd) as raw:
                before = _parse(raw)
                record = before or _Record(_salvaged_version(raw), (rebuild or self._rebuild)(), {})
                entries = dict(record.entries)
                change(entries)
                if before is not None and entries == before.entries:
                    return before.version
                with refusals(f"Writing {self._chats / CATALOG}"):
                    replace(chats_fd, CATALOG, (_dump(record, entries),))
                return record.version + 1

    @contextmanager
    def _locked(self, chats_fd: int) -> Iterator[bytes]:
        """What the file holds, while nobody else can change it. Every change makes a new file: wait for the newest."""
        while True:
            with refusals(f"Locking {self._chats / CATALOG}"):
                file = LockedFile(CATALOG, _FLAGS, chats_fd)
            try:
                with refusals(f"Locking {self._chats / CATALOG}"):
                    file.lock("exclusive")
                    is_newest = file.is_at(CATALOG, chats_fd)
                    fd = file.descriptor()
                    raw = read_range(fd, 0, os.fstat(fd).st_size)
                if is_newest:
                    yield raw
                    return
            finally:
                file.close()


def _drop(entries: Entries, thread_id: ThreadId) -> None:
    entries.pop(thread_id, None)


def _parse(raw: bytes) -> _Record | None:
    """The catalog in these bytes; `None` where they are not one, in whole."""
    try:
        record = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or type(record.get("version")) is not int:
        return None
    chats = record.pop("chats", None)
    if not isinstance(chats, list) or not all(_is_entry(each) for each in chats):
        return None
    return _Record(record.pop("version"), {each["guid"]: each for each in chats}, record)


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("guid"), str)


def _salvaged_version(raw: bytes) -> int:
    found = _VERSION.search(raw)
    return int(found[1]) if found else 0


def _dump(record: _Record, entries: Entries) -> bytes:
    whole = {"schema_version": _SCHEMA_VERSION, **record.others, "version": record.version + 1}
    whole["chats"] = list(entries.values())
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass") + b"\n"
