"""What runs in flight have said since their last lines: on disk five times a second, unsynced.

All threads are written at the same moment, those of one folder by one errand of a worker thread, so that hundreds of
answers at once cost their threads next to nothing. Folders do not wait for each other: one of them may stand on a
network that is down.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import ChatError
from ..core.ids import RunId
from ..core.roles import Journal
from .pieces import Joined

log = logging.getLogger(__name__)

EVERY_S = 0.2
AT_MOST_BYTES = 4096
"""As much is written at once."""
_EVENT_BYTES = 80  # what an event costs beside its words


class Drafts:
    """Has every thread's draft written. `disk(function, *arguments)` runs a blocking call in a worker thread."""

    def __init__(self, disk: Callable[..., Awaitable[Any]]) -> None:
        self._disk = disk
        self._waiting: dict[str, list[DraftWriter]] = {}
        self._away: dict[str, asyncio.Task[None]] = {}
        self._refused: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, writer: DraftWriter) -> None:
        """Has it written at the next beat, at most `EVERY_S` from now."""
        self._waiting.setdefault(writer.folder, []).append(writer)
        self._set_timer()

    def hurry(self, folder: str) -> None:
        """Has a folder's drafts written now, unless its errand is away: then as soon as it is back, at a beat."""
        if folder not in self._away:
            self._send(folder)

    def _set_timer(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at((loop.time() // EVERY_S + 1) * EVERY_S, self._beat)

    def _beat(self) -> None:
        self._timer = None
        for folder in self._waiting.keys() - self._away.keys():
            self._send(folder)
        if self._waiting:
            self._set_timer()

    def _send(self, folder: str) -> None:
        pieces = [piece for writer in self._waiting.pop(folder, ()) if (piece := writer.taken()) is not None]
        if pieces:
            errand = self._write(folder, pieces)
            self._away[folder] = asyncio.get_running_loop().create_task(errand, name=f"drafts in {folder}")

    async def _write(self, folder: str, pieces: Sequence[Piece]) -> None:
        failures: Sequence[Exception | None]
        try:
            failures = await self._disk(_write_all, pieces)
        except Exception as refusal:  # no worker thread any more
            failures = [refusal] * len(pieces)
        finally:
            del self._away[folder]
        for piece, failure in zip(pieces, failures, strict=True):
            if failure is not None:
                piece.writer.take_back(piece)
        self._tell(folder, next(filter(None, failures), None))

    def _tell(self, folder: str, failure: Exception | None) -> None:
        """Says once that a disk refuses, not with each try."""
        if failure is None:
            self._refused.discard(folder)
        elif folder not in self._refused:
            self._refused.add(folder)
            log.warning("Drafts are not on disk yet: %s", failure, exc_info=not isinstance(failure, ChatError))


class DraftWriter:
    """Gathers what the run of one thread says. What the disk refuses is tried again with what comes next."""

    def __init__(self, journal: Journal, folder: Callable[[], str], drafts: Drafts) -> None:
        self.journal = journal
        self._folder = folder
        self._drafts = drafts
        self._chapter: Chapter | None = None
        self._said = Joined()
        self._size = 0

    @property
    def folder(self) -> str:
        """Where the thread lives."""
        return self._folder()

    def begin(self, run_id: RunId, after_seq: int) -> None:
        """Everything said so far is a line now; what comes was said after line `after_seq`."""
        self._chapter = Chapter(run_id, after_seq)
        self._said, self._size = Joined(), 0

    def end(self) -> None:
        """Forgets what has not been written: a line says it better."""
        self._chapter = None
        self._said, self._size = Joined(), 0

    def add(self, event: Mapping[str, Any]) -> None:
        """Takes one more event of the run."""
        if self._chapter is None:
            return
        if not self._said:
            self._drafts.wait(self)
        self._said.add(event)
        self._size += _EVENT_BYTES + len(event.get("delta", ""))
        if self._size >= AT_MOST_BYTES:
            self._drafts.hurry(self.folder)

    def taken(self) -> Piece | None:
        """What is to be written now; `None` where a line has said it meanwhile."""
        if self._chapter is None or not self._said:
            return None
        piece = Piece(self, self._chapter, self._said)
        self._said, self._size = Joined(), 0
        return piece

    def take_back(self, piece: Piece) -> None:
        """It was refused; it goes with what comes next, or alone."""
        if piece.chapter is self._chapter:
            if not self._said:
                self._drafts.wait(self)
            self._said = Joined([*piece.said.events(), *self._said.events()])


@dataclass(frozen=True, slots=True)
class Chapter:
    """What a run says between two lines."""

    run_id: RunId
    after_seq: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a chapter, on its way to the disk."""

    writer: DraftWriter
    chapter: Chapter
    said: Joined


def _write_all(pieces: Sequence[Piece]) -> list[Exception | None]:
    """In a worker thread: what each was refused with."""
    return [_refusal_of(piece) for piece in pieces]


def _refusal_of(piece: Piece) -> Exception | None:
    try:
        piece.writer.journal.draft(piece.chapter.run_id, piece.chapter.after_seq, piece.said.events())
    except Exception as failure:
        return failure
    return None
