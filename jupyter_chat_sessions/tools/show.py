"""`show`: a file of the chat's folder, seen in the chat."""

from __future__ import annotations

import asyncio
import csv
import html
import io
import os
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

from ..core.roles import ToolContext, ToolEvent, ToolResult, ToolSpec, Workplace
from .files import kept, media_type
from .opening import open_file, parse_path
from .tool import parameters

_READ = 200_000
_MOST_ROWS, _MOST_COLUMNS, _LONGEST_CELL = 50, 20, 200
_MOST_HTML = 30_000
_TABLES = {"text/csv": ",", "text/tab-separated-values": "\t"}


class Show:
    """Shows an image, a page of HTML (cleaned, without scripts) or the first rows of a table; other files as a link."""

    spec = ToolSpec(
        "show",
        "Show the person a file of this chat's folder inside the chat: an image, a table (CSV or TSV) or HTML. Other "
        "files become a link. You do not get to see it.",
        parameters(
            ("path",),
            path={"type": "string", "minLength": 1, "description": "Relative to the chat's folder."},
            title={"type": "string", "maxLength": 200},
        ),
        stays_in_thread=True,
    )

    def __init__(self, workplace: Workplace) -> None:
        self._sandbox = workplace.sandbox

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        parts = parse_path(arguments["path"])
        size, head = await asyncio.to_thread(_head, self._sandbox.folder(context), parts)
        path, kind = "/".join(parts), media_type(parts[-1])
        title = arguments.get("title") or path
        output: dict[str, Any] = {"output_type": "display_data", "data": {"text/plain": title}, "metadata": {}}
        if kind.startswith("image/"):
            output["metadata"] = {"artifact": path}
        elif (page := _page(kind, head, title)) is not None:
            output["data"]["text/html"] = page
        metadata = kept(self._sandbox.level, parts, size, outputs=[output])
        yield ToolResult(f"The person now sees {path} ({kind}, {size:,} bytes) in the chat.", metadata=metadata)


def _head(folder: Path, parts: list[str]) -> tuple[int, bytes]:
    with os.fdopen(open_file(folder, parts), "rb") as file:
        return os.fstat(file.fileno()).st_size, file.read(_READ)


def _page(kind: str, head: bytes, title: str) -> str | None:
    """HTML that shows it; `None` for what has no such form. The chat cleans it before it is shown."""
    text = head.decode("utf-8", "replace")
    if kind in _TABLES:
        return _table(text, _TABLES[kind], title, is_whole=len(head) < _READ)
    return text if kind == "text/html" and len(text) <= _MOST_HTML else None


def _table(text: str, delimiter: str, title: str, *, is_whole: bool) -> str:
    rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    rows = rows if is_whole else rows[:-1]
    shown = [[cell[:_LONGEST_CELL] for cell in row[:_MOST_COLUMNS]] for row in rows[: _MOST_ROWS + 1]]
    parts = [f"<table><caption>{html.escape(title)}</caption>"]
    for at, row in enumerate(shown):
        tag = "td" if at else "th"
        cells = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
        if sum(map(len, parts)) + len(cells) > _MOST_HTML:
            shown = shown[:at]
            break
        parts.append(f"<tr>{cells}</tr>")
    is_cut = not is_whole or len(rows) > len(shown) or any(len(row) > _MOST_COLUMNS for row in rows)
    note = f"<p>The first {max(len(shown) - 1, 0)} rows; the file has all of it.</p>" if is_cut else ""
    return "".join(parts) + "</table>" + note
