"""A disk that refuses a write and keeps it all the same, a draft nobody here wrote, a folder that is only read."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from stage_kit import Held, Seen, a_message, echoes, opened, until

from jupyter_chat_sessions.core.errors import ReadOnly, StorageFailed
from jupyter_chat_sessions.core.ids import new_run_id, new_thread_id
from jupyter_chat_sessions.core.transcript import Line, RunLine, StartLine
from jupyter_chat_sessions.engine import performance
from jupyter_chat_sessions.files.journal import FileJournal


def _outcomes(lines: tuple[Line, ...]) -> list[str]:
    return [line.outcome for line in lines if isinstance(line, RunLine)]


def _refuse(*_: object) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


async def test_a_start_that_was_refused_and_kept_is_ended_and_the_thread_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performance, "DISK_RETRY_S", 0.01)
    held = Held("x")
    async with opened(held, folder=tmp_path) as session:
        seen = Seen()
        session.watch(seen)
        first = await session.send(a_message("one"))
        second = await session.send(a_message("two"))
        await held.began.wait()
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", _refuse)
            patch.setattr(os, "ftruncate", _refuse)
            held.let_go.set()
            await until(lambda: session.journal.tail(1).lines[-1].seq > session.conversation.seq)
        assert await session.ended(first.run_id) in ("success", "error")
        assert await session.ended(second.run_id) == "interrupted"
        held.let_go.set()
        third = await session.send(a_message("three"))
        assert await session.ended(third.run_id) == "success"
        lines = session.journal.tail(99).lines
        assert len(_outcomes(lines)) == sum(isinstance(line, StartLine) for line in lines) == 3
        assert [line["seq"] for line in seen.lines()] == [line.seq for line in lines]
        assert session._audience.live is None


async def test_a_start_that_was_refused_and_kept_is_ended_also_where_the_next_write_is_refused_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(performance, "DISK_RETRY_S", 0.01)
    held = Held("x")
    async with opened(held, folder=tmp_path) as session:
        await session.send(a_message("one"))
        second = await session.send(a_message("two"))
        await held.began.wait()
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", _refuse)
            with monkeypatch.context() as kept:
                kept.setattr(os, "ftruncate", _refuse)
                held.let_go.set()
                await until(lambda: session.journal.tail(1).lines[-1].seq > session.conversation.seq)
            with pytest.raises(StorageFailed):
                await session.rename("refused, and taken back")
        await until(lambda: session.look() or not session.conversation.is_busy)
        assert await session.ended(second.run_id) == "interrupted"
        third = await session.send(a_message("three"))
        assert await session.ended(third.run_id) == "success"


@pytest.mark.parametrize("event", [{}, {"type": "TEXT_MESSAGE_CONTENT"}, {"type": "CUSTOM", "name": 1, "value": 2}])
async def test_a_draft_with_events_of_another_shape_stops_no_thread(tmp_path: Path, event: object) -> None:
    thread_id, run_id = new_thread_id(), new_run_id()
    journal = FileJournal(tmp_path / ".chats" / thread_id, thread_id)
    async with opened(Held(), journal) as session:
        run_id = (await session.send(a_message())).run_id
        copied = (tmp_path / ".chats" / thread_id / "chat.jsonl").read_bytes()
    (tmp_path / ".chats" / thread_id / "chat.jsonl").write_bytes(copied)
    words = {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": "words"}
    records = ({"run_id": run_id, "after_seq": 2}, event, words)
    draft = "".join(json.dumps(record) + "\n" for record in records)
    (tmp_path / ".chats" / thread_id / "draft.jsonl").write_text(draft)
    async with opened(echoes, folder=tmp_path, thread_id=thread_id) as session:
        await until(lambda: session.look() or not session.conversation.is_busy)
        assert _outcomes(session.journal.tail(99).lines) == ["interrupted"]
        assert session.conversation.last_words == "words"


async def test_a_draft_that_could_not_be_begun_is_written_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held("some ", "words")
    async with opened(held, folder=tmp_path) as session:
        refused: list[int] = []
        draft_as_ever = session.journal.draft

        def draft(*arguments: Any) -> None:
            if not refused:
                refused.append(1)
                raise StorageFailed("full")
            draft_as_ever(*arguments)

        monkeypatch.setattr(session.journal, "draft", draft)
        await session.send(a_message())

        def drafted() -> list[object]:
            draft = session.journal.read_draft()
            return [] if draft is None else [event.get("delta") for event in draft.events]

        await until(lambda: drafted() == [None, "some words"])
        assert refused


async def test_who_may_only_read_the_folder_watches_another_servers_run_and_sees_its_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread_id, held = new_thread_id(), Held("x")
    async with opened(held, folder=tmp_path, thread_id=thread_id) as ours:
        first = await ours.send(a_message())
        await held.began.wait()
        journal = FileJournal(tmp_path / ".chats" / thread_id, thread_id)

        def take_lane() -> bool:
            raise ReadOnly("only read")

        monkeypatch.setattr(journal, "take_lane", take_lane)
        async with opened(echoes, journal) as theirs:
            seen = Seen()
            theirs.watch(seen)
            assert theirs.conversation.running is not None
            held.let_go.set()
            await ours.ended(first.run_id)
            await until(lambda: theirs.look() or not theirs.conversation.is_busy)
            assert [line["seq"] for line in seen.lines()][-1] == 4
