"""Jupyter's event bus: it tells front ends that a list of threads has changed, and us that a notebook was renamed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import PurePosixPath
from typing import Any

from jupyter_events import EventLogger

CHANGED = "https://events.jupyter.org/jupyter_chat_sessions/threads/v1"
CONTENTS = "https://events.jupyter.org/jupyter_server/contents_service/v1"

_SCHEMA = {
    "$id": CHANGED,
    "version": "1",
    "title": "A list of chat threads has changed",
    "personal-data": False,
    "description": "Names the folder and the new version of its catalog, never a title.",
    "type": "object",
    "required": ["folder", "version"],
    "properties": {"folder": {"type": "string"}, "version": {"type": "integer"}},
}

Renamed = Callable[[PurePosixPath, PurePosixPath], Awaitable[None]]
"""Told that a file or a directory has another name, or another place: the old path and the new one."""


def announce(logger: EventLogger | None) -> None:
    """Makes the event known. Who subscribes to all events hears only of those that are known by then."""
    if logger is not None and CHANGED not in logger.schemas:
        logger.register_event_schema(_SCHEMA)


class Bus:
    """This extension's place on the bus of its server."""

    def __init__(self, logger: EventLogger | None, on_renamed: Renamed) -> None:
        assert logger is not None, "a server that has started has an event logger"
        self._logger = logger
        self._on_renamed = on_renamed
        announce(logger)
        if CONTENTS in logger.schemas:
            logger.add_listener(schema_id=CONTENTS, listener=self._hear_contents)

    def tell_changed(self, folder: str, version: int) -> None:
        """The list of threads in this folder has a new version."""
        self._logger.emit(schema_id=CHANGED, data={"folder": folder, "version": version})

    async def _hear_contents(self, logger: EventLogger, schema_id: str, data: dict[str, Any]) -> None:
        if data.get("action") != "rename" or not data.get("source_path"):
            return
        old, new = (PurePosixPath(str(data[name]).strip("/")) for name in ("source_path", "path"))
        await self._on_renamed(old, new)

    def close(self) -> None:
        if CONTENTS in self._logger.schemas:
            self._logger.remove_listener(schema_id=CONTENTS, listener=self._hear_contents)
