"""What the notebook's doors ask for, whoever gives it: a server over HTTP, or the same chats in this very process.

Records are the JSON objects of the REST doors, frames those of the wire (docs/wire.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol

from ..core.errors import ChatError
from ..core.ids import ThreadId

Record = dict[str, Any]
Frame = Mapping[str, Any]


class Unreachable(ChatError):
    """The server does not answer."""

    code = "unreachable"


@dataclass(frozen=True, slots=True)
class Place:
    """Beside which notebook, by its path from the root of contents; else in which folder; else where the token says."""

    notebook: str | None = None
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to send. `id` makes sending it twice harmless; `options` are those of `POST …/messages`."""

    id: str
    content: str | list[Record]
    options: Record = field(default_factory=dict)


class Watch(Protocol):
    """The frames of one thread as they come; a `hello` first. Ends when it is closed, or the connection breaks."""

    def __iter__(self) -> Iterator[Frame]: ...

    def close(self) -> None:
        """Ends it, from any thread."""

    def __enter__(self) -> Watch: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Closes it."""


class ChatService(Protocol):
    """The chats of one server, or of this process. Refusals are `ChatError`s; what cannot be reached, `Unreachable`."""

    @property
    def where(self) -> str:
        """Where the chats are kept, in words."""

    def current(self, place: Place) -> Record:
        """The current thread of the notebook or folder, made if there is none."""

    def create(self, place: Place, thread_id: ThreadId | None = None, title: str | None = None) -> Record:
        """A new thread; with the id of one that is there, that one."""

    def threads(self, place: Place) -> list[Record]:
        """The threads of the notebook, the newest first; without a notebook, of the folder."""

    def thread(self, thread_id: ThreadId) -> Record: ...

    def rename(self, thread_id: ThreadId, title: str) -> Record: ...

    def delete(self, thread_id: ThreadId) -> None: ...

    def send(self, thread_id: ThreadId, message: Outgoing) -> Record:
        """On disk when this returns: `run_id`, `message_id`, `seq`, `queued`."""

    def cancel(self, thread_id: ThreadId, run_id: str | None = None) -> list[str]:
        """Stops that run, or all that is running and waiting; the runs that end by it."""

    def answer(self, thread_id: ThreadId, run_id: str, answers: Sequence[Record]) -> Record:
        """Decides what a waiting run asks."""

    def messages(self, thread_id: ThreadId) -> list[Record]:
        """The messages of the path that ends at the head, oldest first."""

    def tools(self, thread_id: ThreadId) -> Record:
        """The sandbox's `level`, and the `tools` with what holds for each when a model calls it in the thread."""

    def export(self, thread_id: ThreadId, wanted: str) -> bytes:
        """The thread as `md`, `ipynb` or `json`."""

    def put_file(self, thread_id: ThreadId, path: str, data: bytes) -> Record:
        """Puts a file into the thread's folder."""

    def file(self, thread_id: ThreadId, artifact: Record) -> bytes:
        """The bytes of a file of the thread."""

    def check(self) -> None:
        """Raises where it does not answer, or not to us."""

    def watch(self, thread_id: ThreadId, after: int = 0) -> Watch:
        """What happens in the thread from now on, for someone who can be asked to decide."""

    def listen(self, thread_id: ThreadId, after: int = 0) -> Watch:
        """The same for someone who cannot."""
