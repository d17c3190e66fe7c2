"""`read_file`: lines of a text file in the chat's folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from ..core.roles import ToolContext, ToolEvent, ToolResult, ToolSpec, Workplace
from .opening import open_file, parse_path
from .tool import parameters

_RESULT_CHARS = 16_000
_LOOKED_AT = 8_192
_SEARCHED_BYTES = 256 * 1024 * 1024


class ReadFile:
    """Reads from a line on, as much as an agent can take at once."""

    spec = ToolSpec(
        "read_file",
        "Read lines of a text file in this chat's folder. Long results end with the line to go on from.",
        parameters(
            ("path",),
            path={"type": "string", "minLength": 1, "description": "Relative to the chat's folder."},
            offset_line={"type": "integer", "minimum": 1, "default": 1, "description": "The first line to read."},
            limit_lines={"type": "integer", "minimum": 1, "maximum": 5000, "default": 400},
        ),
        stays_in_thread=True,
    )

    def __init__(self, workplace: Workplace) -> None:
        self._sandbox = workplace.sandbox

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        folder = self._sandbox.folder(context)
        parts = parse_path(arguments["path"])
        yield await asyncio.to_thread(_read, folder, parts, arguments["offset_line"], arguments["limit_lines"])


def _read(folder: Path, parts: list[str], first: int, limit: int) -> ToolResult:
    with os.fdopen(open_file(folder, parts), "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if b"\0" in file.read(_LOOKED_AT):
            return ToolResult(f"{'/'.join(parts)} is a binary file of {size:,} bytes; read it with run_python.")
        file.seek(0)
        return ToolResult(_numbered_part(file, first, limit) or "(the file is empty)")


def _numbered_part(file: BinaryIO, first: int, limit: int) -> str:
    """The lines from `first` on, and a last line that tells how to go on when there is more."""
    searched = 0
    for before in range(1, first):
        line = file.readline(_SEARCHED_BYTES - searched)
        searched += len(line)
        if not line:
            return f"[The file has only {before - 1} lines.]"
        if searched >= _SEARCHED_BYTES:
            return f"[Line {first} lies too deep in the file; read it with run_python.]"
    said: list[str] = []
    room = _RESULT_CHARS - 100
    for number in range(first, first + limit):
        line = file.readline(4 * room)
        text = line.decode("utf-8", "replace")
        if len(text) > room:
            if not said:
                return f"{text[:room]}\n[Line {number} is longer than can be shown; read the rest with run_python.]"
            return "".join(said) + f"[More follows: go on with offset_line={number}.]"
        said.append(text)
        room -= len(text)
        if not line:
            return "".join(said)
    more = f"[More follows: go on with offset_line={first + limit}.]" if file.read(1) else ""
    return "".join(said) + more
