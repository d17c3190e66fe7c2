"""A journal that keeps nothing: for chats that are not to be saved. It touches no disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from ..core.errors import ThreadDeleted
from ..core.ids import RunId, ThreadId
from ..core.roles import Decide, Draft, Page
from ..core.transcript import Header, Line
from .backwards import Group, last_lines
from .disk import now
from .draft_file import has_gone_on
from .path_page import page_of_path


class MemoryJournal:
    """Implements `core.roles.Journal` for one process: nobody else can write, so there is never any news."""

    is_saved = False

    def __init__(
        self,
        thread_id: ThreadId,
        notebook: str | None = None,
        owner: str | None = None,
        clock: Callable[[], str] = now,
    ) -> None:
        self._thread_id = thread_id
        self._notebook = notebook
        self._owner = owner
        self._clock = clock
        self._header: Header | None = None
        self._lines: list[Line] = []
        self._draft: Draft | None = None
        self._is_deleted = False
        self._turn = threading.RLock()

    @property
    def thread_id(self) -> ThreadId:
        return self._thread_id

    def header(self) -> Header | None:
        self._refuse_deleted()
        return self._header

    def create(self) -> bool:
        with self._turn:
            self._refuse_deleted()
            if self._header is not None:
                return False
            self._header = Header(self._thread_id, self._clock(), self._notebook, self._owner)
            return True

    def read(self) -> tuple[Line, ...]:
        self._refuse_deleted()
        return tuple(self._lines)

    def has_news(self) -> bool:
        return self._is_deleted

    def transact(self, decide: Decide) -> None:
        with self._turn:
            self._refuse_deleted()
            writing = decide(())
            if writing.lines:
                self.create()
            self._lines += writing.lines

    def tail(self, limit: int) -> Page:
        self._refuse_deleted()
        return last_lines(self._groups(), limit)

    def before(self, seq: int | None, limit: int) -> Page:
        self._refuse_deleted()
        return page_of_path(self._groups(), seq, limit)

    def take_lane(self) -> bool:
        self._refuse_deleted()
        return True

    def release_lane(self) -> None:
        pass

    def draft(self, run_id: RunId, after_seq: int, events: Sequence[Mapping[str, Any]]) -> None:
        before = self._draft
        is_more = before is not None and (before.run_id, before.after_seq) == (run_id, after_seq)
        self._draft = Draft(run_id, after_seq, (*(before.events if before and is_more else ()), *events))

    def read_draft(self) -> Draft | None:
        if self._draft is None or has_gone_on(self._draft, self._groups()):
            return None
        return self._draft

    def remove(self) -> None:
        with self._turn:
            self._refuse_deleted()
            self._is_deleted = True
            self._lines, self._draft = [], None

    def close(self) -> None:
        pass

    def _groups(self) -> Iterator[Group]:
        for _, lines in groupby(reversed(tuple(self._lines)), key=lambda line: line.seq):
            yield tuple(lines)[::-1]

    def _refuse_deleted(self) -> None:
        if self._is_deleted:
            raise ThreadDeleted(f"Thread {self._thread_id} has been deleted.")
