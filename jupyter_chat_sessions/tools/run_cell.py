"""`run_cell`: a cell of the person's notebook, in the person's own kernel."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from ..core.errors import Conflict, InvalidPath
from ..core.roles import Cell, ToolContext, ToolEvent, ToolSpec, Workplace
from .cells import cell_of, notebook_of, unchanged
from .tool import parameters


class RunCell:
    """Nothing confines it, so the person is asked each time, shown the code, and only that code runs."""

    spec = ToolSpec(
        "run_cell",
        "Run one code cell of the person's notebook in their own kernel, as if they had run it. They are asked each "
        "time. For work of your own use run_python, which does not touch their kernel.",
        parameters(
            ("cell_id",),
            cell_id={"type": "string", "minLength": 1},
            source_sha={"type": "string", "description": "The sha you saw: then it runs only if it is unchanged."},
        ),
        permission="ask",
        asks_each_time=True,
    )

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    async def preview(self, arguments: Mapping[str, Any], context: ToolContext) -> Mapping[str, Any]:
        """The code that would run."""
        cell = await self._cell(arguments, context)
        return {"cell_id": cell.id, "code": cell.source}

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        cell = await self._cell(arguments, context)
        if context.shown is not None and (context.shown.get("cell_id"), context.shown.get("code")) != (
            cell.id,
            cell.source,
        ):
            raise Conflict(f"Cell {cell.id} is not what the person allowed: it has changed since. It has not run.")
        events = notebook_of(self._workplace).run(cell, context)
        async with aclosing(events) as ran:  # type: ignore[type-var]
            async for event in ran:
                yield event

    async def _cell(self, arguments: Mapping[str, Any], context: ToolContext) -> Cell:
        cells, sha = await notebook_of(self._workplace).cells(context), arguments.get("source_sha")
        cell = unchanged(cells, arguments["cell_id"], sha) if sha else cell_of(cells, arguments["cell_id"])
        if cell.kind != "code":
            raise InvalidPath(f"Cell {cell.id} is a {cell.kind} cell; only code cells run.")
        return cell
