"""The list of threads over one or more folders, from their catalogs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.ids import Subject, ThreadId
from ..files.chats_folder import ChatsFolder


@dataclass(frozen=True, slots=True)
class Listing:
    """Threads as the REST doors show them, newest first, and the sum of the catalogs' versions."""

    threads: list[dict[str, Any]]
    version: int


def list_threads(
    folders: Iterable[ChatsFolder],
    root: Path,
    notebook: str | None,
    owner: Subject | None,
    running: Collection[ThreadId],
    words: str,
    limit: int,
    before: str | None,
) -> Listing:
    """At most `limit` threads older than `before`, with `words` in their title or preview. Blocks on the disk."""
    version = 0
    found: list[dict[str, Any]] = []
    for folder in folders:
        catalog = folder.list()
        version += catalog.version
        relative = folder.path.parent.relative_to(root).as_posix()
        for entry in catalog.chats:
            if notebook is not None and entry.get("notebook") != notebook:
                continue
            if owner is not None and _owner(folder, entry["guid"]) not in (None, owner):
                continue
            found.append(_record(entry, "" if relative == "." else relative, running))
    wanted = words.casefold()
    fitting = [each for each in found if wanted in f"{each['title']}\n{each['preview']}".casefold()]
    older = [each for each in fitting if before is None or (each["updated"] or "") < before]
    older.sort(key=lambda each: each["updated"] or "", reverse=True)
    return Listing(older[:limit], version)


def _owner(folder: ChatsFolder, thread_id: ThreadId) -> str | None:
    header = folder.journal(thread_id).header()
    return header.owner if header else None


def _record(entry: Mapping[str, Any], folder: str, running: Collection[ThreadId]) -> dict[str, Any]:
    return {
        "thread_id": entry["guid"],
        "title": entry["title"],
        "created": entry["created"],
        "updated": entry["updated"],
        "message_count": entry["message_count"],
        "preview": entry["preview"],
        "notebook": entry["notebook"],
        "folder": folder,
        "running": entry["guid"] in running,
    }
