"""The right to run a thread: the lock on its `lane` file, which ends with the process that holds it."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from pathlib import Path

from ..core.errors import ChatError, Unreadable
from .disk import refusals, refused
from .first_write import remove_unwritten
from .layout import LANE, is_folder_at, make_folder_in_chats, opened_folder
from .locks import LockedFile, closed_on_error

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK


class Lane:
    """One thread's lane, as this process sees it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: LockedFile | None = None
        self._turn = threading.Lock()

    @property
    def is_held(self) -> bool:
        """Whether this process holds it; a forked child never does."""
        return self._file is not None and self._file.fd is not None

    def take(self) -> bool:
        """Whether this process now holds it. Never waits. Makes the thread's folder where there is none."""
        with self._turn:
            if self.is_held:
                return True
            make_folder_in_chats(self._folder.parent, self._folder.name)
            self._file = self._open()
            return self._file is not None

    def _open(self) -> LockedFile | None:
        with opened_folder(self._folder) as folder_fd:
            if folder_fd is None:
                return None
            try:
                file = LockedFile(LANE, _FLAGS, folder_fd)
            except FileNotFoundError:  # the folder was given up in this very moment
                return None
            except OSError as error:
                if error.errno == errno.ELOOP:
                    raise Unreadable(f"{self._folder / LANE} is a link; it is left alone.") from None
                raise refused(error, f"Opening the lane of {self._folder}") from error
            with closed_on_error(file), refusals(f"Locking the lane of {self._folder}"):
                # The file may have gone, or its folder may bear another name by now: then this lock is not this lane.
                if file.try_lock() and file.is_at(LANE, folder_fd) and is_folder_at(self._folder, folder_fd):
                    return file
            file.close()
            return None

    def release(self) -> None:
        """Gives it back. A folder that was made for nothing goes."""
        with self._turn:
            file, self._file = self._file, None
            if file is not None and file.fd is not None:
                try:
                    if self._is_in_its_folder(file):  # what another made where it stood is not ours to take away
                        remove_unwritten(self._folder)
                finally:
                    file.close()

    def _is_in_its_folder(self, file: LockedFile) -> bool:
        with suppress(OSError, ChatError), opened_folder(self._folder) as folder_fd:
            return folder_fd is not None and file.is_at(LANE, folder_fd)
        return False
