"""Short jobs of many threads on the disk: few errands, each thread's failure its own, no folder held up by another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from stage_kit import Held, a_message, house, until

from jupyter_chat_sessions.core.errors import DiskFull
from jupyter_chat_sessions.core.ids import new_thread_id
from jupyter_chat_sessions.engine import sessions as sessions_module
from jupyter_chat_sessions.engine.gathered import Gathered
from jupyter_chat_sessions.engine.house import Home
from jupyter_chat_sessions.engine.pieces import joined
from jupyter_chat_sessions.engine.session import Session
from jupyter_chat_sessions.engine.sessions import Sessions
from jupyter_chat_sessions.files.journal import FileJournal


class CountedDisk:
    """Worker threads, and what they were sent for."""

    def __init__(self) -> None:
        self.errands: list[str] = []

    async def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        self.errands.append(getattr(function, "__name__", type(function).__name__))
        return await asyncio.to_thread(function, *arguments)


async def test_jobs_of_one_folder_that_come_together_are_one_errand_in_their_order() -> None:
    disk, done = CountedDisk(), list[int]()
    gathered = Gathered(disk)
    await asyncio.gather(*(gathered("analysis", partial(done.append, number)) for number in range(100)))
    assert done == list(range(100))
    assert len(disk.errands) == 1


async def test_jobs_that_come_while_an_errand_is_away_are_the_next_one() -> None:
    disk, is_away, may_return = CountedDisk(), asyncio.Event(), threading.Event()
    gathered, loop, done = Gathered(disk), asyncio.get_running_loop(), list[int]()

    def waits() -> None:
        loop.call_soon_threadsafe(is_away.set)
        assert may_return.wait(10)

    first = asyncio.ensure_future(gathered("analysis", waits))
    await is_away.wait()
    others = [asyncio.ensure_future(gathered("analysis", partial(done.append, number))) for number in range(10)]
    await asyncio.sleep(0)
    may_return.set()
    await asyncio.gather(first, *others)
    assert done == list(range(10))
    assert len(disk.errands) == 2


async def test_a_job_that_fails_fails_alone() -> None:
    gathered, done = Gathered(asyncio.to_thread), list[str]()

    def fails() -> None:
        raise DiskFull("no room")

    jobs = (lambda: done.append("before"), fails, lambda: done.append("after"))
    found = await asyncio.gather(*(gathered("analysis", job) for job in jobs), return_exceptions=True)
    assert [type(each) for each in found] == [type(None), DiskFull, type(None)]
    assert done == ["before", "after"]


async def test_a_folder_whose_disk_hangs_holds_up_no_other() -> None:
    gathered, is_mended, done = Gathered(asyncio.to_thread), threading.Event(), list[str]()
    hanging = asyncio.ensure_future(gathered("far away", lambda: is_mended.wait(10)))
    await asyncio.wait_for(gathered("here", lambda: done.append("here")), 10)
    assert done == ["here"]
    assert not hanging.done()
    is_mended.set()
    await hanging


async def test_where_there_is_no_worker_thread_any_more_everyone_is_told() -> None:
    async def refuses(function: Callable[..., Any], *arguments: Any) -> Any:
        raise RuntimeError("cannot schedule new futures after shutdown")

    gathered = Gathered(refuses)
    found = await asyncio.gather(*(gathered("analysis", lambda: None) for _ in range(3)), return_exceptions=True)
    assert [type(each) for each in found] == [RuntimeError] * 3


async def test_who_asked_may_go_away_and_the_job_is_done_all_the_same() -> None:
    gathered, done = Gathered(asyncio.to_thread), list[str]()
    gone = asyncio.ensure_future(gathered("analysis", lambda: done.append("one")))
    stays = asyncio.ensure_future(gathered("analysis", lambda: done.append("two")))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    assert done == ["one", "two"]


def test_a_draft_says_the_same_in_fewer_events() -> None:
    def delta(words: str, message_id: str = "a") -> dict[str, Any]:
        return {"type": "TEXT_MESSAGE_CONTENT", "messageId": message_id, "delta": words}

    end = {"type": "TEXT_MESSAGE_END", "messageId": "a"}
    said = [delta("one "), delta("two "), end, end, delta("three ", "b"), delta("four", "b"), delta("five")]
    assert joined(said) == [delta("one two "), end, end, delta("three four", "b"), delta("five")]
    assert joined([]) == []


async def test_busy_threads_are_looked_at_together_and_only_news_takes_a_turn_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_module, "BUSY_LOOK_S", 0.01)
    disk = CountedDisk()
    registry = Sessions(disk=disk)
    held = Held("x")

    def make(journal: FileJournal) -> Session:
        return Session(journal, house(held), Home(folder="", files=Path("files"), file_url=str))

    journals = [FileJournal(tmp_path / ".chats" / each, each) for each in (new_thread_id() for _ in range(20))]
    sessions = [await registry.get(each.thread_id, partial(make, each)) for each in journals]
    for session in sessions:
        await session.send(a_message())
    turns = list[Session]()
    for session in sessions:
        monkeypatch.setattr(session, "look", partial(turns.append, session))
    seen = len(disk.errands)
    await until(lambda: len(disk.errands) >= seen + 5)
    assert set(disk.errands) == {"_with_news"}, "no errand of a single thread"
    assert not turns
    with (tmp_path / ".chats" / sessions[7].thread_id / "chat.jsonl").open("ab") as transcript:
        transcript.write(b"\n")
    await until(lambda: bool(turns))
    assert set(turns) == {sessions[7]}
    monkeypatch.undo()
    held.let_go.set()
    await registry.close()
