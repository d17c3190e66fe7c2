"""A thread held open by a server: its state, its run, its viewers.

One mailbox, one event at a time. What an event asks of the disk is done, then the state is adopted, then the effects
are; if the disk refuses, nothing has happened and the sender is told. Whoever waits for an answer may go away: the
mailbox is the session's own, so no half of a decision is ever lost with a socket.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..core import events
from ..core.conversation import Conversation, Receipt, begin, moved
from ..core.errors import ChatError, MessageNotFound, ThreadDeleted
from ..core.frames import Frame, news_frame
from ..core.history import messages_to
from ..core.ids import MessageId, RunId, Subject, ThreadId
from ..core.roles import Journal, Viewer
from ..core.step import step
from ..core.transcript import Header, Message
from .audience import UNKNOWN, Audience
from .draft import DraftWriter
from .endings import Endings
from .house import Home, House
from .mailbox import Mailbox
from .performance import Performance
from .reading import Reading
from .settle import Settled
from .stage import Ending
from .telling import Telling, is_urgent_for_lists, reads_notebook, thread_record

PATH_MESSAGES = 1000


class Session:
    """One open thread. Made by `Sessions`, which sees to it that there is one a thread."""

    def __init__(self, journal: Journal, house: House, home: Home) -> None:
        self._journal = journal
        self._house = house
        self.home = home
        self._reading = Reading(journal)
        self._conversation = Conversation(journal.thread_id, notebook=home.notebook, place=home.mark)
        self._audience = Audience(home.file_url)
        self._mailbox = Mailbox(f"session {journal.thread_id}")
        self._endings = Endings()
        draft = DraftWriter(journal, lambda: self.home.folder, house.drafts)
        self._telling = Telling(journal.thread_id, self._audience, draft, self._endings)
        self._performance: Performance | None = None
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
        return self._reading.header

    @property
    def owner(self) -> Subject | None:
        """Whose it is; `None` for one that belongs to all of the server's people."""
        owner = self.header.owner if self.header is not None else self.home.owner
        return None if owner is None else Subject(owner)

    @property
    def is_watched(self) -> bool:
        """Whether somebody is there who could be asked."""
        return self._audience.can_be_asked

    @property
    def sees_folder(self) -> bool:
        """Whether what runs in the thread's sandbox may read the notebook's folder."""
        return reads_notebook(self._conversation, self.home)

    @property
    def has_viewers(self) -> bool:
        return bool(self._audience)

    @property
    def is_idle(self) -> bool:
        """Whether closing it now would take nothing from anyone."""
        is_only_here = self.header is not None and not self._journal.is_saved
        is_needed = self._audience or self._conversation.is_busy or self._performance or not self._mailbox.is_empty
        return not (is_needed or is_only_here)

    @property
    def is_up_to_date(self) -> bool:
        """Whether all its lines were read and nothing is to be done: only what another server wrote needs a look."""
        return self._reading.is_whole and not self._conversation.wants_lane

    @property
    def is_gone(self) -> bool:
        """Whether its folder is no more: nothing is left to be held open."""
        return self._is_gone

    # --- opening and closing ------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Reads what there is, so that it can be shown."""
        lines = await self._house.disk(self._reading.open)
        if self.header is not None:
            self._conversation = begin(self.thread_id, self.header, lines, self.home.mark)
        self._audience.recall(lines, has_older=not self._reading.is_whole)
        if self._conversation.wants_lane:
            self.look()

    async def close(self) -> None:
        """Ends its run as `interrupted`, leaves what is waiting to the next server, frees every descriptor."""
        with contextlib.suppress(ChatError):  # a thread that has gone has nothing left to end
            await self._meet(events.Closed())
        if self._performance is not None:
            self._performance.stop("interrupted")
            await self._performance.finished()
        await self._mailbox.close()
        await self._house.disk(self._journal.close)

    async def create(self) -> bool:
        """Writes the header where nothing has been written yet; whether it did."""
        is_new: bool = await self._mailbox.ask(lambda: self._house.disk(self._reading.create))
        return is_new

    async def whole(self) -> None:
        """Returns when all its lines have been read, also those that other servers wrote. One `stat` where it has."""
        await self._mailbox.ask(self._look)

    # --- what people do -----------------------------------------------------------------------------------------------

    async def send(self, sent: events.Sent) -> Receipt:
        """Accepts a message. When this returns, it is on disk."""
        await self._meet(sent)
        return self._conversation.receipt(sent.message_id)

    async def regenerate(self, message_id: MessageId, run_id: RunId, visitor: str | None = None) -> Receipt:
        """Answers a message again, beside its earlier answers."""
        await self._meet(events.Regenerated(message_id, run_id, visitor))
        return self._conversation.receipt(message_id, run_id)

    async def answer(
        self, answers: Sequence[Mapping[str, Any]], run_id: RunId, asked_by: RunId | None, by: str
    ) -> Receipt:
        """Decides what a waiting run asks; `run_id` goes on from there. The first answer counts."""
        await self._meet(events.Answered(tuple(answers), run_id, asked_by, by))
        return self._conversation.receipt(self._conversation.runs[run_id].message_id, run_id)

    async def switch(self, run_id: RunId) -> RunId | None:
        """Turns to the branch through a run; the head it has then."""
        await self._meet(events.Switched(run_id))
        return self._conversation.head

    async def withdraw(self, message_id: MessageId) -> None:
        await self._meet(events.Withdrew(message_id))

    async def cancel(self, run_id: RunId | None = None) -> tuple[RunId, ...]:
        """Stops one run, or all that is running and waiting; the runs that end by it."""
        effects = await self._meet(events.Cancelled(run_id))
        return next((effect.run_ids for effect in effects if isinstance(effect, events.Stopping)), ())

    async def rename(self, title: str, seen_at: int | None = None) -> None:
        """Gives it a title; with `seen_at`, only if nobody has since line `seen_at` did."""
        await self._meet(events.Renamed(title, seen_at))

    async def change(self, event: events.Rebound | events.Consented | events.Imported) -> None:
        await self._meet(event)

    async def idle(self) -> None:
        """Returns when nothing runs or waits in it."""
        while self._conversation.is_busy:
            running = self._conversation.running
            await self.ended(running.run_id if running else self._conversation.queue[0].run_id)

    async def move(self, home: Home, move: Callable[[], bool]) -> bool:
        """Lives elsewhere from now on, once `move`, which may block, has brought it there; whether it does.

        Not while something runs in it: what a run works in stays where it is.
        """
        return await self._mailbox.ask(lambda: self._move(home, move))

    async def _move(self, home: Home, move: Callable[[], bool]) -> bool:
        if self._conversation.is_busy or not await self._house.disk(move):
            return False
        self.home = home
        self._conversation = moved(self._conversation, home.mark)
        self._telling.tell_move(self._conversation, home)
        return True

    async def delete(self, seen_at: int | None = None) -> None:
        """Nothing is accepted from now on; its folder goes to the trash when its last tool has finished.

        With `seen_at`, only if nothing was written since that line.
        """
        if self.header is None and self._conversation.seq == 0:
            raise ThreadDeleted(f"Thread {self.thread_id} has nothing to delete.")
        await self._meet(events.Deleted(seen_at))

    async def ended(self, run_id: RunId) -> str:
        """Waits for a run's end; its outcome."""
        return await self._endings.of(run_id, self._conversation)

    # --- who watches --------------------------------------------------------------------------------------------------

    def watch(self, viewer: Viewer, after: int = 0) -> Frame:
        """Adds a viewer; the `hello` to show it first. Nothing can happen between the two."""
        hello = self._hello(after)
        self._audience.add(viewer)
        return hello

    def listen(self, viewer: Viewer, after: int = 0) -> Frame:
        """As `watch`, for one who can be asked nothing: a program that only wants the answer."""
        hello = self._hello(after)
        self._audience.add_listener(viewer)
        return hello

    def _hello(self, after: int) -> Frame:
        if self._conversation.is_deleted:
            raise ThreadDeleted(f"Thread {self.thread_id} has been deleted.")
        thread = thread_record(self._conversation, self.header, self.home, is_saved=self._journal.is_saved)
        return self._telling.hello(self._conversation, after, {"thread": thread, **self._house.about(self.thread_id)})

    def introduce(self) -> None:
        """Tells who answers by default, which may be another than viewers were told."""
        self._audience.tell(news_frame("thread", {"agent": self._house.about(self.thread_id)["agent"]}))

    def unwatch(self, viewer: Viewer) -> None:
        self._audience.drop(viewer)
        self.idle_since = asyncio.get_running_loop().time()

    # --- the mailbox --------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Has a look, in its turn, at what other servers did, and takes the lane where there is work for it."""
        if not self._is_looking and not self._is_gone:
            self._is_looking = True
            self._mailbox.tell(self._look)

    async def _look(self) -> None:
        self._is_looking = False
        if not self.is_up_to_date or await self._house.disk(self._journal.has_news):
            await self._on_event(None)

    async def _meet(self, event: events.Event) -> tuple[events.Effect, ...]:
        return await self._mailbox.ask(lambda: self._on_event(event))

    def _later(self, job: Callable[[], None]) -> None:
        """Does something blocking with the journal, in its turn."""
        self._mailbox.tell(lambda: self._house.disk(job))

    async def _on_event(self, event: events.Event | None) -> tuple[events.Effect, ...]:
        now = self._house.now()
        settled: Settled = await self._house.disk(self._reading.settle, self._conversation, event, now)
        self._adopt(settled)
        if settled.refusal is not None:
            raise settled.refusal
        return settled.effects

    # --- what has happened --------------------------------------------------------------------------------------------

    def _adopt(self, settled: Settled) -> None:
        before, self._conversation = self._conversation, settled.conversation
        self._telling.tell(before, settled, self.home)
        for effect in settled.effects:
            self._act(effect)
        if settled.foreign or settled.anew is not None:
            self._leave_what_is_no_more_ours()
        if settled.anew is not None and not self._conversation.is_deleted:
            self._audience.tell(self._hello(UNKNOWN))
            self._house.on_change(self, True)
        if settled.own:
            self._house.on_change(self, is_urgent_for_lists(before, settled.conversation))
        if isinstance(settled.refusal, ThreadDeleted) and settled.is_gone:
            self._vanish(settled.refusal)

    def _leave_what_is_no_more_ours(self) -> None:
        """Stops an answer to which nobody listens any more: others ended its run, or it is in no transcript."""
        running = self._conversation.running if self._conversation.has_lane else None
        if self._performance is not None and (running is None or running.run_id != self._performance.run_id):
            self._performance.stop()

    def _vanish(self, why: ThreadDeleted) -> None:
        """Its folder has gone: nothing more will come, and nothing is made again."""
        self._is_gone = True
        self._conversation = replace(self._conversation, is_deleted=True, queue=(), running=None)
        self._telling.deleted(why)
        self._house.on_change(self, True)

    # --- effects ------------------------------------------------------------------------------------------------------

    def _act(self, effect: events.Effect) -> None:
        if isinstance(effect, events.Start):
            self._performance = Performance(self, effect.run_id, effect.model, self._house.perform)
        elif isinstance(effect, events.Stop):
            if self._performance is not None and self._performance.run_id == effect.run_id:
                self._performance.stop()
        elif isinstance(effect, events.Remove):
            self._later(self._remove)
            self._telling.deleted(ThreadDeleted(f"Thread {self.thread_id} has been deleted."))

    def _remove(self) -> None:
        """In a worker thread: to the trash with it."""
        self._journal.remove()
        self._is_gone = True

    # --- what its run does --------------------------------------------------------------------------------------------

    def hear(self, run_id: RunId, event: Mapping[str, Any]) -> None:
        """A piece of the run in flight; of any other run, nothing."""
        _, effects = step(self._conversation, events.Said(run_id, event), "")
        for effect in effects:
            if isinstance(effect, events.Show):
                self._telling.tell_piece(effect.event)
            else:
                self._act(effect)

    async def keep(self, run_id: RunId, message: Message) -> None:
        """A complete message of the run in flight."""
        await self._meet(events.Contributed(run_id, message))

    async def path_to(self, run_id: RunId) -> Sequence[Message]:
        """The messages an answer in this run goes on from."""
        page = await self._mailbox.ask(lambda: self._house.disk(self._journal.before, None, PATH_MESSAGES))
        messages = messages_to(page.lines, run_id)
        if not messages:
            raise MessageNotFound(f"Run {run_id} has no message to answer.")
        return messages

    async def end(self, run_id: RunId, ending: Ending) -> None:
        """The run is over. What it had begun and not completed is kept with its last line."""
        await self._mailbox.ask(lambda: self._on_event(self._ended(run_id, ending)))
        if self._performance is not None and self._performance.run_id == run_id:
            self._performance = None
        self.idle_since = asyncio.get_running_loop().time()

    def _ended(self, run_id: RunId, ending: Ending) -> events.Ended:
        """The end as it is in its turn: what was on its way to the disk when the run was stopped is kept by then."""
        said = self._telling.unfinished(run_id, ending.outcome)
        return events.Ended(run_id, ending.outcome, ending.usage, ending.error, said, ending.interrupts)
