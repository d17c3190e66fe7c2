"""The parts a chat is played by, as protocols: who answers, what tools do, where they run, who watches.

Implementations live in folders that do not know each other; a composition root (`server`, `local`) joins them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from .errors import ChatError
from .ids import RunId, ThreadId
from .transcript import Header, Line, Message

if TYPE_CHECKING:  # frames know conversations, which a kernel or an agent need not
    from .frames import Frame

Author = Literal["person", "model"]
"""Who wrote what a tool is asked to do. Policy judges a model; what a person typed is theirs."""

Permission = Literal["allow", "ask", "deny"]

Level = Literal["isolated", "confined", "unconfined"]
"""How far the operating system keeps a tool inside its folder."""


# --- who answers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Consent:
    """What a person is asked once for a whole thread, perhaps for several tools: `name` is what they grant.

    `where`: the arguments a call must have to need it; with none, every call does.
    """

    name: str
    where: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as an agent sees it. `parameters` is a JSON Schema object.

    `acts`: it runs code or changes something, so where nothing confines it a person is asked first. `permission`: what
    holds for it unless an administrator, the person or the thread says otherwise. `asks_each_time`: a grant for the
    thread does not help. `is_question`: it asks the person something, and their answer is its result.
    `stays_in_thread`: it gets at nothing but its thread's folder and kernel. Of any other the person is asked each time
    that a visitor of a shared thread would have it run.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    acts: bool = False
    permission: Permission = "allow"
    asks_each_time: bool = False
    is_question: bool = False
    stays_in_thread: bool = False
    consent: Consent | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One step asked of an agent: the path from the root to the newest message, oldest first."""

    thread_id: ThreadId
    run_id: RunId
    messages: Sequence[Message]
    tools: Sequence[ToolSpec] = ()
    model: str | None = None
    names: frozenset[str] = frozenset()
    """The names defined in the thread's kernel, as of its last call; empty before the first."""
    read_file: Callable[[str], bytes | None] | None = None
    """The bytes of a file in the thread's folder, for images that tools made; `None` where there is none. Blocks."""


@dataclass(frozen=True, slots=True)
class RequestSent:
    """What goes to a provider now, without its headers: never a key. It is kept, so that a person can see it."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TextDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ReasoningDelta:
    text: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call. `id` and `name` come with its first piece; `arguments` is JSON text, in pieces."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one request, as the provider counted them."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    """In US dollars, where the provider said it."""
    context_limit: int | None = None
    """How many tokens fit: what the model can hold, or less where its conversation is cut to less."""


@dataclass(frozen=True, slots=True)
class Done:
    """The step has ended: `stop`, `tool_calls`, `length`, `content_filter`.

    `provider_state` is what its provider wants back with this message, such as the signature of a thought. It has
    `provider`, the name of the only one it is sent back to; the rest is nobody else's to read, and is shown to nobody.
    """

    reason: str = "stop"
    provider_state: Mapping[str, Any] | None = None


AgentEvent = RequestSent | TextDelta | ReasoningDelta | ToolCallDelta | Usage | Done


class Agent(Protocol):
    """Whoever answers. One call of `answer` is one step; the loop over tools is the engine's."""

    @property
    def id(self) -> str: ...

    @property
    def label(self) -> str:
        """What a person reads on the chip, such as "Direct mode · no AI model"."""

    @property
    def author(self) -> Author:
        """Whose words its tool calls are: `person` where it only runs what was typed."""

    def answer(self, request: Request) -> AsyncIterator[AgentEvent]:
        """The step's events. Closing the iterator ends the work behind it at once."""


# --- what tools do ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One call an agent asked for. `arguments` is parsed JSON that fits the tool's schema."""

    id: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Where a call belongs: captured once when its run begins, never looked up again.

    `thread_id` is `None` for a call without a thread: it gets a folder and a kernel of its own, by its `run_id`.
    """

    thread_id: ThreadId | None
    run_id: RunId
    author: Author = "model"
    shown: Mapping[str, Any] | None = None
    """What a person was shown before they allowed this call: what it does must be that."""
    answer: str | None = None
    """What a person answered, where the tool asks them something."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file in a thread's folder. `path` is relative to it, with `/`; `size` in bytes."""

    path: str
    size: int
    media_type: str


@dataclass(frozen=True, slots=True)
class ToolOutput:
    """Something to show while the call runs: an nbformat output, its images already files (`metadata.artifact`)."""

    output: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ToolStatus:
    """What the call is doing before it can show anything, such as "Starting Python"."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The end of a call: what the agent reads, and what the chat keeps to show it again.

    `metadata` becomes the tool message's `metadata.jupyter`: `level`, `kernel {epoch, fresh, reason}`, `outputs`,
    `artifacts [{path, size, media_type}]`, `duration_ms`.
    """

    content: str
    error: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)


ToolEvent = ToolStatus | ToolOutput | ToolResult


class Tools(Protocol):
    """The tools of a server, by name."""

    def specs(self) -> Sequence[ToolSpec]: ...

    def call(self, call: ToolCall, context: ToolContext) -> AsyncIterator[ToolEvent]:
        """Runs the call. The last event is its only `ToolResult`; closing the iterator stops the work."""

    async def preview(self, call: ToolCall, context: ToolContext) -> Mapping[str, Any] | ToolResult:
        """What a person is shown before they allow the call; its result where it could not run anyway."""

    def names(self, thread_id: ThreadId) -> frozenset[str]:
        """The names defined in the thread's kernel as of its last call."""

    @property
    def level(self) -> Level:
        """How far the operating system confines them."""


# --- where they run --------------------------------------------------------------------------------------------------


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


# --- the notebook beside it ------------------------------------------------------------------------------------------


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


# --- where it is kept ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Page:
    """Lines in their order, oldest first. `more`: there are older ones. `bad`: lines passed over that are none."""

    lines: tuple[Line, ...]
    more: bool = False
    bad: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """What a run had said since its last transcript line when its process died: the run's events, oldest first."""

    run_id: RunId
    after_seq: int
    events: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Writing:
    """What a decision puts on disk, as one write. `is_synced`: it must outlive a power cut before anyone is told."""

    lines: tuple[Line, ...]
    is_synced: bool = True


Decide = Callable[[tuple[Line, ...]], Writing]
"""Given the lines others appended since this journal last looked, what to append. Raises to append nothing."""


class Journal(Protocol):
    """One thread's transcript, draft and lane. Every call may block on a disk: call it from a worker thread.

    It remembers how far it has read: `read` and `transact` move that place, `tail` and `before` do not.
    Errors: `ThreadDeleted` (its folder has gone), `Unreadable`, `StorageFailed` and its kinds (nothing has changed).
    """

    @property
    def thread_id(self) -> ThreadId: ...

    @property
    def is_saved(self) -> bool:
        """Whether what is appended outlives this process."""

    def header(self) -> Header | None:
        """Line 1, or `None` while nothing has been written."""

    def create(self) -> bool:
        """Makes the thread's folder and writes the header where there is none; whether it did."""

    def read(self) -> tuple[Line, ...]:
        """Every line from the first to the newest."""

    def has_news(self) -> bool:
        """Whether the transcript has changed since this journal last looked, or has gone. One `stat`."""

    def transact(self, decide: Decide) -> None:
        """Locks the transcript, reads the news, lets `decide` choose, appends what it chose in one write, unlocks.

        Makes the thread's folder and header first where there is none. When the disk refuses, the file is as before.
        """

    def tail(self, limit: int) -> Page:
        """The last `limit` lines (a few more where several share a `seq`), read backwards from the end."""

    def before(self, seq: int | None, limit: int) -> Page:
        """At most `limit` messages of the path that ends at the head, older than `seq`, with their runs' lines."""

    def take_lane(self) -> bool:
        """Whether this process now holds the right to run the thread. Never waits."""

    def release_lane(self) -> None: ...

    def begin_draft(self, run_id: RunId, after_seq: int) -> None:
        """Starts the draft anew: what follows was said after line `after_seq`."""

    def extend_draft(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Adds events to the draft, unsynced."""

    def read_draft(self) -> Draft | None:
        """What a dead process left; `None` where there is none or the transcript has gone on."""

    def remove(self) -> None:
        """Moves the thread's folder to the trash, where it stays 7 days."""

    def close(self) -> None:
        """Frees descriptors and the lane."""


# --- who watches -----------------------------------------------------------------------------------------------------


class Viewer(Protocol):
    """Whoever is told what happens in a thread: a websocket, an SSE stream, a test's list."""

    def tell(self, frame: Frame) -> None:
        """Takes one frame of the wire. Must not block and must not raise."""

    def dismiss(self, why: ChatError) -> None:
        """Learns that nothing more will come."""
