"""Short ways to say what stands in a transcript, for the tests of this folder."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path

from jupyter_chat_sessions.core.ids import MessageId, RunId, ThreadId, new_thread_id
from jupyter_chat_sessions.core.roles import Writing
from jupyter_chat_sessions.core.transcript import HeadLine, Line, MessageLine, RunLine, StartLine, TitleLine
from jupyter_chat_sessions.files.journal import FileJournal

AT = "2026-11-21T10:00:00.000Z"

Make = Callable[[int], Line]


def fixed_clock() -> str:
    return AT


def run_id(name: object) -> RunId:
    return RunId(str(uuid.uuid5(uuid.NAMESPACE_OID, f"run {name}")))


def asked(name: str, text: str = "", run: object = None) -> Make:
    """A person's message that run `run` (or the one of its own name) is to answer."""
    message = {"id": name, "role": "user", "content": text or name}
    return lambda seq: MessageLine(seq, AT, message, run_id(name if run is None else run))


def said(run: object, text: str, role: str = "assistant") -> Make:
    message = {"id": f"msg_{run}_{text}", "role": role, "content": text}
    return lambda seq: MessageLine(seq, AT, message, run_id(run))


def started(run: object, message: str, parent: object = None) -> Make:
    above = None if parent is None else run_id(parent)
    return lambda seq: StartLine(seq, AT, run_id(run), MessageId(message), above)


def ended(run: object) -> Make:
    return lambda seq: RunLine(seq, AT, run_id(run), "success")


def headed(run: object) -> Make:
    return lambda seq: HeadLine(seq, AT, None if run is None else run_id(run))


def titled(title: str) -> Make:
    return lambda seq: TitleLine(seq, AT, title)


def turn(number: int, words: str = "words") -> list[Make]:
    """One question with its answer, after the turn before it."""
    parent = number - 1 if number > 1 else None
    question = f"question-{number}"
    return [
        asked(question, words, run=number),
        started(number, question, parent),
        said(number, f"answer-{number}"),
        ended(number),
    ]


class Writer:
    """Appends with the right numbers, as a session would: it knows the newest line it has seen."""

    def __init__(self, journal: FileJournal) -> None:
        self.journal = journal
        self.seen: list[Line] = []

    def append(self, *makes: Make, is_synced: bool = False) -> list[Line]:
        written: list[Line] = []

        def decide(news: tuple[Line, ...]) -> Writing:
            self.seen += news
            last = max((line.seq for line in self.seen), default=0)
            written.extend(make(last + place) for place, make in enumerate(makes, 1))
            return Writing(tuple(written), is_synced)

        self.journal.transact(decide)
        self.seen += written
        return written

    def look(self) -> tuple[Line, ...]:
        """What others have written since."""
        news: list[tuple[Line, ...]] = []

        def decide(lines: tuple[Line, ...]) -> Writing:
            news.append(lines)
            return Writing(())

        self.journal.transact(decide)
        self.seen += news[0]
        return news[0]


def journal_in(chats: Path, thread_id: ThreadId | None = None) -> FileJournal:
    thread_id = thread_id or new_thread_id()
    return FileJournal(chats / thread_id, thread_id, "report.ipynb", clock=fixed_clock)


def writer_in(chats: Path, thread_id: ThreadId | None = None) -> Writer:
    return Writer(journal_in(chats, thread_id))


def transcript_of(journal: FileJournal, chats: Path) -> Path:
    return chats / journal.thread_id / "chat.jsonl"


def thread_with_bytes(chats: Path, data: bytes, thread_id: ThreadId | None = None) -> FileJournal:
    """A thread whose transcript holds exactly these bytes."""
    journal = journal_in(chats, thread_id)
    transcript_of(journal, chats).parent.mkdir(parents=True)
    transcript_of(journal, chats).write_bytes(data)
    return journal


def header_bytes(guid: str, **others: object) -> bytes:
    header = {"type": "header", "schema_version": 1, "guid": guid, "created": AT, "notebook": None, **others}
    return json.dumps(header).encode() + b"\n"


def older_file(thread_id: ThreadId, turns: int) -> bytes:
    """A file of the older layout: a header with `pipeline_id` and `turn` lines, two forms of timestamps."""
    lines = [header_bytes(thread_id, pipeline_id="p-1", created="2025-03-01T09:00:00+00:00")]
    for seq in range(1, turns + 1):
        record = {
            "type": "turn",
            "seq": seq,
            "created": "2025-03-01T09:00:00Z" if seq % 2 else "2025-03-01T09:00:00+00:00",
            "question": {"questions": [{"text": f"question {seq}"}]},
            "answer": {"answers": [f"answer {seq}.{place}" for place in range(3)]},
        }
        lines.append(json.dumps(record).encode() + b"\n")
    return b"".join(lines)
