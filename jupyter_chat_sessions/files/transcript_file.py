"""One thread's `chat.jsonl`: opened, locked, its header checked, its lines read and appended.

The rules kept here: who looks at the file's end holds its lock, so what is not settled is never read; the file that is
locked is the file that stands under the name; what was written and then refused is cut off again.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.decoding import decode_header
from ..core.errors import ChatError, InvalidThreadId, ReadOnly, StorageFailed, ThreadDeleted, ThreadGone, Unreadable
from ..core.ids import ThreadId, parse_thread_id
from ..core.transcript import CopiedLine, Header
from .backwards import groups_backwards
from .disk import read_range, refusals, refused, sync, write_all
from .layout import TRANSCRIPT, is_folder_at, opened_folder
from .locks import LockedFile, LockKind, closed_on_error
from .trash import is_in_trash

Identity = tuple[int, int]
"""Device and inode: the file itself, whatever its name."""

_HEADER_BLOCK = 1 << 12
_LONGEST_HEADER = 1 << 16
_FLAGS: dict[LockKind, int] = {
    "shared": os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK,
    "exclusive": os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK,
}


@dataclass(frozen=True, slots=True)
class Top:
    """The header of a transcript. `origin` is the thread its older ids were made for, `end` where the lines begin."""

    header: Header
    origin: ThreadId
    end: int


@dataclass(frozen=True, slots=True)
class Open:
    """A transcript whose end is known: every byte before `size` stays as it is."""

    fd: int
    identity: Identity
    size: int
    top: Top
    refusal: ReadOnly | None = None
    """Why nothing can be appended."""

    def read(self, start: int) -> bytes:
        """The bytes from `start` to the end."""
        with refusals("Reading a transcript"):
            return read_range(self.fd, start, self.size)

    def append(self, data: bytes, *, is_synced: bool) -> None:
        """Adds bytes in one write. Where the disk refuses, the file is as before."""
        if self.refusal is not None:
            raise self.refusal
        try:
            write_all(self.fd, data)
            if is_synced:
                sync(self.fd)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self.fd, self.size)
            raise refused(error, "Appending to a transcript") from error


class TranscriptFile:
    """The file at one place, which may not be there yet, and once it has been there may go."""

    def __init__(self, folder: Path, thread_id: ThreadId) -> None:
        self._folder = folder
        self._path = folder / TRANSCRIPT
        self._thread_id = thread_id
        self._top: tuple[Identity, Top] | None = None
        self._has_been_here = False
        self._is_gone = False

    @property
    def has_existed(self) -> bool:
        return self._is_gone or self._has_been_here

    def forget(self) -> None:
        """From now on the thread is deleted, whatever may stand in its place later."""
        self._is_gone = True

    def begin(self, there: os.stat_result, top: Top) -> Identity:
        """Takes note of the file that was just written here; which one it is."""
        identity = there.st_dev, there.st_ino
        self._top, self._has_been_here = (identity, top), True
        return identity

    def forget_top(self) -> None:
        """The header is read again at the next look: the file may have been written anew."""
        self._top = None

    def look(self) -> tuple[Identity, int] | None:
        """Which file is there and its size, by one `stat`; `None` where there is none."""
        try:
            there = os.stat(self._path, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise refused(error, f"Looking at {self._path}") from error
        return (there.st_dev, there.st_ino), there.st_size

    def is_replaced(self, opened: Open) -> bool:
        """Whether another file bears the name by now: programs that sync folders heed no lock."""
        with suppress(StorageFailed):  # it was there a moment ago
            there = self.look()
            return there is not None and there[0] != opened.identity
        return False

    @contextmanager
    def reading(self) -> Iterator[Open | None]:
        """The transcript as it stands now; `None` while there is none. Locked only while its end is determined."""
        file = self._lock("shared")
        with _closed_after(file):
            if file is None:
                yield None
                return
            opened = self._measured(file)
            file.unlock()
            yield opened

    @contextmanager
    def writing(self) -> Iterator[Open | None]:
        """The transcript, locked until the end of the block; `None` while there is none.

        One that cannot be written can still be looked at: it refuses when something is appended.
        """
        try:
            locked = self._lock("exclusive")
            refusal = None
        except ReadOnly as error:
            locked, refusal = self._lock("shared"), error
        with _closed_after(locked):
            opened = None if locked is None else self._measured(locked)
            if opened is not None and opened.top.header.is_newer:
                refusal = ReadOnly(f"{self._path} was written by a later version of this package; it is only read.")
            yield None if opened is None else replace(opened, refusal=refusal)

    @contextmanager
    def locked_as_it_is(self) -> Iterator[None]:
        """Keeps others from appending, whether or not it can be read as a transcript."""
        try:
            file = self._lock("exclusive")
        except ReadOnly:
            file = self._lock("shared")
        with _closed_after(file):
            yield

    def _lock(self, kind: LockKind) -> LockedFile | None:
        """The file under its name, locked. Whoever moved or replaced it while we waited is followed."""
        while True:
            with opened_folder(self._folder) as folder_fd:
                file = None if folder_fd is None else self._open_in(folder_fd, kind)
                if folder_fd is None or file is None:
                    if self.has_existed:
                        raise self.deleted()
                    return None
                with closed_on_error(file), refusals(f"Locking {self._path}"):
                    file.lock(kind)
                    is_there = file.is_at(TRANSCRIPT, folder_fd) and is_folder_at(self._folder, folder_fd)
                    if is_there and not self._is_gone:
                        return file
                file.close()
                if self._is_gone:
                    raise self.deleted()

    def _open_in(self, folder_fd: int, kind: LockKind) -> LockedFile | None:
        try:
            file = LockedFile(TRANSCRIPT, _FLAGS[kind], folder_fd)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
                raise self._not_plain() from None
            raise refused(error, f"Opening {self._path}") from error
        with closed_on_error(file), refusals(f"Opening {self._path}"):
            if not stat.S_ISREG(os.fstat(file.descriptor()).st_mode):
                raise self._not_plain()
        return file

    def _measured(self, file: LockedFile) -> Open:
        fd = file.descriptor()
        with refusals(f"Reading {self._path}"):
            there = os.fstat(fd)
            identity = (there.st_dev, there.st_ino)
            top = self._top  # others may look too
            if top is None or top[0] != identity:
                self._top = top = identity, self._read_top(fd, there.st_size)
                self._has_been_here = True
        return Open(fd, identity, there.st_size, top[1])

    def _read_top(self, fd: int, size: int) -> Top:
        raw = b""
        while b"\n" not in raw and len(raw) < min(size, _LONGEST_HEADER):
            raw += read_range(fd, len(raw), min(size, len(raw) + _HEADER_BLOCK))
        first, newline, _ = raw.partition(b"\n")
        if not newline:
            raise Unreadable(f"{self._path} does not begin with a complete header line; it is left untouched.")
        header = decode_header(first)
        top = Top(replace(header, guid=self._thread_id), header.guid, len(first) + 1)
        if header.guid != self._thread_id and not self._is_copy(fd, top, size):
            raise Unreadable(f"The header of {self._path} names another thread, {header.guid}; it is left untouched.")
        return top

    def _is_copy(self, fd: int, top: Top, size: int) -> bool:
        """Whether a `copied` line tells why the folder bears another name than the header."""
        try:
            parse_thread_id(top.origin)
        except InvalidThreadId:
            return False
        lines = (line for group in groups_backwards(fd, top.end, size, top.origin) for line in group)
        return any(isinstance(line, CopiedLine) and line.from_ == top.origin for line in lines)

    def deleted(self) -> ThreadDeleted:
        """Why a thread that was here is not."""
        if self._is_gone or is_in_trash(self._folder.parent, self._thread_id):
            return ThreadDeleted(f"Thread {self._thread_id} has been deleted.")
        return ThreadGone(f"Thread {self._thread_id} is not in {self._folder.parent} any more.")

    def _not_plain(self) -> ChatError:
        return Unreadable(f"{self._path} is not a plain file; it is left alone.")


@contextmanager
def _closed_after(file: LockedFile | None) -> Iterator[None]:
    try:
        yield
    finally:
        if file is not None:
            file.close()
