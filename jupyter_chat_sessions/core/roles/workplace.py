"""Where tools work: the sandbox of each thread, and the notebook it is kept beside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from ..ids import ThreadId
from .tools import Artifact, Level, ToolContext, ToolEvent


class Sandbox(Protocol):
    """The folder and the kernel of each thread, as tools use them."""

    def run(self, code: str, context: ToolContext, *, timeout_s: float | None = None) -> AsyncIterator[ToolEvent]:
        """Runs code in the thread's kernel, started if there is none. Ends with a `ToolResult`."""

    def folder(self, context: ToolContext) -> Path:
        """The folder its tools work in; made if there is none."""

    async def bring_in(self, path: str, context: ToolContext, *, overwrites: bool = False) -> Artifact:
        """Copies a file of the person's, by its path below the notebook's folder, into the folder of the call."""

    async def restart(self, thread_id: ThreadId) -> None:
        """Forgets the thread's variables; its files remain."""

    def names(self, thread_id: ThreadId) -> frozenset[str]:
        """The names defined in the thread's kernel as of its last call."""

    @property
    def level(self) -> Level: ...


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a notebook. `kind` is `code`, `markdown` or `raw`; `outputs` are nbformat's, images left out."""

    id: str
    kind: str
    source: str
    outputs: Sequence[Mapping[str, Any]] = ()
    execution_count: int | None = None


@dataclass(frozen=True, slots=True)
class CellEdit:
    """A change of one cell, made only where its source still is `old_source`.

    `operation`: `replace` its source by `new_source`; `insert_after` it a cell with `new_source`; `delete` it; `move`
    it behind the cell `after`, or to the top where that is `None`.
    """

    cell_id: str
    old_source: str
    operation: Literal["replace", "insert_after", "delete", "move"] = "replace"
    new_source: str = ""
    kind: str = "code"
    after: str | None = None


class Notebook(Protocol):
    """The notebook each thread is kept beside: as it stands in a page that has it open, else its file.

    Everything raises a `ChatError` where it cannot be done: there is no notebook, the cell has changed, nothing runs.
    """

    async def cells(self, context: ToolContext) -> Sequence[Cell]:
        """Its cells, in their order."""

    async def edit(self, edit: CellEdit, context: ToolContext) -> str:
        """Changes a cell; the id of the cell it left or made. What the person sees can be undone by them."""

    def run(self, cell: Cell, context: ToolContext) -> AsyncIterator[ToolEvent]:
        """Runs a cell in the person's own kernel. Ends with a `ToolResult`; closing the iterator interrupts it."""

    async def look(self, source: str, context: ToolContext) -> str:
        """What read-only code of ours gives in the person's kernel, within 2 s: `source` leaves text in `told`."""


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a server gives its tools to work with. `packages`: where wheels come from, a folder or an index's URL."""

    sandbox: Sandbox
    notebook: Notebook | None = None
    packages: str = ""
