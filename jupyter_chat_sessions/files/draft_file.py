"""`draft.jsonl`: what the run in flight has said since its last line. Unsynced: a lost piece is only words."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..core.decoding import read_json
from ..core.errors import StorageFailed, ThreadDeleted
from ..core.ids import RunId
from ..core.roles import Draft
from ..core.transcript import ApprovalLine, Line, MessageLine, RunLine
from .backwards import Group
from .disk import close, read_range, refusals, refused, write_all
from .layout import DRAFT, opened_folder

_BEGIN = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ODD = frozenset({errno.ELOOP, errno.EISDIR, errno.ENXIO})
_SAFELY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class _NotPlain(StorageFailed):
    """A link, a folder or a pipe is in its place: nobody here has written a draft."""


class DraftFile:
    """One thread's draft. Only the lane's holder writes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._fd: int | None = None
        self._chapter: tuple[RunId, int] | None = None
        self._size = 0

    def add(self, run_id: RunId, after_seq: int, events: Sequence[Mapping[str, Any]]) -> None:
        """Adds events, in one write. Begins anew, with what it belongs to as the first line, where that is another."""
        if self._fd is None or self._chapter != (run_id, after_seq):
            self._begin()
        is_first = self._size == 0
        self._write([{"run_id": run_id, "after_seq": after_seq}, *events] if is_first else events)
        self._chapter = run_id, after_seq

    def _begin(self) -> None:
        self.close()
        with refusals("Beginning a draft"):
            self._fd = self._open(_BEGIN)
        self._chapter, self._size = None, 0

    def _write(self, records: Sequence[Mapping[str, Any]]) -> None:
        if self._fd is None:
            raise ThreadDeleted(f"The folder of thread {self._folder.name} has gone.")
        data = "".join(json.dumps(each, separators=(",", ":")) + "\n" for each in records).encode()
        try:
            write_all(self._fd, data)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise refused(error, "Writing a draft") from error
        self._size += len(data)

    def read(self) -> Draft | None:
        """What was left; `None` where there is none, or none that can be read. Bad lines are passed over."""
        with refusals("Reading a draft"):
            try:
                fd = self._open(os.O_RDONLY)
            except _NotPlain:
                return None
            if fd is None:
                return None
            try:
                data = read_range(fd, 0, os.fstat(fd).st_size)
            finally:
                close(fd)
        first, *events = [_record(raw) for raw in data.split(b"\n")]
        return None if first is None else _draft(first, events)

    def _open(self, flags: int) -> int | None:
        with opened_folder(self._folder) as folder_fd:
            if folder_fd is None:
                return None
            try:
                fd = os.open(DRAFT, flags | _SAFELY, 0o600, dir_fd=folder_fd)
            except FileNotFoundError:
                return None
            except OSError as error:
                if error.errno in _ODD:
                    raise _NotPlain(f"{self._folder / DRAFT} is not a plain file.") from None
                raise
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise _NotPlain(f"{self._folder / DRAFT} is not a plain file.")
        except BaseException:
            close(fd)
            raise
        return fd

    def close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            close(fd)


def _record(raw: bytes) -> dict[str, Any] | None:
    try:
        record = read_json(raw.decode())
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _draft(first: Mapping[str, Any], events: Sequence[Mapping[str, Any] | None]) -> Draft | None:
    run_id, after_seq = first.get("run_id"), first.get("after_seq")
    if not isinstance(run_id, str) or type(after_seq) is not int:
        return None
    return Draft(RunId(run_id), after_seq, tuple(event for event in events if event is not None))


def has_gone_on(draft: Draft, groups: Iterable[Group]) -> bool:
    """Whether the transcript, newest line first, says more of the run than it did when the draft was begun."""
    for group in groups:
        for line in group:
            if line.seq <= draft.after_seq:
                return False
            if _says_more(line, draft.run_id):
                return True
    return False


def _says_more(line: Line, run_id: RunId) -> bool:
    return isinstance(line, (MessageLine, RunLine, ApprovalLine)) and line.run_id == run_id
