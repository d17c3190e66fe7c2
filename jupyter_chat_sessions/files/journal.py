"""A thread's journal on disk: its transcript, its draft and its lane, in the folder `.chats/<thread_id>/`.

The rules kept here: a decision is made with the transcript locked and after everything others wrote; what it chose is
one write, or nothing; a thread that has gone is never made again by a journal that knew it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.decoding import decode
from ..core.errors import Replaced, StorageFailed
from ..core.ids import RunId, ThreadId
from ..core.roles import Decide, Draft, Page, Writing
from ..core.transcript import Header, Line, TitleLine, encode, encode_header
from .backwards import groups_backwards, last_lines
from .disk import now, refusals
from .draft_file import DraftFile, has_gone_on
from .first_write import making_thread, write_first
from .lane import Lane
from .layout import TRANSCRIPT, exists, move_thread
from .path_page import page_of_path
from .place import Place, beginning_of, place_behind
from .transcript_file import Open, Top, TranscriptFile
from .trash import is_in_trash, move_to_trash


class FileJournal:
    """Implements `core.roles.Journal`. `notebook` and `owner` go into the header, should this journal write it."""

    is_saved = True

    def __init__(
        self,
        folder: Path,
        thread_id: ThreadId,
        notebook: str | None = None,
        owner: str | None = None,
        clock: Callable[[], str] = now,
    ) -> None:
        self._folder = folder
        self._thread_id = thread_id
        self._notebook = notebook
        self._owner = owner
        self._clock = clock
        self._file = TranscriptFile(folder, thread_id)
        self._lane = Lane(folder)
        self._draft = DraftFile(folder)
        self._place: Place | None = None
        self._turn = threading.RLock()
        self._drafting = threading.Lock()
        self._deciding: tuple[int, Open | None] | None = None
        self.bad_lines = 0
        """How many lines were passed over since everything was read."""

    @property
    def thread_id(self) -> ThreadId:
        return self._thread_id

    # --- reading ------------------------------------------------------------------------------------------------------

    def header(self) -> Header | None:
        """Line 1, or `None` while nothing has been written. `guid` is this thread's, also in a copy of another."""
        with self._looking() as opened:
            return None if opened is None else opened.top.header

    def read(self) -> tuple[Line, ...]:
        """Every line from the first to the newest."""
        return self.whole()[1]

    def whole(self) -> tuple[Header | None, tuple[Line, ...]]:
        """The header and every line, by one look at the file."""
        self._file.forget_top()
        with self._turn, self._looking() as opened:
            bad_lines, place = self.bad_lines, self._place
            self.bad_lines, self._place = 0, None
            try:
                return (None, ()) if opened is None else (opened.top.header, self._news(opened)[0])
            except BaseException:  # what was read before is still all that anybody knows of
                self.bad_lines, self._place = bad_lines, place
                raise

    def has_news(self) -> bool:
        """Whether the transcript has changed since this journal last looked, or has gone. One `stat`."""
        place, there = self._place, self._file.look()
        if there is None:
            return self._file.has_existed
        return place is None or there != (place.identity, place.size)

    def tail(self, limit: int) -> Page:
        """The last `limit` lines (a few more where several share a `seq`), read backwards from the end."""
        with self._looking() as opened, refusals("Reading a transcript"):
            return Page(()) if opened is None else last_lines(_groups(opened), limit)

    def before(self, seq: int | None, limit: int) -> Page:
        """At most `limit` messages of the path that ends at the head, older than `seq`, with their runs' lines."""
        with self._looking() as opened, refusals("Reading a transcript"):
            return Page(()) if opened is None else page_of_path(_groups(opened), seq, limit)

    @contextmanager
    def _looking(self) -> Iterator[Open | None]:
        """The transcript as it stands; for who asks while deciding, the one that is locked."""
        if self._deciding is not None and self._deciding[0] == threading.get_ident():
            yield self._deciding[1]
        else:
            with self._file.reading() as opened:
                yield opened

    def _news(self, opened: Open) -> tuple[tuple[Line, ...], Place, bytes]:
        """The lines that were not read yet, the place behind them, where it stands from now on, and what is torn there.

        A torn last line is left for later: the next write ends it. One that lacks only its newline is a line.
        """
        place, data = self._unread(opened)
        end = data.rfind(b"\n") + 1
        groups = [decode(raw, opened.top.origin) for raw in data[:end].split(b"\n") if raw.strip()]
        if data[end:] and (last := decode(data[end:], opened.top.origin)):
            groups.append(last)
            end = len(data)
        self.bad_lines += sum(not group for group in groups)
        self._place = place.after(data[:end], opened.identity, opened.size)
        return tuple(line for group in groups for line in group), self._place, data[end:]

    def _unread(self, opened: Open) -> tuple[Place, bytes]:
        """Where this journal stands, and the bytes behind it. A file replaced by a longer one is followed."""
        place = self._place or beginning_of(opened)
        data = place.read_on(opened)
        if data is None:
            raise Replaced(f"The transcript of thread {self._thread_id} was replaced by another while it was open.")
        return place, data

    # --- appending ----------------------------------------------------------------------------------------------------

    def transact(self, decide: Decide) -> None:
        """Locks the transcript, reads the news, lets `decide` choose, appends what it chose in one write, unlocks.

        Makes the thread's folder and header first where there is none. When the disk refuses, the file is as before.
        What others wrote has been read in any case, also when `decide` raises or the disk refuses.
        """
        with self._turn:
            while not (self._go_on(decide) or self._begin(decide)):
                pass  # made, or given up, by another in between

    def create(self, title: str | None = None) -> bool:
        """Writes the header, and the title where there is one, if nothing is there yet. Whether it is new."""
        first = Writing(() if title is None else (TitleLine(1, self._clock(), title),))
        with self._turn:
            while True:
                if self.header() is not None:
                    return False
                if self._begin(lambda _: first, is_empty_kept=True):
                    return True

    def _go_on(self, decide: Decide) -> bool:
        """Decides on a transcript that is there; `False` where there is none."""
        with self._file.writing() as opened:
            if opened is None:
                return False
            news, end, torn = self._news(opened)
            writing = self._decide(decide, news, opened)
            if writing.lines:
                data = b"".join(encode(line) for line in writing.lines)
                if torn or not end.mark.endswith(b"\n"):
                    data = b"\n" + data
                # Where it will stand is known before, so that nothing can fail once it is written.
                behind = end.after(torn + data, opened.identity, opened.size + len(data))
                opened.append(data, is_synced=writing.is_synced)
                if self._file.is_replaced(opened):
                    raise StorageFailed("Another file took the transcript's place while it was written to.")
                self._place = behind
        return True

    def _begin(self, decide: Decide, *, is_empty_kept: bool = False) -> bool:
        """Decides on a thread that is not there yet; `False` where it is by now."""
        self._refuse_deleted()
        with making_thread(self._folder) as folder_fd:
            if folder_fd is None or exists(TRANSCRIPT, folder_fd):
                return False
            writing = self._decide(decide, (), None)
            if writing.lines or is_empty_kept:
                header = Header(self._thread_id, self._clock(), self._notebook, self._owner)
                first = encode_header(header)
                data = first + b"".join(encode(line) for line in writing.lines)
                there = write_first(self._folder, folder_fd, data)
                self._place = place_behind(data, self._file.begin(there, Top(header, self._thread_id, len(first))))
        return True

    def _decide(self, decide: Decide, news: tuple[Line, ...], opened: Open | None) -> Writing:
        self._deciding = threading.get_ident(), opened
        try:
            return decide(news)
        finally:
            self._deciding = None

    def _refuse_deleted(self) -> None:
        has_gone = self._file.has_existed and self._file.look() is None
        if has_gone or is_in_trash(self._folder.parent, self._thread_id):
            raise self._file.deleted()

    # --- the lane and the draft ---------------------------------------------------------------------------------------

    def take_lane(self) -> bool:
        """Whether this process now holds the right to run the thread. Never waits."""
        if not self._lane.is_held and self._file.look() is None:
            self._refuse_deleted()
        return self._lane.take()

    def release_lane(self) -> None:
        with self._drafting:  # what is being written is written; from now on the draft may be another's
            self._draft.close()
            self._lane.release()

    def draft(self, run_id: RunId, after_seq: int, events: Sequence[Mapping[str, Any]]) -> None:
        """Adds, unsynced, to what a run has said since line `after_seq`; the draft of anything else is forgotten.

        Nothing where this process does not hold the lane: the draft may be another's. May be called beside any call.
        """
        with self._drafting:
            if self._lane.is_held:
                self._draft.add(run_id, after_seq, events)

    def read_draft(self) -> Draft | None:
        """What a dead process left; `None` where there is none or the transcript has gone on."""
        draft = self._draft.read()
        if draft is None:
            return None
        with self._looking() as opened, refusals("Reading a transcript"):
            return None if opened is None or has_gone_on(draft, _groups(opened)) else draft

    # --- the end ------------------------------------------------------------------------------------------------------

    def remove(self) -> None:
        """Moves the thread's folder to the trash, where it stays 7 days."""
        with self._turn, self._drafting:
            self._draft.close()
            if self._file.look() is not None:
                self._move_to_trash()
            elif self._file.has_existed:
                raise self._file.deleted()
            self._file.forget()
            self._lane.release()

    def _move_to_trash(self) -> None:
        """A transcript that cannot be read can be deleted too; a write in progress is waited for."""
        with self._file.locked_as_it_is():
            move_to_trash(self._folder.parent, self._thread_id)

    def move_to(self, chats: Path) -> bool:
        """Moves the thread's folder into another `.chats`; this journal goes on there.

        `False` where another process holds the lane: it may be running the thread. `Conflict` where the id is taken.
        """
        with self._turn:
            if self._file.look() is not None:
                if not self.take_lane():
                    return False
                with self._file.locked_as_it_is():
                    move_thread(self._folder.parent, chats, self._thread_id)
            self.close()
            self._folder = chats / self._thread_id
            self._file, self._lane = TranscriptFile(self._folder, self._thread_id), Lane(self._folder)
            self._draft = DraftFile(self._folder)
            self.header()  # from now on it is never made anew, should it go
        return True

    def close(self) -> None:
        """Frees descriptors and the lane."""
        self.release_lane()


def _groups(opened: Open) -> Iterator[tuple[Line, ...]]:
    return groups_backwards(opened.fd, opened.top.end, opened.size, opened.top.origin)
