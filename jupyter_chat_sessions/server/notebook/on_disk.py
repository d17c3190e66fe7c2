"""A notebook's file, read and changed through Jupyter's contents manager, whatever that keeps files in.

The rule kept here: a change is made of what was just read, and saved only where nobody saved since.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_core.utils import ensure_async
from tornado.web import HTTPError

from ...core.errors import Conflict, NotFound, StorageFailed
from ...core.roles import Cell, CellEdit
from ...tools.cells import joined

if TYPE_CHECKING:
    from jupyter_server.services.contents.manager import ContentsManager

_WORDS = ("text/plain", "text/markdown", "text/latex")

Cells = list[dict[str, Any]]


class NotebookFile:
    """The notebook at a path, as its file has it."""

    def __init__(self, contents: ContentsManager, path: str) -> None:
        self._contents = contents
        self._path = path

    async def cells(self) -> list[Cell]:
        """Its cells. In a file of before nbformat 4.5, which has no ids, they are named by their places."""
        model = await self._get()
        return [_cell(raw, at) for at, raw in enumerate(model["content"]["cells"])]

    async def edit(self, edit: CellEdit) -> str:
        """Makes the change; the id of the cell it left or made. `Conflict` where the cell or the file has changed."""
        made = uuid.uuid4().hex[:8]

        def change(cells: Cells) -> str:
            at = place_of(cells, edit.cell_id, edit.old_source)
            return _change(cells, at, edit, made)

        return await self._change(change)

    async def keep_outputs(self, cell: Cell, outputs: Sequence[Mapping[str, Any]], count: int | None) -> None:
        """Puts what a run gave into the cell, where it still is the cell that ran."""

        def change(cells: Cells) -> str:
            raw = cells[place_of(cells, cell.id, cell.source)]
            raw.update(outputs=[dict(each) for each in outputs], execution_count=count)
            return cell.id

        await self._change(change)

    async def _change(self, change: Callable[[Cells], str]) -> str:
        model = await self._get()
        done = change(model["content"]["cells"])
        now = await self._get(has_content=False)
        if now["last_modified"] != model["last_modified"]:
            raise Conflict("The notebook was saved by somebody else just now. Nothing was changed; read it again.")
        await self._save({"type": "notebook", "format": "json", "content": model["content"]})
        return done

    async def _get(self, *, has_content: bool = True) -> Any:
        try:
            found = self._contents.get(self._path, content=has_content, type="notebook")  # type: ignore[no-untyped-call]
            return await ensure_async(found)
        except HTTPError as error:
            if error.status_code == 404:
                raise NotFound(f"There is no notebook {self._path!r}.") from error
            raise StorageFailed(f"The notebook {self._path!r} cannot be read.") from error

    async def _save(self, model: dict[str, Any]) -> None:
        try:
            await ensure_async(self._contents.save(model, self._path))  # type: ignore[no-untyped-call]
        except HTTPError as error:
            raise StorageFailed(f"The notebook {self._path!r} cannot be saved. Nothing was changed.") from error


def place_of(cells: Cells, cell_id: str, source: str) -> int:
    """Where the cell stands. `NotFound` where it is gone, `Conflict` where its source is another."""
    place = next((at for at, raw in enumerate(cells) if _id(raw, at) == cell_id), None)
    if place is None:
        raise NotFound(f"The notebook has no cell {cell_id!r} any more.")
    if joined(cells[place].get("source")) != source:
        raise Conflict(f"Cell {cell_id} has changed meanwhile. Nothing was changed; read it again.")
    return place


def _change(cells: Cells, at: int, edit: CellEdit, made: str) -> str:
    if edit.operation == "replace":
        cells[at]["source"] = edit.new_source
        return edit.cell_id
    if edit.operation == "delete":
        del cells[at]
        return edit.cell_id
    if edit.operation == "move":
        return _move(cells, at, edit)
    fresh: dict[str, Any] = {"cell_type": edit.kind, "source": edit.new_source, "metadata": {}}
    if edit.kind == "code":
        fresh |= {"outputs": [], "execution_count": None}
    if "id" in cells[at]:
        fresh["id"] = made
    cells.insert(at + 1, fresh)
    return _id(fresh, at + 1)


def _move(cells: Cells, at: int, edit: CellEdit) -> str:
    target = None if edit.after is None else next((n for n, raw in enumerate(cells) if _id(raw, n) == edit.after), -1)
    if target == -1:
        raise NotFound(f"The notebook has no cell {edit.after!r} to move behind.")
    moved = cells.pop(at)
    place = 0 if target is None else target + (target < at)
    cells.insert(place, moved)
    return _id(moved, place)


def _id(raw: Mapping[str, Any], at: int) -> str:
    return str(raw.get("id") or f"at-{at}")


def _cell(raw: Mapping[str, Any], at: int) -> Cell:
    outputs = lean(raw.get("outputs") or ())
    return Cell(_id(raw, at), raw["cell_type"], joined(raw.get("source")), outputs, raw.get("execution_count"))


def lean(outputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Outputs without what is no words; the kinds of what was left out stand in the words."""
    return [_lean(dict(output)) for output in outputs]


def _lean(output: dict[str, Any]) -> dict[str, Any]:
    data = output.get("data")
    if not isinstance(data, Mapping):
        return output
    words = {kind: joined(text) for kind, text in data.items() if kind in _WORDS}
    others = [kind for kind in data if kind not in (*_WORDS, "text/html")]
    if others:
        words["text/plain"] = f"{words.get('text/plain', '')} [{', '.join(others)}]".strip()
    return {**output, "data": words, "metadata": {}}
