"""Who answers: one step at a time, as events. The loop over tools is the engine's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..ids import RunId, ThreadId
from ..transcript import Message
from .tools import Author, ToolSpec


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
