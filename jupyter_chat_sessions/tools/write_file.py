"""`write_file`: text into a file of the chat's folder."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import FileNotFound
from ..core.roles import ToolContext, ToolEvent, ToolResult, ToolSpec, Workplace
from .difference import difference
from .files import kept
from .opening import parse_path
from .tool import parameters
from .writing import create_text, read_text, replace_text


class WriteFile:
    """Writes a file whole: a new one, unless it is told to overwrite or to append."""

    spec = ToolSpec(
        "write_file",
        "Write text to a file in this chat's folder, with the folders that lead to it. To change part of a file, use "
        "edit_file.",
        parameters(
            ("path", "content"),
            path={"type": "string", "minLength": 1, "description": "Relative to the chat's folder."},
            content={"type": "string"},
            mode={
                "type": "string",
                "enum": ["create", "overwrite", "append"],
                "default": "create",
                "description": "create fails where there is a file already.",
            },
        ),
        acts=True,
        stays_in_thread=True,
    )

    def __init__(self, workplace: Workplace) -> None:
        self._sandbox = workplace.sandbox

    async def preview(self, arguments: Mapping[str, Any], context: ToolContext) -> Mapping[str, Any]:
        """How the file would change."""
        folder, parts = self._sandbox.folder(context), parse_path(arguments["path"])
        old = await asyncio.to_thread(_text_or_none, folder, parts)
        new = (old or "") + arguments["content"] if arguments["mode"] == "append" else arguments["content"]
        return {"path": arguments["path"], "diff": difference(old or "", new)}

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        folder, parts = self._sandbox.folder(context), parse_path(arguments["path"])
        size = await asyncio.to_thread(_write, folder, parts, arguments["content"], arguments["mode"])
        yield ToolResult(f"Wrote {'/'.join(parts)} ({size:,} bytes).", metadata=kept(self._sandbox.level, parts, size))


def _write(folder: Path, parts: list[str], content: str, mode: str) -> int:
    if mode == "create":
        return create_text(folder, parts, content)
    before = (_text_or_none(folder, parts) or "") if mode == "append" else ""
    return replace_text(folder, parts, before + content)


def _text_or_none(folder: Path, parts: list[str]) -> str | None:
    try:
        return read_text(folder, parts)
    except FileNotFound:
        return None
