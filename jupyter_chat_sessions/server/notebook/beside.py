"""The `Notebook` of a server's threads: asked of the page that has it open, else of its file and its kernel.

Where a page has it open, what is read is what the person sees, saved or not, and what is changed they see and can undo.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ...chats.settings import Whereabouts
from ...core.errors import ChatError, NotFound
from ...core.ids import Subject
from ...core.roles import Cell, CellEdit, ToolContext, ToolEvent, ToolOutput, ToolResult
from ...tools.cells import output_text
from .in_kernel import NotebookKernel
from .on_disk import NotebookFile, lean
from .open_pages import OpenPages

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

_MOST_CHARS = 16_000
_KEPT_OUTPUTS = 40_000


class NotebookBeside:
    """Finds, each time anew, where the notebook is open."""

    def __init__(self, server: ServerApp, pages: OpenPages, whereabouts: Whereabouts) -> None:
        self._server, self._pages, self._whereabouts = server, pages, whereabouts

    def _place(self, context: ToolContext) -> tuple[str, Subject | None]:
        if context.thread_id is None:
            raise NotFound("A call without a chat has no notebook.")
        return self._whereabouts(context.thread_id)

    async def cells(self, context: ToolContext) -> Sequence[Cell]:
        path, subject = self._place(context)
        page = await self._pages.find(path, subject)
        if page is None:
            return await self._file(path).cells()
        given = await self._pages.ask(page, "read", path)
        return [_cell(each) for each in given["cells"]]

    async def edit(self, edit: CellEdit, context: ToolContext) -> str:
        path, subject = self._place(context)
        page = await self._pages.find(path, subject)
        if page is None:
            return await self._file(path).edit(edit)
        given = await self._pages.ask(page, "edit", path, edit=asdict(edit))
        return str(given["cell_id"])

    async def look(self, source: str, context: ToolContext) -> str:
        path, _ = self._place(context)
        return await NotebookKernel(self._server, path).look(source)

    async def run(self, cell: Cell, context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        path, subject = self._place(context)
        page = await self._pages.find(path, subject)
        if page is not None:
            asked = {"cell_id": cell.id, "source": cell.source}
            given = await self._pages.ask(page, "run", path, None, **asked)
            yield _result(cell, given["outputs"])
            return
        outputs: list[Mapping[str, Any]] = []
        count: int | None = None
        async with aclosing(NotebookKernel(self._server, path).run(cell)) as told:
            async for each in told:
                if "execution_count" in each and "output_type" not in each:
                    count = each["execution_count"]
                    continue
                outputs.append(each)
                for output in lean([each]):
                    yield ToolOutput(output)
        note = ""
        try:
            await self._file(path).keep_outputs(cell, outputs, count)
        except ChatError as fault:
            note = f"\n[The outputs were not saved in the notebook: {fault.message}]"
        yield _result(cell, lean(outputs), note)

    def _file(self, path: str) -> NotebookFile:
        return NotebookFile(self._server.contents_manager, path)


def _cell(given: Mapping[str, Any]) -> Cell:
    count = given.get("execution_count")
    return Cell(str(given["id"]), str(given["kind"]), str(given["source"]), given.get("outputs") or (), count)


def _result(cell: Cell, outputs: Sequence[Mapping[str, Any]], note: str = "") -> ToolResult:
    text = output_text(outputs) or "(no output)"
    if len(text) > _MOST_CHARS:
        head = _MOST_CHARS // 3
        text = f"{text[:head]}\n[… {len(text) - _MOST_CHARS:,} characters left out …]\n{text[head - _MOST_CHARS :]}"
    failed = next((each for each in outputs if each.get("output_type") == "error"), None)
    error = f"{failed.get('ename')}: {failed.get('evalue')}" if failed else None
    kept: list[Mapping[str, Any]] = [{"output_type": "stream", "name": "stdout", "text": text}]
    if len(str(outputs)) <= _KEPT_OUTPUTS:
        kept = list(outputs)
    return ToolResult(text + note, error, {"outputs": kept, "artifacts": [], "cell_id": cell.id})
