"""`edit_file`: one passage of a text file in the chat's folder for another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import Conflict
from ..core.roles import ToolContext, ToolEvent, ToolResult, ToolSpec, Workplace
from .difference import difference
from .files import kept
from .opening import parse_path
from .tool import parameters
from .writing import read_text, replace_text


class EditFile:
    """Replaces what matches exactly, and only where it is found as often as was said."""

    spec = ToolSpec(
        "edit_file",
        "Replace text in a file in this chat's folder. old must match exactly, blanks and line ends included, and "
        "occur exactly count times; all of them are replaced.",
        parameters(
            ("path", "old", "new"),
            path={"type": "string", "minLength": 1, "description": "Relative to the chat's folder."},
            old={"type": "string", "minLength": 1, "description": "The text that is there."},
            new={"type": "string", "description": "The text in its place; empty to remove it."},
            count={"type": "integer", "minimum": 1, "maximum": 10_000, "default": 1},
        ),
        acts=True,
        stays_in_thread=True,
    )

    def __init__(self, workplace: Workplace) -> None:
        self._sandbox = workplace.sandbox

    async def preview(self, arguments: Mapping[str, Any], context: ToolContext) -> Mapping[str, Any]:
        """How the file would change."""
        _, old, new = await self._texts(arguments, context)
        return {"path": arguments["path"], "diff": difference(old, new)}

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        folder, old, new = await self._texts(arguments, context)
        parts = parse_path(arguments["path"])
        size = await asyncio.to_thread(replace_text, folder, parts, new)
        times = f"{arguments['count']} places" if arguments["count"] > 1 else "one place"
        metadata = kept(self._sandbox.level, parts, size, diff=difference(old, new))
        yield ToolResult(f"Changed {'/'.join(parts)} in {times}; it has {size:,} bytes now.", metadata=metadata)

    async def _texts(self, arguments: Mapping[str, Any], context: ToolContext) -> tuple[Path, str, str]:
        """The folder, and the file's text before and after."""
        folder, parts = self._sandbox.folder(context), parse_path(arguments["path"])
        text = await asyncio.to_thread(read_text, folder, parts)
        old, wanted = arguments["old"], arguments["count"]
        found = text.count(old)
        if found != wanted:
            hint = "read the file and copy the text exactly" if found == 0 else "give more of the text around it"
            raise Conflict(f"old occurs {found} times in {'/'.join(parts)}, not {wanted}; {hint}. Nothing was changed.")
        return folder, text, text.replace(old, arguments["new"])
