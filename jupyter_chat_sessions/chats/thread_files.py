"""What the loop over models keeps and reads in a thread's place on disk."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import ChatError
from ..core.ids import RunId, ThreadId
from ..files.requests import keep_request
from ..files.safe_open import opened_file

log = logging.getLogger(__name__)

MOST_BYTES = 20_000_000


class ThreadFiles:
    """`files_of` gives the folder a thread's tools work in, `submit` a worker thread to write in."""

    def __init__(self, files_of: Callable[[ThreadId], Path], submit: Callable[..., Any]) -> None:
        self._files_of = files_of
        self._submit = submit

    def keep_request(self, thread_id: ThreadId, run_id: RunId, body: Mapping[str, Any]) -> None:
        """Has the request written down; where that fails, the log says so and the answer goes on."""
        try:
            folder = self._files_of(thread_id).parent
        except ChatError:  # the thread is being closed under the run
            return
        self._submit(_kept, folder, run_id, body)

    def read_file(self, thread_id: ThreadId, path: str) -> bytes | None:
        """The bytes of a file; `None` where there is none, or more than anybody sends. Blocks."""
        try:
            with opened_file(self._files_of(thread_id), path) as file:
                return file.read(0, file.size) if file.size <= MOST_BYTES else None
        except (ChatError, OSError):
            return None


def _kept(folder: Path, run_id: RunId, body: Mapping[str, Any]) -> None:
    try:
        keep_request(folder, run_id, body)
    except (ChatError, OSError) as fault:
        log.warning("What was sent in run %s could not be kept: %s", run_id, fault)
