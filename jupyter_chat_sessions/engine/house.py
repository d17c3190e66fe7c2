"""What sessions stand on: what all of a server's share, and where each lives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.frames import FileUrl
from ..core.ids import Subject, ThreadId
from .draft import Drafts
from .stage import Perform

if TYPE_CHECKING:
    from .session import Session


@dataclass(frozen=True, slots=True)
class House:
    """What every session of a server shares. `disk(function, *arguments)` runs a blocking call in a worker thread."""

    disk: Callable[..., Awaitable[Any]]
    now: Callable[[], str]
    perform: Perform
    about: Callable[[ThreadId], Mapping[str, Any]]
    """What a `hello` says beside the lines: `agent`, `level`."""
    on_change: Callable[[Session, bool], None] = lambda session, is_urgent: None
    """Told when a list of threads should show something else of a thread. Urgent: a title or a deletion."""
    drafts: Drafts = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "drafts", Drafts(self.disk))


@dataclass(frozen=True, slots=True)
class Home:
    """Where a thread lives. Its tools, its files and their addresses go by this; it moves only while nothing runs."""

    folder: str
    """The directory beside its notebook, relative to the server's root."""
    files: Path
    """The folder its tools work in; there once a tool has run."""
    file_url: FileUrl
    beside: Path | None = None
    """The person's folder it stands in, with the notebook; `None` where notebooks are not local files."""
    mark: str | None = None
    """What tells that folder from any other, also from one of the same name on another computer."""
    notebook: str | None = None
    """The notebook it is begun beside, until a header tells."""
    owner: Subject | None = None
    """Whose it is, where users are kept apart."""
