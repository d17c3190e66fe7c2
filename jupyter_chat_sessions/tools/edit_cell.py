"""`edit_cell`: a change of one cell of the person's notebook, never over what they wrote meanwhile."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from ..core.errors import Conflict, Malformed
from ..core.roles import Cell, CellEdit, ToolContext, ToolEvent, ToolResult, ToolSpec, Workplace
from .cells import cell_of, notebook_of, sha_of, unchanged
from .difference import difference
from .tool import parameters

_SAID = {"replace": "changed", "insert_after": "added", "delete": "deleted", "move": "moved"}


class EditCell:
    """The person is asked, with the change before their eyes; where the notebook is open, they can undo it."""

    spec = ToolSpec(
        "edit_cell",
        "Change one cell of the person's notebook; they are asked first and can undo it. old_source_sha is the sha "
        "that read_notebook gave: where the cell has changed since, nothing is done and you get to see it.",
        parameters(
            ("cell_id", "old_source_sha"),
            cell_id={"type": "string", "minLength": 1},
            old_source_sha={"type": "string", "minLength": 12, "maxLength": 64},
            op={
                "type": "string",
                "enum": ["replace", "insert_after", "delete", "move"],
                "default": "replace",
                "description": "replace the cell's source, insert_after it a new cell, delete it, or move it.",
            },
            new_source={"type": "string", "description": "For replace and insert_after."},
            kind={"type": "string", "enum": ["code", "markdown", "raw"], "default": "code"},
            after={"type": "string", "description": "For move: the cell it comes behind; without it, to the top."},
        ),
        permission="ask",
    )

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    async def preview(self, arguments: Mapping[str, Any], context: ToolContext) -> Mapping[str, Any]:
        """How the notebook would change."""
        edit, cell = await self._edit(arguments, context)
        return {"cell_id": cell.id, "operation": edit.operation, "diff": _difference(edit, cell)}

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        edit, cell = await self._edit(arguments, context)
        cell_id = await notebook_of(self._workplace).edit(edit, context)
        sha = "" if edit.operation in ("delete", "move") else f" Its sha is {sha_of(edit.new_source)}."
        words = f"Cell {cell_id} was {_SAID[edit.operation]}.{sha}"
        yield ToolResult(words, metadata={"diff": _difference(edit, cell), "cell_id": cell_id})

    async def _edit(self, arguments: Mapping[str, Any], context: ToolContext) -> tuple[CellEdit, Cell]:
        """The change as it would be made now, and the cell as it is. A `ChatError` where it cannot be made."""
        operation, after = arguments["op"], arguments.get("after")
        if operation in ("replace", "insert_after") and "new_source" not in arguments:
            raise Malformed(f"{operation} needs a new_source.")
        cells = await notebook_of(self._workplace).cells(context)
        cell = unchanged(cells, arguments["cell_id"], arguments["old_source_sha"])
        if operation == "move" and after is not None and cell_of(cells, after) is cell:
            raise Conflict("A cell cannot be moved behind itself.")
        edit = CellEdit(cell.id, cell.source, operation, arguments.get("new_source", ""), arguments["kind"], after)
        return edit, cell


def _difference(edit: CellEdit, cell: Cell) -> str:
    if edit.operation == "move":
        where = f"behind cell {edit.after}" if edit.after else "to the top"
        return "\n".join([f"  [moves {where}]", *(f" {line}" for line in cell.source.splitlines()[:20])])
    before = "" if edit.operation == "insert_after" else cell.source
    return difference(before, "" if edit.operation == "delete" else edit.new_source)
