"""What a run of these doors said, kept while it goes on and five minutes after, for a client that comes back.

A record is a viewer that listens: it can be asked nothing unless it stands for a client that can answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any

from ...core.conversation import Conversation
from ...core.errors import ChatError, NotFound, RunNotFound
from ...core.frames import Frame, line_record
from ...core.ids import RunId, ThreadId
from ...core.roles import Page
from ...engine.session import Session
from .telling import Ended, Happening, Telling

KEPT_S = 300.0
EVERYTHING = 10**9

Lines = list[Mapping[str, Any]]


class Record:
    """The happenings of one run, in order. Made before its message is sent, so that nothing is missed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._missed: list[Mapping[str, Any]] = []
        self._telling: Telling | None = None
        self._news = asyncio.Event()
        self.happenings: list[Happening] = []
        self.lost: ChatError | None = None

    @property
    def thread_id(self) -> ThreadId:
        return self._session.thread_id

    @property
    def is_ended(self) -> bool:
        return self.lost is not None or bool(self.happenings and isinstance(self.happenings[-1], Ended))

    @property
    def telling(self) -> Telling | None:
        """How what is heard is folded, once it follows a run."""
        return self._telling

    @property
    def run_id(self) -> RunId:
        """The run it follows now: behind a person's answer it is another one."""
        assert self._telling is not None, "a record that is handed out follows a run"
        return self._telling.run_id

    @property
    def was_cancelled(self) -> bool:
        end = self.end
        return end is not None and end.outcome == "cancelled"

    @property
    def end(self) -> Ended | None:
        """How the run ended; `None` while it goes on."""
        last = self.happenings[-1] if self.happenings else None
        if isinstance(last, Ended):
            return last
        lost = self.lost
        return None if lost is None else Ended("error", error={"code": lost.code, "message": lost.message})

    def follow(self, telling: Telling) -> None:
        """Begins to keep what that run says; what came in the meantime too."""
        self._telling = telling
        missed, self._missed = self._missed, []
        for body in missed:
            self._hear(body)

    def recall(self, telling: Telling, lines: Iterable[Mapping[str, Any]], snapshot: Mapping[str, Any] | None) -> None:
        """The same for a run that has begun before: its lines, then what it has said since."""
        for line in lines:
            self.happenings += [] if telling.is_ended else telling.hear_line(line)
        if snapshot is not None and not telling.is_ended:
            self.happenings += telling.join(snapshot)
        self.follow(telling)
        if telling.is_ended:
            self.leave()

    def tell(self, frame: Frame) -> None:
        if self._telling is None:
            self._missed.append(frame.body)
        else:
            self._hear(frame.body)

    def dismiss(self, why: ChatError) -> None:
        self.lost = why
        self._news.set()

    def leave(self) -> None:
        """Listens no more."""
        self._missed.clear()
        self._session.unwatch(self)

    def _hear(self, body: Mapping[str, Any]) -> None:
        told = [] if self._telling is None else self._telling.hear(body)
        if told:
            self.happenings += told
            self._news.set()
        if self.is_ended:
            self.leave()

    async def read(self, heartbeat_s: float) -> AsyncGenerator[Happening | None, None]:
        """All happenings, as they come, to the end; `None` after every silence of `heartbeat_s`."""
        place = 0
        while True:
            for happening in self.happenings[place:]:
                place += 1
                yield happening
            if place < len(self.happenings):
                continue
            if self.is_ended:
                if self.lost is not None and self.end is not None:
                    yield self.end
                return
            self._news.clear()
            try:
                await asyncio.wait_for(self._news.wait(), heartbeat_s)
            except asyncio.TimeoutError:
                yield None

    async def whole(self) -> tuple[Happening, ...]:
        """All happenings, once the run has ended."""
        return tuple([each async for each in self.read(KEPT_S) if each is not None])


class Records:
    """The records of a server, by thread and run: a client may have named its run as another's is named.

    What is older than five minutes past its end is forgotten.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple[ThreadId, RunId], Record] = {}

    def find(self, thread_id: ThreadId, run_id: RunId) -> Record | None:
        return self._kept.get((thread_id, run_id))

    def keep(self, run_id: RunId, record: Record) -> None:
        """Keeps a record until some time after its end."""
        self._kept[record.thread_id, run_id] = record
        asyncio.get_running_loop().call_later(KEPT_S, self._forget, (record.thread_id, run_id))

    def _forget(self, key: tuple[ThreadId, RunId]) -> None:
        record = self._kept.get(key)
        if record is not None and not record.is_ended:
            asyncio.get_running_loop().call_later(KEPT_S, self._forget, key)
        else:
            self._kept.pop(key, None)


# --- runs that have begun before -------------------------------------------------------------------------------------


async def all_lines(session: Session, disk: Any) -> Lines:
    """Every line of a thread, as viewers get them."""
    page: Page = await disk(session.journal.tail, EVERYTHING)
    return [line_record(line, session.home.file_url) for line in page.lines]


async def reopened(session: Session, run_id: RunId, disk: Any, *, waits: bool, kind: type[Telling] = Telling) -> Record:
    """The record of a run that nobody here keeps one of: from its lines, and what it goes on to say."""
    record = Record(session)
    hello = session.listen(record)
    try:
        lines = await all_lines(session, disk)
        telling = _telling_of(run_id, lines, session.conversation, kind, waits=waits)
    except BaseException:
        record.leave()
        raise
    record.recall(telling, lines, hello.body["run"])
    return record


def _telling_of(run_id: RunId, lines: Lines, now: Conversation, kind: type[Telling], *, waits: bool) -> Telling:
    message_id = message_of(run_id, lines)
    parents = {line["run_id"]: line["parent_run_id"] for line in lines if line["type"] == "start"}
    parent = parents.get(run_id)
    earlier = [
        each
        for line in lines
        if line["type"] == "approval" and line["run_id"] == parent and parent is not None
        for each in line["interrupts"]
    ]
    tools = options_of(message_id, lines).get("tools", ())
    return kind(run_id, message_id, [each["name"] for each in tools], earlier, waits=waits)


def message_of(run_id: RunId, lines: Lines) -> str:
    """The message a run answers. `RunNotFound` where the thread has no such run."""
    for line in lines:
        if line["type"] == "start" and line["run_id"] == run_id:
            return str(line["message_id"])
        if line["type"] == "message" and line.get("run_id") == run_id and line["message"]["role"] == "user":
            return str(line["message"]["id"])
    raise RunNotFound(f"There is no run {run_id} in this thread.")


def options_of(message_id: str, lines: Lines) -> Mapping[str, Any]:
    """What the sender of a message asked for beside the words."""
    for line in lines:
        if line["type"] == "message" and line["message"]["id"] == message_id:
            return dict(line.get("options") or {})
    raise NotFound(f"There is no message {message_id} in this thread.")
