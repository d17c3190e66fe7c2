"""A `.chats` folder: the threads beside a notebook, their catalog and their trash."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ..core.conversation import Conversation, begin, is_beside
from ..core.errors import ChatError, StorageFailed, ThreadNotFound
from ..core.ids import ThreadId
from ..core.roles import Writing
from ..core.transcript import CopiedLine, Line, RestoredLine
from .catalog import Catalog, Entries, Entry, Listing, entry_of, newest_first
from .disk import now, refusals, sync_names
from .journal import FileJournal
from .layout import CATALOG, FILES, KEYS, TRANSCRIPT, opened_folder
from .newest import newest
from .trash import KEPT_S, move_from_trash, move_to_trash, sweep
from .whole_file import remove_unfinished

_UNFINISHED_S = 3600.0
_SETTLED_NS = 2_000_000_000
_MANY = 500
"""From so many threads on, a list does not wait for all of them to be read."""
_THREAD_ID = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
"""The one way a thread's id is written. A folder may hold ten thousand names, and is listed often."""


class ChatsFolder:
    """The threads in one `.chats` folder. Nothing is made before something is written."""

    def __init__(self, path: Path, clock: Callable[[], str] = now) -> None:
        self._path = path
        self._clock = clock
        self._catalog = Catalog(path, self._entries)
        self._seen: tuple[int, frozenset[ThreadId]] | None = None
        self._turn = threading.Lock()
        self._without_entry: dict[ThreadId, tuple[int, int, int]] = {}

    @property
    def path(self) -> Path:
        return self._path

    # --- one thread ---------------------------------------------------------------------------------------------------

    def has(self, thread_id: ThreadId) -> bool:
        """Whether the thread is written here. One `stat`."""
        return os.path.lexists(self._path / thread_id / TRANSCRIPT)

    def files(self, thread_id: ThreadId) -> Path:
        """The folder its tools work in, which may not be there yet."""
        return self._path / thread_id / FILES

    def journal(self, thread_id: ThreadId, notebook: str | None = None, owner: str | None = None) -> FileJournal:
        """The thread's journal. Nothing is written before its first line."""
        return FileJournal(self._path / thread_id, thread_id, notebook, owner, self._clock)

    def create(
        self, thread_id: ThreadId, notebook: str | None = None, owner: str | None = None, title: str | None = None
    ) -> bool:
        """Writes the thread's header, and its title, unless it is there. Whether it is new. The catalog stays."""
        return self.journal(thread_id, notebook, owner).create(title)

    def trash(self, thread_id: ThreadId) -> None:
        """Deletes the thread: it stays in the trash for 7 days."""
        journal = self.journal(thread_id)
        if not self.has(thread_id):
            raise ThreadNotFound(f"There is no thread {thread_id} in {self._path}.")
        journal.remove()
        self.forget(thread_id)

    def restore(self, thread_id: ThreadId) -> None:
        """Brings a deleted thread back, with a line that says so. `Conflict` where another stands in its place."""
        move_from_trash(self._path, thread_id)
        journal = self.journal(thread_id)
        try:
            journal.header()  # from now on it is never made anew, should it go again in this moment
            journal.transact(self._restored)
        except ChatError:
            move_to_trash(self._path, thread_id)
            raise
        self._note_from_disk(thread_id)

    def _restored(self, lines: tuple[Line, ...]) -> Writing:
        return Writing((RestoredLine(_next_seq(lines), self._clock()),))

    def give_new_id(self, thread_id: ThreadId, new_id: ThreadId) -> bool:
        """Makes a copied thread one of its own: a `copied` line, then its folder's new name.

        Whether it was done; a thread that is running, or that another process renames, is left alone.
        """
        journal = self.journal(thread_id)
        if not self.has(thread_id) or not journal.take_lane():
            return False
        try:
            if journal.header() is None:  # another was faster
                return False
            journal.transact(lambda lines: self._copied(lines, thread_id))
            with opened_folder(self._path) as fd, refusals(f"Renaming {self._path / thread_id}"):
                if fd is None:
                    return False
                os.rename(thread_id, new_id, src_dir_fd=fd, dst_dir_fd=fd)
                with suppress(OSError):  # it has its new name, and a power cut that takes it back breaks nothing
                    sync_names(fd)
        finally:
            journal.close()
        self._catalog.change(lambda entries: _rename(entries, thread_id, new_id))
        return True

    def _copied(self, lines: tuple[Line, ...], thread_id: ThreadId) -> Writing:
        if lines and isinstance(lines[-1], CopiedLine) and lines[-1].from_ == thread_id:
            return Writing(())  # said already, by a process that died before it renamed
        return Writing((CopiedLine(_next_seq(lines), self._clock(), thread_id),))

    # --- all of them --------------------------------------------------------------------------------------------------

    def thread_ids(self) -> frozenset[ThreadId]:
        """The threads that have a folder here. Looked at again only when a name has come or gone."""
        with opened_folder(self._path) as fd, refusals(f"Listing {self._path}"):
            if fd is None:
                return frozenset()
            changed = os.fstat(fd).st_mtime_ns
            if self._seen is not None and self._seen[0] == changed:
                return self._seen[1]
            found = frozenset(ThreadId(name) for name in os.listdir(fd) if _is_thread_id(name))
        # What has only just changed may change again with the same time.
        self._seen = (changed, found) if changed < time.time_ns() - _SETTLED_NS else None
        return found

    def newest(self) -> Iterator[Entry] | None:
        """What `list` would show, read as it is asked for; only where that is worth it: of many, without a catalog."""
        there = self.thread_ids()
        if len(there) < _MANY or self._catalog.read() is not None:
            return None
        return newest(self._path, there, self._entry_if_new)

    def list(self) -> Listing:
        """The threads that have a message. What was added or taken away behind the catalog's back is put right.

        Where that takes long, as in a large folder without a catalog, whoever lists meanwhile waits for it.
        """
        with self._turn:
            return self._list()

    def _list(self) -> Listing:
        there = self.thread_ids()
        listing = self._catalog.read()
        known = listing.guids if listing else frozenset()
        found = [entry for each in sorted(there - known) if (entry := self._entry_if_new(each))]
        gone = known - there
        if listing is not None and not found and not gone:
            return listing
        if listing is None and not found and not os.path.lexists(self._path / CATALOG):
            return Listing(0, (), '"0"')
        return self._put_right(found, gone, listing)

    def _put_right(self, found: Sequence[Entry], gone: frozenset[str], listing: Listing | None) -> Listing:
        def change(entries: Entries) -> None:
            for guid in gone:
                entries.pop(guid, None)
            for entry in found:
                entries.setdefault(entry["guid"], entry)

        try:
            # Where there is no catalog, all that there is has just been found: it is not read a second time.
            self._catalog.change(change, rebuild=None if listing else dict)
        except StorageFailed:  # a folder that is only read is still listed
            entries: Entries = {entry["guid"]: dict(entry) for entry in listing.chats} if listing else {}
            change(entries)
            return Listing(listing.version if listing else 0, newest_first(entries.values()), f'"{len(entries)}"')
        return self._catalog.read() or Listing(0, (), '"0"')

    def note(self, conversation: Conversation, created: str) -> int | None:
        """Brings a thread's entry up to date; the catalog's version. `None` where it has no message to show."""
        thread_id = conversation.thread_id
        if entry_of(conversation, created) is None:
            return self.forget(thread_id) if conversation.is_deleted else None

        def change(entries: Entries) -> None:
            """With the catalog locked: who notes last has seen every line, whichever server wrote it."""
            entry = self._entry(thread_id) if self._is_behind(conversation) else entry_of(conversation, created)
            if entry is None:
                entries.pop(thread_id, None)
            else:
                entries[thread_id] = {**entries.get(thread_id, {}), **entry}

        return self._catalog.change(change)

    def _is_behind(self, conversation: Conversation) -> bool:
        """Whether another server has written since. One that cannot be read is shown as it was last known."""
        try:
            newest = self.journal(conversation.thread_id).tail(1).lines
        except ChatError:
            return False
        return bool(newest) and newest[-1].seq > conversation.seq

    def forget(self, thread_id: ThreadId) -> int | None:
        """Takes a thread out of the catalog; its version. `None` where there is no folder."""
        try:
            return self._catalog.remove(thread_id)
        except ThreadNotFound:
            return None

    def sweep_trash(self, older_than_s: float = KEPT_S) -> int:
        """Removes for good what was deleted longer ago than that, and what killed processes left half-written."""
        for folder in (self._path, self._path / KEYS):
            with opened_folder(folder) as fd, refusals(f"Sweeping {folder}"):
                if fd is not None:
                    remove_unfinished(fd, _UNFINISHED_S)
        return sweep(self._path, older_than_s)

    def unlisted(self, older_than_s: float) -> Iterator[Conversation]:
        """The threads that said something no list shows, and nothing since that long. Those no one can read stay."""
        listing = self._catalog.read()
        for thread_id in sorted(self.thread_ids() - (listing.guids if listing else frozenset())):
            with suppress(ChatError, OSError):
                there = os.stat(self._path / thread_id / TRANSCRIPT, follow_symlinks=False)
                if there.st_mtime > time.time() - older_than_s:
                    continue
                journal = self.journal(thread_id)
                now = begin(thread_id, journal.header(), journal.read())
                if is_beside(now):
                    yield now

    # --- the catalog from the transcripts -----------------------------------------------------------------------------

    def _entries(self) -> Entries:
        found = (self._entry(each) for each in sorted(self.thread_ids()))
        return {entry["guid"]: entry for entry in found if entry is not None}

    def _entry(self, thread_id: ThreadId) -> Entry | None:
        """A thread's entry as its transcript tells it; `None` where there is none to show or it cannot be read."""
        journal = self.journal(thread_id)
        try:
            header, lines = journal.whole()
            return None if header is None else entry_of(begin(thread_id, header, lines), header.created)
        except ChatError:
            return None

    def _entry_if_new(self, thread_id: ThreadId) -> Entry | None:
        """The same for a thread the catalog does not know; read again only when its file has changed."""
        try:
            there = os.stat(self._path / thread_id / TRANSCRIPT, follow_symlinks=False)
        except OSError:
            return None
        seen = there.st_dev, there.st_ino, there.st_size
        if self._without_entry.get(thread_id) == seen:
            return None
        entry = self._entry(thread_id)
        if entry is None:
            self._without_entry[thread_id] = seen
        return entry

    def _note_from_disk(self, thread_id: ThreadId) -> None:
        entry = self._entry(thread_id)
        if entry is not None:
            self._catalog.put(entry)


def _is_thread_id(name: str) -> bool:
    return _THREAD_ID.fullmatch(name) is not None


def _next_seq(lines: tuple[Line, ...]) -> int:
    return max((line.seq for line in lines), default=0) + 1


def _rename(entries: Entries, thread_id: ThreadId, new_id: ThreadId) -> None:
    entry = entries.pop(thread_id, None)
    if entry is not None:
        entries[new_id] = {**entry, "guid": new_id}
