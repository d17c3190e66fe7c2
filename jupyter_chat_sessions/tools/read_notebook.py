"""`read_notebook`: the cells of the notebook this chat is kept beside."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from ..core.roles import ToolContext, ToolEvent, ToolResult, ToolSpec, Workplace
from .cells import cell_of, notebook_of, told
from .tool import parameters


class ReadNotebook:
    """Reads cells as they stand where the notebook is open, saved or not, else as its file has them."""

    spec = ToolSpec(
        "read_notebook",
        "Read the person's notebook this chat belongs to: each cell's id, kind, sha, source and output. edit_cell and "
        "run_cell need the ids and shas.",
        parameters(
            cells={"type": "array", "items": {"type": "string"}, "description": "Only the cells with these ids."},
            outputs={"type": "string", "enum": ["none", "text", "all"], "default": "text"},
            max_chars={"type": "integer", "minimum": 500, "maximum": 60_000, "default": 16_000},
        ),
    )

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        cells = await notebook_of(self._workplace).cells(context)
        wanted = arguments.get("cells")
        chosen = cells if not wanted else [cell_of(cells, each) for each in wanted]
        yield ToolResult(told(chosen, arguments["outputs"], arguments["max_chars"]))
