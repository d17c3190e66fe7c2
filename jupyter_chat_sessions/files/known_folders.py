"""Every `.chats` folder this server has seen, so that a thread is found by its id alone. The list is disposable.

It also tells a copy from its original: of two folders with one thread, the one seen later takes a new id.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ..core.errors import ChatError
from ..core.ids import ThreadId, new_thread_id
from .chats_folder import ChatsFolder
from .disk import close, now, refusals, write_all

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class KnownFolders:
    """The list in `<data_dir>/chat_sessions/folders.jsonl`, one folder a line, in the order they were first seen."""

    def __init__(
        self, data_dir: Path, mint: Callable[[], ThreadId] = new_thread_id, clock: Callable[[], str] = now
    ) -> None:
        self._file = data_dir / "chat_sessions" / "folders.jsonl"
        self._mint = mint
        self._clock = clock
        self._read_at: tuple[int, int] | None = None
        self._folders: tuple[Path, ...] = ()

    def all(self) -> tuple[Path, ...]:
        """The folders seen so far, the earliest first. They may have gone since."""
        try:
            there = os.stat(self._file)
            read_at = there.st_mtime_ns, there.st_size
            if read_at != self._read_at:
                self._folders = tuple(dict.fromkeys(_folders_in(self._file.read_bytes())))
                self._read_at = read_at
        except OSError:
            self._folders, self._read_at = (), None
        return self._folders

    def find(self, thread_id: ThreadId, hints: Iterable[Path] = ()) -> Path | None:
        """The `.chats` folder in which the thread is written, hints first. One `stat` a folder, never a walk."""
        for folder in (*hints, *reversed(self.all())):
            if ChatsFolder(folder).has(thread_id):
                return folder
        return None

    def remember(self, folder: Path) -> dict[ThreadId, ThreadId]:
        """Adds a folder that is there, when it is opened. The ids its copied threads were given, by their old ones."""
        folder = Path(os.path.realpath(folder.parent), folder.name)
        earlier = self.all()
        if folder in earlier or not folder.is_dir() or folder.is_symlink():
            return {}
        renamed = self._tell_apart(ChatsFolder(folder, self._clock), earlier)
        self._append(folder)
        return renamed

    def _tell_apart(self, later: ChatsFolder, earlier: Iterable[Path]) -> dict[ThreadId, ThreadId]:
        renamed: dict[ThreadId, ThreadId] = {}
        for thread_id in sorted(self._copies(later, earlier)):
            new_id = self._mint()
            try:
                if later.give_new_id(thread_id, new_id):
                    renamed[thread_id] = new_id
            except ChatError:  # unreadable, read-only or renamed by another: it stays as it is
                continue
        return renamed

    def _copies(self, later: ChatsFolder, earlier: Iterable[Path]) -> set[ThreadId]:
        """The threads there that an earlier folder has too. One folder seen by two ways is no copy."""
        theirs = later.thread_ids()
        copies: set[ThreadId] = set()
        for path in earlier if theirs else ():
            try:
                if not os.path.samefile(path, later.path):
                    copies |= ChatsFolder(path).thread_ids() & theirs
            except (OSError, ChatError):
                continue
        return copies

    def _append(self, folder: Path) -> None:
        line = json.dumps({"folder": str(folder)}).encode() + b"\n"
        with refusals(f"Writing {self._file}"):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(self._file, _FLAGS, 0o600)
            try:
                size = os.fstat(fd).st_size
                is_torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
                write_all(fd, b"\n" + line if is_torn else line)
            finally:
                close(fd)


def _folders_in(data: bytes) -> Iterator[Path]:
    for raw in data.split(b"\n"):
        try:
            record = json.loads(raw)
        except (ValueError, RecursionError):
            continue
        folder = record.get("folder") if isinstance(record, dict) else None
        if isinstance(folder, str) and os.path.isabs(folder) and "\0" not in folder:
            yield Path(folder)
