"""What a run may do: read the path it answers, say pieces, contribute messages. Bound to one run of one thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..core.ids import RunId, ThreadId
from ..core.roles import ToolSpec
from ..core.transcript import Message, Outcome


class CallingStage(Protocol):
    """What a tool call knows of the run it is made in. `thread_id` is `None` for a call without a thread."""

    @property
    def thread_id(self) -> ThreadId | None: ...

    @property
    def run_id(self) -> RunId: ...

    @property
    def client_tools(self) -> Sequence[ToolSpec]:
        """The tools of whoever sent the message: they are run by that client, never here."""

    @property
    def tool_names(self) -> Collection[str] | None:
        """The server's tools that the message lets its answer use; `None`: all."""

    @property
    def asks_first(self) -> bool:
        """Whether the message has a person asked before each call of the server's tools."""

    @property
    def is_visitors(self) -> bool:
        """Whether it was a visitor of a shared thread who asked for this answer."""

    @property
    def sees_folder(self) -> bool:
        """Whether what runs in the thread's sandbox may read the notebook's folder."""

    @property
    def granted(self) -> Collection[str]:
        """What a person has granted for the whole thread."""

    @property
    def wanted(self) -> Mapping[str, str]:
        """The settings for tools of the person, or of the visitor, whose message it is."""

    @property
    def answers(self) -> Mapping[str, Mapping[str, Any]]:
        """What a person answered to the run this one goes on from, by the id of the tool call each answer decides."""

    @property
    def shown(self) -> Mapping[str, Mapping[str, Any]]:
        """What they were shown of each of those calls."""

    @property
    def is_watched(self) -> bool:
        """Whether somebody is there who could be asked."""

    def say(self, event: Mapping[str, Any]) -> None:
        """Says a piece: an AG-UI event."""

    async def contribute(self, message: Message) -> None:
        """Puts a complete message on disk, then shows it."""


class Stage(CallingStage, Protocol):
    """A run's side of its session. After the run has ended, nothing said here is heard."""

    @property
    def thread_id(self) -> ThreadId: ...

    @property
    def model(self) -> str | None: ...

    async def path(self) -> Sequence[Message]:
        """The messages to answer, oldest first; the last is the person's."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended."""

    outcome: Outcome
    usage: Mapping[str, Any] | None = None
    error: Mapping[str, str] | None = None
    interrupts: tuple[Mapping[str, Any], ...] = ()
    """What a person is asked, where the outcome is `waiting`: AG-UI interrupts, each of one tool call."""


Perform = Callable[[Stage], Awaitable[Ending]]
"""Makes the answer. Cancelling it is how it is stopped."""
