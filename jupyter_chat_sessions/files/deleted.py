"""What lies in a folder's trash and can be taken back, told as a list tells of threads."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ..core.conversation import begin
from ..core.errors import ChatError
from .catalog import Entry, entry_of
from .journal import FileJournal
from .layout import TRASH
from .trash import trashed


@dataclass(frozen=True, slots=True)
class Deleted:
    """A deleted thread: what lists showed of it, when it was deleted (ISO 8601, UTC), and whose it is."""

    entry: Entry
    deleted: str
    owner: str | None


def deleted_threads(chats: Path) -> Iterator[Deleted]:
    """The deleted threads that are still kept, the latest deletion first. Those no list would show are left out."""
    for thread_id, at in trashed(chats):
        with suppress(ChatError):
            header, lines = FileJournal(chats / TRASH / thread_id, thread_id).whole()
            if header is None:
                continue
            as_it_was = dataclasses.replace(begin(thread_id, header, lines), is_deleted=False)
            entry = entry_of(as_it_was, header.created)
            if entry is not None:
                yield Deleted(entry, _written(at), header.owner)


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
