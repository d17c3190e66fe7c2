"""What tools do: how an agent sees one, what a call of it is, and what comes of the call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from ..ids import RunId, ThreadId

Author = Literal["person", "model"]
"""Who wrote what a tool is asked to do. Policy judges a model; what a person typed is theirs."""

Permission = Literal["allow", "ask", "deny"]

Level = Literal["isolated", "confined", "unconfined"]
"""How far the operating system keeps a tool inside its folder."""


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
