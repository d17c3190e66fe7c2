"""What happens to a conversation (past tense) and what it then asks for (imperative)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .ids import MessageId, RunId
from .transcript import Line, Message, Options, Outcome

Mode = Literal["queue", "reject", "interrupt"]


# --- events ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another process wrote this line."""

    line: Line


@dataclass(frozen=True, slots=True)
class LaneTaken:
    """This process may now run the thread. `said`: what a run whose process died had not completed."""

    said: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class LaneReleased:
    """This process may no longer run the thread."""


@dataclass(frozen=True, slots=True)
class Closed:
    """This process is about to stop: what is running may end, nothing else begins here."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """A turn that was said elsewhere; `run_id` stands for its answer. `None`: said to the message it comes with."""

    run_id: RunId
    question: Message | None
    said: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A person sent a message. `run_id` will answer it, unless this message was accepted before."""

    message_id: MessageId
    content: str | list[Any]
    run_id: RunId
    mode: Mode = "queue"
    options: Options = field(default_factory=Options)
    context: tuple[Mapping[str, Any], ...] = ()
    """What of a notebook was sent along: cells, a selection, an error (`core.context`)."""
    earlier: tuple[Earlier, ...] = ()
    """What was said before. A thread in which something was said knows better and takes none of it, but on a branch."""
    call: Mapping[str, Any] | None = None
    """One tool call that a program outside asks for, in place of an answer: `{"id", "name", "arguments", "by"}`."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A chat of another program was brought in. A thread in which something was said takes none of it."""

    turns: tuple[Earlier, ...]
    source: Mapping[str, str]
    """Where it came from: `kind`, `name`, and `id` where it has one."""
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Regenerated:
    """A person asked for another answer to the same message; `visitor`: which share they came by, if any."""

    message_id: MessageId
    run_id: RunId
    visitor: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A person decided what a waiting run asks. `run_id` goes on from there; `by` is whose decision it was."""

    answers: tuple[Mapping[str, Any], ...]
    run_id: RunId
    waiting_run_id: RunId | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Switched:
    """A person turned to another branch: the one through `run_id`, to its end."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class Withdrew:
    """A person took back a message that is still waiting."""

    message_id: MessageId


@dataclass(frozen=True, slots=True)
class Cancelled:
    """A person pressed Stop: for one run, or for everything running and waiting."""

    run_id: RunId | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """The run in flight said a piece: an AG-UI event that no line keeps."""

    run_id: RunId
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Contributed:
    """The run in flight completed a message: an assistant's, or a tool's result."""

    run_id: RunId
    message: Message


@dataclass(frozen=True, slots=True)
class Ended:
    """The run in flight is over."""

    run_id: RunId
    outcome: Outcome
    usage: Mapping[str, Any] | None = None
    error: Mapping[str, str] | None = None
    said: tuple[Message, ...] = ()
    """What it had not completed: words, and tool calls cut short."""
    interrupts: tuple[Mapping[str, Any], ...] = ()
    """What it asks a person, where the outcome is `waiting`: AG-UI interrupts."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """A person gave the thread a title; `seen_at`: only if it is still the one of line `seen_at` (0: of no line)."""

    title: str
    seen_at: int | None = None


@dataclass(frozen=True, slots=True)
class Consented:
    """A person lets the tools read the notebook's folder with this mark, or none any more (`None`)."""

    folder: str | None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Rebound:
    """The notebook beside `.chats` has another name now."""

    notebook: str | None


@dataclass(frozen=True, slots=True)
class Deleted:
    """Nothing is wanted of it any more. `seen_at`: only if nothing was written since that line."""

    seen_at: int | None = None


Event = (
    Foreign
    | LaneTaken
    | LaneReleased
    | Closed
    | Sent
    | Imported
    | Regenerated
    | Answered
    | Switched
    | Withdrew
    | Cancelled
    | Said
    | Contributed
    | Ended
    | Renamed
    | Consented
    | Rebound
    | Deleted
)


# --- effects ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Append:
    """Put these lines on disk, in one write, before anything else here is done."""

    lines: tuple[Line, ...]
    is_synced: bool = True


@dataclass(frozen=True, slots=True)
class Show:
    """Tell every viewer, and remember it in the draft."""

    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Start:
    """Begin to answer."""

    run_id: RunId
    message_id: MessageId
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Make the run end; it will say so with `Ended`."""

    run_id: RunId


@dataclass(frozen=True, slots=True)
class Remove:
    """Move the deleted thread's folder to the trash."""


@dataclass(frozen=True, slots=True)
class Stopping:
    """The answer to `Cancelled`: these runs end now."""

    run_ids: tuple[RunId, ...]


Effect = Append | Show | Start | Stop | Remove | Stopping
