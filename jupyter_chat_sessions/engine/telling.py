"""What is told of a thread as it happens: to its viewers, to the draft of its run, and to who waits for a run's end.

The rule kept here: a line is told once it is adopted, and what it means for the run in flight right after it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.conversation import Conversation
from ..core.errors import ThreadDeleted
from ..core.frames import Frame, asked_record, news_frame, queue_record, run_ended, run_started, tool_returned
from ..core.ids import RunId, ThreadId
from ..core.transcript import Header, Line, Message, MessageLine, Outcome, RunLine, StartLine
from .audience import Audience
from .draft import DraftWriter
from .endings import Endings
from .house import Home
from .settle import Settled


class Telling:
    """Tells what has been adopted. It decides nothing and keeps nothing but who listens."""

    def __init__(self, thread_id: ThreadId, audience: Audience, draft: DraftWriter, endings: Endings) -> None:
        self._thread_id = thread_id
        self._audience = audience
        self._draft = draft
        self._endings = endings

    def hello(self, now: Conversation, after: int, about: Mapping[str, Any]) -> Frame:
        """The frame that shows a new viewer everything it has missed since line `after`; `about` goes into it as is."""
        live = self._audience.live
        return Frame(
            {
                "kind": "hello",
                "seq": now.seq,
                **self._audience.lines_after(after),
                "run": live.snapshot() if live else None,
                "approvals": asked_record(now.asked),
                "queue": queue_record(now.queue),
                **about,
            }
        )

    def tell(self, before: Conversation, settled: Settled, home: Home) -> None:
        """Tells the lines of one decision, others' first, and what they changed besides."""
        now = settled.conversation
        if settled.anew is not None:
            self._begin_anew(settled.anew, settled)
        for line in (*settled.foreign, *settled.own):
            self._audience.tell_line(line)
            if isinstance(line, StartLine) and line in settled.own:
                self._begin_run(line)
            else:
                self._go_on_with_run(line, now)
            self._endings.hear(line, now)
        if before.queue != now.queue:
            self._audience.tell(news_frame("queue", {"queue": queue_record(now.queue)}))
        if before.title != now.title:
            self._audience.tell(news_frame("thread", {"title": now.title}))
        if before.consent != now.consent:
            self._audience.tell(news_frame("thread", {"reads_notebook": reads_notebook(now, home)}))

    def tell_move(self, now: Conversation, home: Home) -> None:
        """Tells where it lives now, and whether what runs in it reads the notebook's folder there."""
        self._audience.tell(news_frame("thread", {"folder": home.folder, "reads_notebook": reads_notebook(now, home)}))

    def _begin_anew(self, lines: Sequence[Line], settled: Settled) -> None:
        """The transcript is another one: what was told of the old one is forgotten. A run in flight may be in both."""
        now, live = settled.conversation, self._audience.live
        self._audience.recall(lines, has_older=False)
        ended_here = {line.run_id for line in settled.own if isinstance(line, RunLine)}
        run = now.runs.get(live.run_id) if live is not None else None
        if live is not None and (run is None or (run.outcome is not None and run.run_id not in ended_here)):
            self._audience.end_run()
            self._draft.end()
        self._endings.end_unknown(now)

    def _begin_run(self, line: StartLine) -> None:
        self._audience.begin_run(line.run_id)
        self._audience.tell_event(run_started(self._thread_id, line.run_id, line.parent_run_id))
        self._draft.begin(line.run_id, line.seq)

    def _go_on_with_run(self, line: Line, now: Conversation) -> None:
        """What a line means for the run in flight here. It is ours, also where a disk refused it and kept it."""
        audience = self._audience
        if isinstance(line, MessageLine) and audience.live and line.run_id == audience.live.run_id:
            if line.message["role"] == "tool":
                audience.live.close_tool_call(line.message.get("toolCallId", ""))
                audience.tell_event(tool_returned(line.message))
            else:
                audience.live.close_message()
            self._draft.begin(line.run_id, line.seq)
        elif isinstance(line, RunLine) and audience.live and line.run_id == audience.live.run_id:
            audience.tell_event(run_ended(self._thread_id, line, now.asked))
            audience.end_run()
            self._draft.end()

    def tell_piece(self, event: Mapping[str, Any]) -> None:
        """Tells a piece of the run in flight."""
        self._audience.tell_event(event)
        self._draft.add(event)

    def unfinished(self, run_id: RunId, outcome: Outcome) -> tuple[Message, ...]:
        """What the run has told and no line keeps yet, as messages to be kept with its last line."""
        live = self._audience.live
        why = "stopped" if outcome == "cancelled" else outcome
        return live.unfinished(why) if live and live.run_id == run_id else ()

    def deleted(self, why: ThreadDeleted) -> None:
        """Sends everyone home: the thread is no more."""
        self._audience.dismiss(why)
        self._endings.end_all()


def reads_notebook(now: Conversation, home: Home) -> bool:
    """Whether a person lets its tools read the notebook's folder, and meant this one."""
    return home.mark is not None and now.consent == home.mark


def thread_record(now: Conversation, header: Header | None, home: Home, *, is_saved: bool) -> dict[str, Any]:
    """The `thread` of a `hello` frame. `folder` is where it lives, relative to the server's root."""
    return {
        "thread_id": now.thread_id,
        "title": now.title,
        "notebook": now.notebook,
        "folder": home.folder,
        "created": header.created if header else None,
        "saved": is_saved,
        "read_only": bool(header and header.is_newer),
        "reads_notebook": reads_notebook(now, home),
    }


def is_urgent_for_lists(before: Conversation, now: Conversation) -> bool:
    """Whether lists of threads should show it at once: a new thread, a new name, a deletion; not one message more."""
    is_named_anew = (now.chosen_title, now.notebook) != (before.chosen_title, before.notebook)
    return now.is_deleted or is_named_anew or before.message_count == 0
