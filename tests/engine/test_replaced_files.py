"""Files that other programs put in the place of a thread's, heeding no lock: synced folders, checkouts, editors.

What stands on disk is the truth. A run goes on in it where it began in it; where it did not, it is stopped; nobody who
has the thread open is left with a chat that takes nothing any more.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from stage_kit import Held, Seen, a_message, echoes, opened, until

from jupyter_chat_sessions.core.errors import StorageFailed, Unreadable
from jupyter_chat_sessions.core.ids import RunId, ThreadId, new_thread_id
from jupyter_chat_sessions.core.transcript import MessageLine, RunLine
from jupyter_chat_sessions.engine import performance
from jupyter_chat_sessions.engine.session import Session
from jupyter_chat_sessions.engine.stage import Ending, Stage


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performance, "DISK_RETRY_S", 0.01)


@pytest.fixture
def thread_id() -> ThreadId:
    return new_thread_id()


@pytest.fixture
def path(tmp_path: Path, thread_id: ThreadId) -> Path:
    return tmp_path / ".chats" / thread_id / "chat.jsonl"


def _put(path: Path, data: bytes) -> None:
    """As programs that sync do: written beside, then renamed over it."""
    path.with_name("theirs").write_bytes(data)
    path.with_name("theirs").rename(path)


def _bytes(path: Path) -> bytes:
    return path.read_bytes()


def _write(path: Path, data: bytes) -> None:
    """In its place, as editors do."""
    path.write_bytes(data)


def _said(session: Session) -> list[str]:
    return [line.message["content"] for line in session.journal.tail(99).lines if isinstance(line, MessageLine)]


def _outcomes(session: Session) -> list[str]:
    return [line.outcome for line in session.journal.tail(99).lines if isinstance(line, RunLine)]


async def _answered(session: Session, words: str) -> RunId:
    run_id = (await session.send(a_message(words))).run_id
    assert await asyncio.wait_for(session.ended(run_id), 30) == "success"
    return run_id


async def test_an_older_transcript_put_back_while_it_is_open_is_shown_to_everyone_and_goes_on(
    tmp_path: Path, thread_id: ThreadId, path: Path
) -> None:
    async with opened(echoes, folder=tmp_path, thread_id=thread_id) as session:
        seen = Seen()
        session.watch(seen)
        await _answered(session, "one")
        older = _bytes(path)
        await _answered(session, "two")
        _put(path, older)
        await until(lambda: session.look() or session.conversation.seq == 4)
        hello = seen.frames[-1]
        assert (hello["kind"], hello["reset"], hello["seq"]) == ("hello", True, 4)
        assert [line["seq"] for line in hello["lines"]] == [1, 2, 3, 4]
        await _answered(session, "three")
        assert _bytes(path).startswith(older)
        assert _said(session) == ["one", "one", "three", "three"]
        assert [line["seq"] for line in seen.lines()][-4:] == [5, 6, 7, 8]


async def test_a_message_that_finds_another_transcript_there_is_accepted_in_it(
    tmp_path: Path, thread_id: ThreadId, path: Path
) -> None:
    async with opened(echoes, folder=tmp_path, thread_id=thread_id) as session:
        await _answered(session, "one")
        older = _bytes(path)
        lost = await session.send(a_message("two", message_id="two"))
        await session.ended(lost.run_id)
        _put(path, older)
        again = await session.send(a_message("two", message_id="two"))
        assert await session.ended(again.run_id) == "success"
        assert _said(session) == ["one", "one", "two", "two"]


async def test_a_run_goes_on_in_the_transcript_that_was_put_there_if_it_began_in_it(
    tmp_path: Path, thread_id: ThreadId, path: Path
) -> None:
    held = Held("some ", "words")
    async with opened(held, folder=tmp_path, thread_id=thread_id) as session:
        run_id = (await session.send(a_message("one"))).run_id
        await held.began.wait()
        begun = _bytes(path)
        await session.rename("Named by us")
        seen = Seen()
        session.watch(seen)
        _put(path, begun)
        held.let_go.set()
        assert await asyncio.wait_for(session.ended(run_id), 30) == "success"
        assert (_said(session), _outcomes(session)) == (["one", "some words"], ["success"])
        assert [hello["reset"] for hello in seen.frames if hello["kind"] == "hello"] == [True]
        assert seen.events("RUN_FINISHED")
        await _answered(session, "two")


async def test_a_run_that_is_in_no_transcript_any_more_is_stopped_and_who_waits_for_it_is_told(
    tmp_path: Path, thread_id: ThreadId, path: Path
) -> None:
    held = Held("x")
    async with opened(echoes, folder=tmp_path, thread_id=thread_id) as other:
        await _answered(other, "one")
    older = _bytes(path)
    async with opened(held, folder=tmp_path, thread_id=thread_id) as session:
        waiting = asyncio.ensure_future(session.ended((await session.send(a_message("two"))).run_id))
        await held.began.wait()
        _put(path, older)
        await until(lambda: session.look() or held.was_cancelled)
        assert await asyncio.wait_for(waiting, 30) == "cancelled"
        assert not session.conversation.is_busy
        assert session._audience.live is None
        held.let_go.set()
        await _answered(session, "three")
        assert _said(session) == ["one", "one", "three", "x"]


@pytest.mark.parametrize("is_whole_again", [True, False])
async def test_an_answer_that_ends_while_its_transcript_cannot_be_read_is_kept_once_it_can(
    tmp_path: Path, thread_id: ThreadId, path: Path, is_whole_again: bool
) -> None:
    """An editor empties a file before it writes it."""
    held = Held("x")
    async with opened(held, folder=tmp_path, thread_id=thread_id) as session:
        run_id = (await session.send(a_message("one"))).run_id
        await held.began.wait()
        await session.rename("A title")
        there = _bytes(path)
        _write(path, b"")
        held.let_go.set()
        with pytest.raises(Unreadable):
            await session.rename("Another")
        _write(path, there if is_whole_again else b"".join(there.splitlines(keepends=True)[:3]))
        outcome = await asyncio.wait_for(session.ended(run_id), 30)
        assert outcome in ("success", "error")  # an answer may be refused in its middle; its words are kept
        assert _said(session) == ["one", "x"]


async def test_a_line_written_while_the_transcript_was_replaced_is_not_told_as_kept(
    tmp_path: Path, thread_id: ThreadId, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(echoes, folder=tmp_path, thread_id=thread_id) as session:
        await _answered(session, "one")
        before, sync = _bytes(path), os.fdatasync

        def replaced_meanwhile(fd: int) -> None:
            sync(fd)
            monkeypatch.setattr(os, "fdatasync", sync)
            _put(path, before)

        monkeypatch.setattr(os, "fdatasync", replaced_meanwhile)
        with pytest.raises(StorageFailed, match="took the transcript's place"):
            await session.send(a_message("two", message_id="two"))
        assert b"two" not in _bytes(path)
        run_id = (await session.send(a_message("two", message_id="two"))).run_id
        assert await asyncio.wait_for(session.ended(run_id), 30) == "success"
        assert _said(session) == ["one", "one", "two", "two"]


async def test_an_answer_whose_lane_was_taken_away_stops_when_another_server_has_ended_its_run(
    tmp_path: Path, thread_id: ThreadId, path: Path
) -> None:
    """`git clean -X` takes the files away that are not to be committed, the lane among them."""
    steps: list[int] = []
    has_stopped = asyncio.Event()

    async def acts_on_and_on(stage: Stage) -> Ending:
        try:
            while True:
                await stage.contribute({"id": f"m{len(steps)}", "role": "assistant", "content": "step"})
                steps.append(1)
                await asyncio.sleep(0.005)
        finally:
            has_stopped.set()

    async with opened(acts_on_and_on, folder=tmp_path, thread_id=thread_id) as ours:
        seen = Seen()
        ours.watch(seen)
        run_id = (await ours.send(a_message("one"))).run_id
        await until(lambda: len(steps) > 2)
        path.with_name("lane").unlink()
        async with opened(echoes, folder=tmp_path, thread_id=thread_id) as theirs:
            await until(lambda: theirs.look() or not theirs.conversation.is_busy)
            assert await asyncio.wait_for(ours.ended(run_id), 30) == "interrupted"
            await asyncio.wait_for(has_stopped.wait(), 30)
            acted = len(steps)
            kept = sum(words == "step" for words in _said(theirs))
            assert acted <= kept + 1, "it acts on although nothing it does is kept"
            await asyncio.wait_for(theirs.ended((await theirs.send(a_message("two"))).run_id), 30)
            assert len(steps) == acted
            assert _outcomes(theirs) == ["interrupted", "success"]
            lines = theirs.journal.tail(999).lines
            assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
            await until(lambda: ours.look() or ours.conversation.seq == lines[-1].seq)
            assert [line["seq"] for line in seen.lines()] == [line.seq for line in lines]


async def test_files_that_conflict_beside_a_transcript_are_left_alone(
    tmp_path: Path, thread_id: ThreadId, path: Path
) -> None:
    async with opened(echoes, folder=tmp_path, thread_id=thread_id) as session:
        await _answered(session, "one")
        for name in ("chat (1).jsonl", "chat.sync-conflict-20261121.jsonl", ".chat.jsonl.swp"):
            _write(path.with_name(name), _bytes(path))
        _put(path, _bytes(path))
        await _answered(session, "two")
        assert _said(session) == ["one", "one", "two", "two"]
