"""What a message costs the disk, from the send to the end of its answer: counted, not timed.

A real session over a real transcript, with the catalog beside it as a server has it.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from benchmarks.counters import Call, bytes_written, disk_calls, slope

from jupyter_chat_sessions.chats.catalog_notes import CatalogNotes
from jupyter_chat_sessions.core.events import Sent
from jupyter_chat_sessions.core.ids import MessageId, RunId, ThreadId, new_message_id, new_run_id, new_thread_id
from jupyter_chat_sessions.core.transcript import (
    Header,
    Line,
    MessageLine,
    RunLine,
    StartLine,
    encode,
    encode_header,
)
from jupyter_chat_sessions.engine.house import Home, House
from jupyter_chat_sessions.engine.session import Session
from jupyter_chat_sessions.engine.stage import Ending, Perform, Stage
from jupyter_chat_sessions.files.chats_folder import ChatsFolder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are named by /proc")

AT = "2026-11-21T10:00:00.000Z"
TURNS = [10, 100, 1000, 3000]
WORDS = "word " * 200
ANSWER = "piece " * 400  # more than the 4 kB of pieces, each with its frame, after which a draft is written


async def answers_in_pieces(stage: Stage) -> Ending:
    assert (await stage.path())[-1]["content"] == WORDS
    message_id = new_message_id()
    stage.say({"type": "TEXT_MESSAGE_START", "messageId": message_id, "role": "assistant"})
    for piece in ANSWER.split():
        stage.say({"type": "TEXT_MESSAGE_CONTENT", "messageId": message_id, "delta": f"{piece} "})
        await asyncio.sleep(0)
    await stage.contribute({"id": message_id, "role": "assistant", "content": ANSWER})
    return Ending("success")


class AnswersWhenTold:
    """Waits before it answers, so that what the acceptance cost can be counted by itself."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def __call__(self, stage: Stage) -> Ending:
        await self.go_on.wait()
        return await answers_in_pieces(stage)


def transcript_of(thread_id: ThreadId, turns: int) -> bytes:
    """A transcript of so many turns, as this package writes it."""
    lines: list[Line] = []
    parent: RunId | None = None
    for number in range(turns):
        run_id, seq = new_run_id(), 4 * number + 1
        asked, said = MessageId(f"question-{number}"), new_message_id()
        lines += [
            MessageLine(seq, AT, {"id": asked, "role": "user", "content": WORDS}, run_id),
            StartLine(seq + 1, AT, run_id, asked, parent),
            MessageLine(seq + 2, AT, {"id": said, "role": "assistant", "content": ANSWER}, run_id),
            RunLine(seq + 3, AT, run_id, "success"),
        ]
        parent = run_id
    return encode_header(Header(thread_id, AT, "report.ipynb")) + b"".join(map(encode, lines))


@asynccontextmanager
async def opened(
    beside: Path, perform: Perform, turns: int = 0, disk: Callable[..., Awaitable[Any]] = asyncio.to_thread
) -> AsyncIterator[tuple[Session, CatalogNotes]]:
    """A session on a thread that has so many turns, and what a server writes into its catalog."""
    thread_id = new_thread_id()
    chats = ChatsFolder(beside / ".chats")
    if turns:
        (chats.path / thread_id).mkdir(parents=True)
        (chats.path / thread_id / "chat.jsonl").write_bytes(transcript_of(thread_id, turns))
        (chats.path / ".gitignore").touch()
    notes = CatalogNotes(asyncio.to_thread, lambda chats_folder, version: None)

    def on_change(session: Session, is_urgent: bool) -> None:
        notes.note(chats, session.conversation, AT, is_urgent)

    house = House(disk, lambda: AT, perform, about=lambda _: {}, on_change=on_change)
    home = Home("", chats.files(thread_id), file_url=lambda path: path)
    session = Session(chats.journal(thread_id, "report.ipynb"), house, home)
    await session.open()
    try:
        yield session, notes
    finally:
        await session.close()
        await notes.flush()


def a_message() -> Sent:
    return Sent(MessageId(str(new_run_id())), WORDS, new_run_id(), "queue")


async def one_turn(session: Session, notes: CatalogNotes) -> None:
    """From the send until the answer has ended and the list of threads shows it."""
    receipt = await session.send(a_message())
    assert await session.ended(receipt.run_id) == "success"
    await notes.flush()


def named(calls: Sequence[Call], name: str) -> list[Call]:
    return [call for call in calls if call.path.name == name]


def syncs(calls: Sequence[Call]) -> list[str]:
    return [call.path.name for call in calls if call.is_sync]


async def cost_of_a_turn(beside: Path, turns: int) -> list[Call]:
    async with opened(beside, answers_in_pieces, turns) as (session, notes):
        await one_turn(session, notes)  # the first reads the whole transcript, once
        with disk_calls(beside) as calls:
            await one_turn(session, notes)
    return calls


async def test_a_turn_costs_the_same_after_ten_turns_and_after_three_thousand(tmp_path: Path) -> None:
    costs = []
    for turns in TURNS:
        (tmp_path / str(turns)).mkdir()
        costs.append(await cost_of_a_turn(tmp_path / str(turns), turns))
    drafts = [bytes_written(named(cost, "draft.jsonl")) for cost in costs]
    assert max(drafts) <= 200 * len(ANSWER.split()), "how many of the pieces get there is a matter of time"
    written = [bytes_written(cost) - draft for cost, draft in zip(costs, drafts, strict=True)]
    assert all(size > len(WORDS) + len(ANSWER) for size in written)
    assert slope(TURNS, written) <= 0.05, written
    lines = [bytes_written(named(cost, "chat.jsonl")) for cost in costs]
    assert slope(TURNS, lines) <= 0.005, lines
    assert max(lines) <= 1.2 * (len(WORDS) + len(ANSWER)) + 1000, "bytes beside the words themselves"
    assert [syncs(cost) for cost in costs] == [["chat.jsonl"] * 2] * len(TURNS)


async def test_a_message_and_the_start_of_its_answer_are_one_write_and_one_sync(tmp_path: Path) -> None:
    perform = AnswersWhenTold()
    async with opened(tmp_path, perform, turns=10) as (session, notes):
        with disk_calls(tmp_path) as calls:
            receipt = await session.send(a_message())
            accepted = named(calls, "chat.jsonl")
            assert len([call for call in accepted if call.is_write]) == 1
            assert [call.name for call in accepted if call.is_write or call.is_sync][-1] in ("fdatasync", "fsync")
            assert syncs(calls) == ["chat.jsonl"]
            perform.go_on.set()
            await session.ended(receipt.run_id)
            await notes.flush()
        assert syncs(calls) == ["chat.jsonl"] * 2, "one more, at the end of the answer"


async def test_the_catalog_and_the_draft_are_written_and_never_synced(tmp_path: Path) -> None:
    async with opened(tmp_path, answers_in_pieces, turns=10) as (session, notes):
        with disk_calls(tmp_path) as calls:
            await one_turn(session, notes)
    written = {call.path.name for call in calls if call.is_write}
    assert "draft.jsonl" in written
    assert (tmp_path / ".chats" / "catalog.json").is_file()
    assert len(written - {"draft.jsonl", "chat.jsonl"}) >= 1, "the catalog, under the name it has until it is whole"
    assert set(syncs(calls)) == {"chat.jsonl"}


async def test_a_new_thread_syncs_the_folders_that_lead_to_it_once(tmp_path: Path) -> None:
    async with opened(tmp_path, answers_in_pieces) as (session, notes):
        with disk_calls(tmp_path) as first:
            await one_turn(session, notes)
        with disk_calls(tmp_path) as second:
            await one_turn(session, notes)
    folders = [call for call in first if call.name == "fsync"]
    assert {call.path for call in folders} >= {tmp_path, tmp_path / ".chats", tmp_path / ".chats" / session.thread_id}
    assert len(folders) <= 4
    assert syncs(second) == ["chat.jsonl"] * 2


async def test_every_byte_of_a_transcript_is_written_once(tmp_path: Path) -> None:
    async with opened(tmp_path, answers_in_pieces, turns=10) as (session, notes):
        transcript = tmp_path / ".chats" / session.thread_id / "chat.jsonl"
        before = transcript.stat().st_size
        with disk_calls(tmp_path) as calls:
            for _ in range(5):
                await one_turn(session, notes)
        assert bytes_written(named(calls, "chat.jsonl")) == transcript.stat().st_size - before
