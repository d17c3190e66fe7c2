"""A thread held open by a server: its state, its run, its viewers.

One mailbox, one event at a time. What an event asks of the disk is done, then the state is adopted, then the effects
are; if the disk refuses, nothing has happened and the sender is told. Whoever waits for an answer may go away: the
mailbox is the session's own, so no half of a decision is ever lost with a socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..core.conversation import Conversation, Receipt, begin
from ..core.errors import ChatError, MessageNotFound, ThreadDeleted
from ..core.events import (
    Answered,
    Cancelled,
    Closed,
    Contributed,
    Deleted,
    Effect,
    Ended,
    Event,
    Rebound,
    Regenerated,
    Remove,
    Renamed,
    Said,
    Sent,
    Show,
    Start,
    Stop,
    Stopping,
    Switched,
    Withdrew,
)
from ..core.frames import Frame, asked_record, news_frame, queue_record, run_ended, run_started, tool_returned
from ..core.history import messages_to
from ..core.ids import MessageId, RunId, ThreadId
from ..core.roles import Journal, Viewer
from ..core.step import step
from ..core.transcript import Header, Line, Message, MessageLine, RunLine, StartLine
from .audience import RECENT_LINES, Audience
from .draft import DraftWriter
from .endings import Endings
from .house import Home, House
from .mailbox import Mailbox
from .performance import Performance
from .settle import Settled, settle
from .stage import Ending

log = logging.getLogger(__name__)

PATH_MESSAGES = 1000


class Session:
    """One open thread. Made by `Sessions`, which sees to it that there is one a thread."""

    def __init__(self, journal: Journal, house: House, home: Home) -> None:
        self._journal = journal
        self._house = house
        self.home = home
        self._header: Header | None = None
        self._conversation = Conversation(journal.thread_id, notebook=home.notebook)
        self._is_whole = False
        self._audience = Audience(home.file_url)
        self._mailbox = Mailbox(f"session {journal.thread_id}")
        self._draft = DraftWriter(journal, self._later)
        self._performance: Performance | None = None
        self._endings = Endings()
        self._is_looking = False
        self._is_gone = False
        self.idle_since = asyncio.get_running_loop().time()

    # --- what it is ---------------------------------------------------------------------------------------------------

    @property
    def thread_id(self) -> ThreadId:
        return self._journal.thread_id

    @property
    def journal(self) -> Journal:
        """For reading pages; what is written goes through the mailbox."""
        return self._journal

    @property
    def conversation(self) -> Conversation:
        """The adopted state."""
        return self._conversation

    @property
    def header(self) -> Header | None:
        """Line 1, or `None` while nothing has been written."""
        return self._header

    @property
    def is_watched(self) -> bool:
        return bool(self._audience)

    @property
    def is_idle(self) -> bool:
        """Whether closing it now would take nothing from anyone."""
        is_only_here = self._header is not None and not self._journal.is_saved
        is_needed = self._audience or self._conversation.is_busy or self._performance or not self._mailbox.is_empty
        return not (is_needed or is_only_here)

    @property
    def is_gone(self) -> bool:
        """Whether its folder is no more: nothing is left to be held open."""
        return self._is_gone

    # --- opening and closing ------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Reads the header and the last lines; all of them where they are few."""
        self._header, lines, self._is_whole = await self._house.disk(self._read_tail)
        if self._header is not None:
            self._conversation = begin(self.thread_id, self._header, lines)
        self._audience.recall(lines, has_older=not self._is_whole)
        if self._conversation.wants_lane:
            self.look()

    def _read_tail(self) -> tuple[Header | None, tuple[Line, ...], bool]:
        header = self._journal.header()
        page = self._journal.tail(RECENT_LINES)
        return (header, page.lines, False) if page.more else (header, self._journal.read(), True)

    async def close(self) -> None:
        """Ends its run as `interrupted`, leaves what is waiting to the next server, frees every descriptor."""
        with contextlib.suppress(ChatError):  # a thread that has gone has nothing left to end
            await self._meet(Closed())
        if self._performance is not None:
            self._performance.stop("interrupted")
            await self._performance.finished()
        await self._mailbox.close()
        await self._house.disk(self._journal.close)

    async def create(self) -> bool:
        """Writes the header where nothing has been written yet; whether it did."""
        return await self._mailbox.ask(self._create)

    async def _create(self) -> bool:
        is_new: bool = await self._house.disk(self._journal.create)
        if self._header is None:
            self._header = await self._house.disk(self._journal.header)
        return is_new

    async def whole(self) -> None:
        """Returns when all its lines have been read, not only the last ones."""
        if not self._is_whole:
            await self._mailbox.ask(self._look)

    # --- what people do -----------------------------------------------------------------------------------------------

    async def send(self, sent: Sent) -> Receipt:
        """Accepts a message. When this returns, it is on disk."""
        await self._meet(sent)
        return self._conversation.receipt(sent.message_id)

    async def regenerate(self, message_id: MessageId, run_id: RunId) -> Receipt:
        """Answers a message again, beside its earlier answers."""
        await self._meet(Regenerated(message_id, run_id))
        return self._conversation.receipt(message_id, run_id)

    async def answer(
        self, answers: Sequence[Mapping[str, Any]], run_id: RunId, asked_by: RunId | None, by: str
    ) -> Receipt:
        """Decides what a waiting run asks; `run_id` goes on from there. The first answer counts."""
        await self._meet(Answered(tuple(answers), run_id, asked_by, by))
        return self._conversation.receipt(self._conversation.runs[run_id].message_id, run_id)

    async def switch(self, run_id: RunId) -> RunId | None:
        """Turns to the branch through a run; the head it has then."""
        await self._meet(Switched(run_id))
        return self._conversation.head

    async def withdraw(self, message_id: MessageId) -> None:
        await self._meet(Withdrew(message_id))

    async def cancel(self, run_id: RunId | None = None) -> tuple[RunId, ...]:
        """Stops one run, or all that is running and waiting; the runs that end by it."""
        effects = await self._meet(Cancelled(run_id))
        return next((effect.run_ids for effect in effects if isinstance(effect, Stopping)), ())

    async def rename(self, title: str, seen_at: int | None = None) -> None:
        """Gives it a title; with `seen_at`, only if nobody has since line `seen_at` did."""
        await self._meet(Renamed(title, seen_at))

    async def rebind(self, notebook: str | None) -> None:
        await self._meet(Rebound(notebook))

    async def delete(self) -> None:
        """Nothing is accepted from now on; its folder goes to the trash when its last tool has finished."""
        if self._header is None and self._conversation.seq == 0:
            raise ThreadDeleted(f"Thread {self.thread_id} has nothing to delete.")
        await self._meet(Deleted())

    async def ended(self, run_id: RunId) -> str:
        """Waits for a run's end; its outcome."""
        return await self._endings.of(run_id, self._conversation)

    # --- who watches --------------------------------------------------------------------------------------------------

    def watch(self, viewer: Viewer, after: int = 0) -> Frame:
        """Adds a viewer; the `hello` to show it first. Nothing can happen between the two."""
        now = self._conversation
        if now.is_deleted:
            raise ThreadDeleted(f"Thread {self.thread_id} has been deleted.")
        live = self._audience.live
        hello = Frame(
            {
                "kind": "hello",
                "thread": self._about_thread(),
                "seq": now.seq,
                **self._audience.lines_after(after),
                "run": live.snapshot() if live else None,
                "approvals": asked_record(now.asked),
                "queue": queue_record(now.queue),
                **self._house.about(self.thread_id),
            }
        )
        self._audience.add(viewer)
        if not self._is_whole:
            self.look()
        return hello

    def unwatch(self, viewer: Viewer) -> None:
        self._audience.drop(viewer)
        self.idle_since = asyncio.get_running_loop().time()

    def _about_thread(self) -> dict[str, Any]:
        return {
            "thread_id": self.thread_id,
            "title": self._conversation.title,
            "notebook": self._conversation.notebook,
            "folder": self.home.folder,
            "created": self._header.created if self._header else None,
            "saved": self._journal.is_saved,
            "read_only": bool(self._header and self._header.is_newer),
        }

    # --- the mailbox --------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Has a look, in its turn, at what other servers did, and takes the lane where there is work for it."""
        if not self._is_looking and not self._is_gone:
            self._is_looking = True
            self._mailbox.tell(self._look)

    async def _look(self) -> None:
        self._is_looking = False
        is_quiet = self._is_whole and not self._conversation.wants_lane
        if not is_quiet or await self._house.disk(self._journal.has_news):
            await self._on_event(None)

    async def _meet(self, event: Event) -> tuple[Effect, ...]:
        return await self._mailbox.ask(lambda: self._on_event(event))

    def _later(self, job: Callable[[], None]) -> None:
        """Does something blocking with the journal, in its turn."""
        self._mailbox.tell(lambda: self._house.disk(job))

    async def _on_event(self, event: Event | None) -> tuple[Effect, ...]:
        settled: Settled = await self._house.disk(self._settle, event)
        self._is_whole = True
        if self._header is None and settled.conversation.seq:
            self._header = await self._house.disk(self._journal.header)
        self._adopt(settled)
        if settled.refusal is not None:
            raise settled.refusal
        return settled.effects

    def _settle(self, event: Event | None) -> Settled:
        """In a worker thread: reads the whole transcript where only its tail is known, then meets the event."""
        before = self._conversation
        missed: tuple[Line, ...] = ()
        if not self._is_whole:
            lines = self._journal.read()
            missed = tuple(line for line in lines if line.seq > before.seq)
            before = begin(self.thread_id, self._journal.header(), lines)
        settled = settle(self._journal, before, event, self._house.now())
        return replace(settled, foreign=missed + settled.foreign)

    # --- what has happened --------------------------------------------------------------------------------------------

    def _adopt(self, settled: Settled) -> None:
        before, self._conversation = self._conversation, settled.conversation
        for line in settled.foreign:
            self._audience.tell_line(line)
            self._endings.hear(line, settled.conversation)
        for line in settled.own:
            self._audience.tell_line(line)
            self._tell_run(line)
            self._endings.hear(line, settled.conversation)
        if before.queue != settled.conversation.queue:
            self._audience.tell(news_frame("queue", {"queue": queue_record(settled.conversation.queue)}))
        if before.title != settled.conversation.title:
            self._audience.tell(news_frame("thread", {"title": settled.conversation.title}))
        for effect in settled.effects:
            self._act(effect)
        if settled.own:
            self._tell_lists(before)
        if settled.is_gone:
            self._vanish()

    def _tell_run(self, line: Line) -> None:
        """What a line of our own means for the run in flight."""
        audience = self._audience
        if isinstance(line, StartLine):
            audience.begin_run(line.run_id)
            audience.tell_event(run_started(self.thread_id, line.run_id, line.parent_run_id))
            self._draft.begin(line.run_id, line.seq)
        elif isinstance(line, MessageLine) and audience.live and line.run_id == audience.live.run_id:
            if line.message["role"] == "tool":
                audience.live.close_tool_call(line.message.get("toolCallId", ""))
                audience.tell_event(tool_returned(line.message))
            else:
                audience.live.close_message()
            self._draft.begin(line.run_id, line.seq)
        elif isinstance(line, RunLine) and audience.live and line.run_id == audience.live.run_id:
            audience.tell_event(run_ended(self.thread_id, line, self._conversation.asked))
            audience.end_run()
            self._draft.end()

    def _tell_lists(self, before: Conversation) -> None:
        now = self._conversation
        is_named_anew = (now.chosen_title, now.notebook) != (before.chosen_title, before.notebook)
        is_urgent = now.is_deleted or is_named_anew or before.message_count == 0
        self._house.on_change(self, is_urgent)

    def _vanish(self) -> None:
        """Its folder has gone: nothing more will come, and nothing is made again."""
        self._is_gone = True
        self._conversation = replace(self._conversation, is_deleted=True, queue=(), running=None)
        self._audience.dismiss(ThreadDeleted(f"Thread {self.thread_id} has been deleted."))
        self._endings.end_all()

    # --- effects ------------------------------------------------------------------------------------------------------

    def _act(self, effect: Effect) -> None:
        if isinstance(effect, Start):
            self._performance = Performance(self, effect.run_id, effect.model, self._house.perform)
        elif isinstance(effect, Stop):
            if self._performance is not None and self._performance.run_id == effect.run_id:
                self._performance.stop()
        elif isinstance(effect, Remove):
            self._later(self._remove)
            self._audience.dismiss(ThreadDeleted(f"Thread {self.thread_id} has been deleted."))
            self._endings.end_all()

    def _remove(self) -> None:
        """In a worker thread: to the trash with it."""
        self._journal.remove()
        self._is_gone = True

    # --- what its run does --------------------------------------------------------------------------------------------

    def hear(self, run_id: RunId, event: Mapping[str, Any]) -> None:
        """A piece of the run in flight; of any other run, nothing."""
        _, effects = step(self._conversation, Said(run_id, event), "")
        for effect in effects:
            if isinstance(effect, Show):
                self._audience.tell_event(effect.event)
                self._draft.add(effect.event)
            else:
                self._act(effect)

    async def keep(self, run_id: RunId, message: Message) -> None:
        """A complete message of the run in flight."""
        await self._meet(Contributed(run_id, message))

    async def path_to(self, run_id: RunId) -> Sequence[Message]:
        """The messages an answer in this run goes on from."""
        page = await self._mailbox.ask(lambda: self._house.disk(self._journal.before, None, PATH_MESSAGES))
        messages = messages_to(page.lines, run_id)
        if not messages:
            raise MessageNotFound(f"Run {run_id} has no message to answer.")
        return messages

    async def end(self, run_id: RunId, ending: Ending) -> None:
        """The run is over. What it had begun and not completed is kept with its last line."""
        live = self._audience.live
        why = "stopped" if ending.outcome == "cancelled" else ending.outcome
        said = live.unfinished(why) if live and live.run_id == run_id else ()
        await self._meet(Ended(run_id, ending.outcome, ending.usage, ending.error, said, ending.interrupts))
        if self._performance is not None and self._performance.run_id == run_id:
            self._performance = None
        self.idle_since = asyncio.get_running_loop().time()
