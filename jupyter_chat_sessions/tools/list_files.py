"""`list_files`: what lies in the chat's folder."""

from __future__ import annotations

import asyncio
import fnmatch
import os
from collections.abc import AsyncGenerator, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import ChatError
from ..core.roles import ToolContext, ToolEvent, ToolResult, ToolSpec, Workplace
from .opening import opened_folder, parse_path
from .tool import parameters

_VISITED_AT_MOST = 20_000
_DEEPEST = 32


class ListFiles:
    """Lists a folder, or the files below it whose path fits a pattern."""

    spec = ToolSpec(
        "list_files",
        "List files in this chat's folder with their sizes in bytes; folders end in /. With a glob, files in folders "
        "below are searched too.",
        parameters(
            path={"type": "string", "default": ".", "description": "A folder, relative to the chat's folder."},
            glob={"type": "string", "minLength": 1, "description": "Such as *.csv or data/*.json; * also spans /."},
            max={"type": "integer", "minimum": 1, "maximum": 1000, "default": 200},
        ),
        stays_in_thread=True,
    )

    def __init__(self, workplace: Workplace) -> None:
        self._sandbox = workplace.sandbox

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        folder = self._sandbox.folder(context)
        parts = parse_path(arguments["path"])
        lines = await asyncio.to_thread(_lines, folder, parts, arguments.get("glob"), arguments["max"])
        yield ToolResult("\n".join(lines) or "(no files)")


def _lines(folder: Path, parts: list[str], glob: str | None, limit: int) -> list[str]:
    found = list(_folder_lines(folder, parts) if glob is None else _matching(folder, parts, glob))
    more = [f"… and {len(found) - limit} more"] if len(found) > limit else []
    return found[:limit] + more


def _folder_lines(folder: Path, parts: list[str]) -> Iterator[str]:
    for name, is_folder, size in _entries(folder, parts):
        yield f"{name}/" if is_folder else f"{name}  {size}"


def _matching(folder: Path, parts: list[str], glob: str) -> Iterator[str]:
    """Files below, each by its path from the folder asked for."""
    waiting: list[list[str]] = [[]]
    visited = 0
    _entries(folder, parts)  # a folder that is not there is told, not passed over
    while waiting and visited < _VISITED_AT_MOST:
        inner = waiting.pop(0)
        try:
            entries = _entries(folder, parts + inner)
        except ChatError:
            continue  # gone since it was listed
        for name, is_folder, size in entries:
            visited += 1
            path = "/".join([*inner, name])
            if is_folder and len(inner) < _DEEPEST:
                waiting.append([*inner, name])
            elif not is_folder and fnmatch.fnmatchcase(path, glob.removeprefix("**/")):
                yield f"{path}  {size}"


def _entries(folder: Path, parts: list[str]) -> list[tuple[str, bool, int]]:
    """Name, whether it is a folder, and size: of plain files and folders, hidden ones left out."""
    found = []
    with opened_folder(folder, parts) as below, os.scandir(below) as entries:
        for entry in entries:
            if entry.name.startswith(".") or not _is_utf8(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                found.append((entry.name, True, 0))
            elif entry.is_file(follow_symlinks=False):
                found.append((entry.name, False, entry.stat(follow_symlinks=False).st_size))
    return sorted(found)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
