"""A session: what is on disk when, who is told what, and what stops."""

from __future__ import annotations

import asyncio
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from stage_kit import Held, Refusing, Seen, a_message, echoes, opened, says, text_of_hello, until

from jupyter_chat_sessions.core.errors import DiskFull, RunInProgress, ThreadDeleted
from jupyter_chat_sessions.core.ids import new_thread_id
from jupyter_chat_sessions.core.roles import Journal
from jupyter_chat_sessions.core.transcript import MessageLine, RunLine
from jupyter_chat_sessions.engine import performance
from jupyter_chat_sessions.engine.stage import Ending, Stage
from jupyter_chat_sessions.files.journal import FileJournal
from jupyter_chat_sessions.files.memory import MemoryJournal


def on_disk(folder: Path, thread_id: Any) -> list[str]:
    lines = FileJournal(folder / ".chats" / thread_id, thread_id).read()
    return [type(line).__name__ for line in lines]


async def test_a_message_is_on_disk_when_send_returns_and_before_anyone_answers(tmp_path: Path) -> None:
    thread_id = new_thread_id()
    found: list[list[str]] = []

    async def looks(stage: Stage) -> Ending:
        found.append(on_disk(tmp_path, thread_id))
        return Ending("success")

    async with opened(looks, folder=tmp_path, thread_id=thread_id) as session:
        receipt = await session.send(a_message())
        assert on_disk(tmp_path, thread_id)[:2] == ["MessageLine", "StartLine"]
        assert await session.ended(receipt.run_id) == "success"
    assert found == [["MessageLine", "StartLine"]]


async def test_an_end_is_on_disk_before_it_is_told(tmp_path: Path) -> None:
    thread_id = new_thread_id()
    known: list[str] = []

    class Checks(Seen):
        def tell(self, frame: Any) -> None:
            if frame.body.get("event", {}).get("type") == "RUN_FINISHED":
                known.extend(on_disk(tmp_path, thread_id))

    async with opened(echoes, folder=tmp_path, thread_id=thread_id) as session:
        session.watch(Checks())
        await session.ended((await session.send(a_message())).run_id)
    assert known == ["MessageLine", "StartLine", "MessageLine", "RunLine"]


async def test_when_the_disk_refuses_nothing_has_happened_and_the_same_message_may_come_again() -> None:
    journal = Refusing(MemoryJournal(new_thread_id()))
    async with opened(echoes, journal) as session:
        seen = Seen()
        session.watch(seen)
        journal.refusal = DiskFull("full")
        message = a_message()
        with pytest.raises(DiskFull):
            await session.send(message)
        assert (session.conversation.seq, session.conversation.queue, seen.frames) == (0, (), [])
        journal.refusal = None
        assert await session.ended((await session.send(message)).run_id) == "success"


class Holding(Refusing):
    """A journal whose disk, once it is slow, does each thing when the test lets it."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(journal)
        self.is_slow = False
        self.begun, self.allowed = threading.Semaphore(0), threading.Semaphore(0)

    def transact(self, decide: Any) -> None:
        if self.is_slow:
            self.begun.release()
            assert self.allowed.acquire(timeout=30)
        super().transact(decide)

    async def begins(self) -> None:
        """Returns when the next thing has been begun, and what the loop had to do meanwhile is done."""
        assert await asyncio.to_thread(self.begun.acquire, timeout=30)
        for _ in range(20):
            await asyncio.sleep(0)


async def test_what_is_being_kept_when_its_run_is_stopped_is_kept_once() -> None:
    journal, held = Holding(MemoryJournal(new_thread_id())), Held("words")
    async with opened(held, journal) as session:
        receipt = await session.send(a_message())
        await held.began.wait()
        journal.is_slow = True
        cancelling = asyncio.ensure_future(session.cancel())
        await journal.begins()
        held.let_go.set()  # what it has said whole is to be kept, behind the wish to stop
        await asyncio.sleep(0)
        journal.allowed.release()
        await journal.begins()
        journal.is_slow = False
        journal.allowed.release(9)
        await cancelling
        assert await session.ended(receipt.run_id) == "cancelled"
        said = [line["message"] for line in session.listen(Seen()).body["lines"] if line["type"] == "message"]
        assert [(each["role"], each["content"]) for each in said] == [("user", "hello"), ("assistant", "words")]


async def test_an_answer_whose_end_the_disk_refuses_is_not_told_as_done_until_it_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(performance, "DISK_RETRY_S", 0.01)
    journal = Refusing(MemoryJournal(new_thread_id()))
    held = Held("words")
    async with opened(held, journal) as session:
        seen = Seen()
        session.watch(seen)
        receipt = await session.send(a_message())
        await held.began.wait()
        journal.refusal = DiskFull("full")
        held.let_go.set()
        await asyncio.sleep(0.05)
        assert seen.events("RUN_FINISHED") == seen.events("RUN_ERROR") == []
        journal.refusal = None
        assert await session.ended(receipt.run_id) == "error"
        assert [event["code"] for event in seen.events("RUN_ERROR")] == ["disk_full"]
        assert any(isinstance(line, MessageLine) and line.message["content"] == "words" for line in journal.read())


async def test_stop_in_the_same_tick_as_send_stops() -> None:
    held = Held("x")
    async with opened(held) as session:
        sending = asyncio.ensure_future(session.send(a_message()))
        stopping = asyncio.ensure_future(session.cancel())
        receipt, run_ids = await asyncio.gather(sending, stopping)
        assert run_ids == (receipt.run_id,)
        assert await session.ended(receipt.run_id) == "cancelled"


async def test_what_was_said_before_stop_is_kept() -> None:
    held = Held("The mean ", "is")
    async with opened(held) as session:
        seen = Seen()
        session.watch(seen)
        receipt = await session.send(a_message())
        await held.began.wait()
        await session.cancel(receipt.run_id)
        assert await session.ended(receipt.run_id) == "cancelled"
        assert held.was_cancelled
        assert [line["message"]["content"] for line in seen.lines() if line["type"] == "message"][1:] == ["The mean is"]
        assert seen.events("RUN_FINISHED")[0]["outcome"] == {"type": "cancelled"}


async def test_cancelling_an_idle_thread_stops_nothing() -> None:
    async with opened(echoes) as session:
        assert await session.cancel() == ()


async def test_an_answer_that_swallows_stop_is_left_behind_and_never_heard_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(performance, "HARD_STOP_S", 0.05)
    free = asyncio.Event()

    async def stubborn(stage: Stage) -> Ending:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue
        await says(stage, "too late")
        return Ending("success")

    async with opened(stubborn) as session:
        seen = Seen()
        session.watch(seen)
        first = await session.send(a_message())
        await session.cancel()
        assert await session.ended(first.run_id) == "cancelled"
        free.set()
        assert await session.ended((await session.send(a_message())).run_id) == "success"
        assert seen.text() == "too late"
        assert len(seen.events("RUN_FINISHED")) == 2


async def test_twenty_at_once_are_answered_in_the_order_they_were_accepted_whatever_each_takes() -> None:
    asked: list[str] = []

    async def slow(stage: Stage) -> Ending:
        path = await stage.path()
        asked.append(str(path[-1]["content"]))
        assert [message["content"] for message in path if message["role"] == "user"] == asked
        await asyncio.sleep(random.Random(asked[-1]).uniform(0, 0.003))
        await says(stage, f"re: {asked[-1]}", message_id=f"msg_{asked[-1]}")
        return Ending("success")

    async with opened(slow) as session:
        receipts = await asyncio.gather(*(session.send(a_message(f"q{number}")) for number in range(20)))
        assert [await session.ended(receipt.run_id) for receipt in receipts] == ["success"] * 20
        assert asked == [f"q{number}" for number in range(20)]
        assert [receipt.queue_depth for receipt in receipts] == list(range(20))


async def test_five_interrupts_and_a_stop_leave_nothing_running_and_each_run_ends_once() -> None:
    async with opened(Held("x")) as session:
        seen = Seen()
        session.watch(seen)
        receipts = await asyncio.gather(*(session.send(a_message(mode="interrupt")) for _ in range(5)))
        await session.cancel()
        assert {await session.ended(receipt.run_id) for receipt in receipts} == {"cancelled"}
        await until(lambda: session.is_idle or not session.conversation.is_busy)
        assert not session.conversation.is_busy


async def test_mode_reject_is_refused_while_an_answer_is_made() -> None:
    async with opened(Held("x")) as session:
        await session.send(a_message())
        with pytest.raises(RunInProgress):
            await session.send(a_message(mode="reject"))


async def test_a_sender_that_goes_away_takes_nothing_with_it() -> None:
    async with opened(echoes) as session:
        message = a_message()
        sending = asyncio.ensure_future(session.send(message))
        await asyncio.sleep(0)
        sending.cancel()
        await until(lambda: message.message_id in session.conversation.accepted)
        assert await session.ended(session.conversation.receipt(message.message_id).run_id) == "success"


async def test_an_answer_that_fails_frees_the_thread_for_the_next() -> None:
    steps = iter([RuntimeError("secret detail"), None])

    async def fails_once(stage: Stage) -> Ending:
        failure = next(steps)
        if failure:
            raise failure
        return await echoes(stage)

    async with opened(fails_once) as session:
        seen = Seen()
        session.watch(seen)
        assert await session.ended((await session.send(a_message())).run_id) == "error"
        assert "secret" not in str(seen.events("RUN_ERROR"))
        assert await session.ended((await session.send(a_message())).run_id) == "success"


@pytest.mark.parametrize("joins_after", range(0, 60, 7))
async def test_whoever_joins_at_any_moment_has_the_whole_answer_without_gap_or_double(joins_after: int) -> None:
    words = [f"w{number} " for number in range(40)]
    told: list[tuple[Seen, str]] = []

    async def speaks(stage: Stage) -> Ending:
        await says(stage, *words)
        return Ending("success")

    async with opened(speaks) as session:
        receipt = await session.send(a_message())
        for _ in range(joins_after):
            await asyncio.sleep(0)
        seen = Seen()
        told.append((seen, text_of_hello(hello := session.watch(seen))))
        await session.ended(receipt.run_id)
        lines = hello.body["lines"] + seen.lines()
        numbers = [frame["n"] for frame in seen.frames if "n" in frame]
        assert numbers == sorted(set(numbers))
        assert [line["seq"] for line in lines] == list(range(1, 5))
        is_done = any(
            line["type"] == "message" and line["message"]["role"] == "assistant" for line in hello.body["lines"]
        )
        assert is_done or told[0][1] + seen.text() == "".join(words)


async def test_a_viewer_that_was_away_gets_the_lines_it_missed_and_one_that_was_away_long_starts_anew() -> None:
    async with opened(echoes) as session:
        for number in range(70):
            await session.ended((await session.send(a_message(f"q{number}"))).run_id)
        newest = session.conversation.seq
        missed = session.watch(Seen(), newest - 3).body
        assert ([line["seq"] for line in missed["lines"]], missed["reset"]) == ([newest - 2, newest - 1, newest], False)
        assert session.watch(Seen(), newest).body["lines"] == []
        for after in (0, 5, newest + 9):
            anew = session.watch(Seen(), after).body
            assert (len(anew["lines"]), anew["reset"], anew["more"]) == (50, True, True)


async def test_after_a_restart_a_viewer_finds_everything_again(tmp_path: Path) -> None:
    thread_id = new_thread_id()
    async with opened(echoes, folder=tmp_path, thread_id=thread_id) as session:
        await session.ended((await session.send(a_message("one"))).run_id)
        before = session.watch(Seen()).body["lines"]
    async with opened(echoes, folder=tmp_path, thread_id=thread_id) as session:
        assert session.watch(Seen()).body["lines"] == before
        await session.ended((await session.send(a_message("two"))).run_id)
        assert session.conversation.seq == 8


async def test_closing_a_session_in_mid_run_ends_it_as_interrupted_with_its_words(tmp_path: Path) -> None:
    thread_id = new_thread_id()
    held = Held("half an ans")
    async with opened(held, folder=tmp_path, thread_id=thread_id) as session:
        await session.send(a_message())
        await held.began.wait()
    lines = FileJournal(tmp_path / ".chats" / thread_id, thread_id).read()
    assert isinstance(lines[-1], RunLine)
    assert lines[-1].outcome == "interrupted"
    assert isinstance(lines[-2], MessageLine)
    assert lines[-2].message["content"] == "half an ans"


async def test_what_waits_when_a_server_stops_is_answered_by_the_next(tmp_path: Path) -> None:
    thread_id = new_thread_id()
    held = Held("x")
    async with opened(held, folder=tmp_path, thread_id=thread_id) as session:
        await session.send(a_message("one"))
        second = await session.send(a_message("two"))
        await held.began.wait()
    async with opened(echoes, folder=tmp_path, thread_id=thread_id) as session:
        assert await asyncio.wait_for(session.ended(second.run_id), 30) == "success"
        outcomes = [run.outcome for run in session.conversation.runs.values()]
        assert sorted(map(str, outcomes)) == ["interrupted", "success"]


async def test_a_deleted_thread_refuses_lets_its_run_end_and_goes_to_the_trash(tmp_path: Path) -> None:
    thread_id = new_thread_id()
    held = Held("x")
    async with opened(held, folder=tmp_path, thread_id=thread_id) as session:
        seen = Seen()
        session.watch(seen)
        await session.send(a_message())
        await held.began.wait()
        await session.delete()
        with pytest.raises(ThreadDeleted):
            await session.send(a_message())
        held.let_go.set()
        await until(lambda: (tmp_path / ".chats" / ".trash" / thread_id).exists())
        assert not (tmp_path / ".chats" / thread_id).exists()
        assert isinstance(seen.dismissed, ThreadDeleted)
        with pytest.raises(ThreadDeleted):
            await session.send(a_message())
        assert not (tmp_path / ".chats" / thread_id).exists()


async def test_regenerate_answers_again_beside_the_first_answer() -> None:
    async with opened(echoes) as session:
        first = await session.send(a_message("q"))
        await session.ended(first.run_id)
        again = await session.regenerate(first.message_id, new_thread_id())  # type: ignore[arg-type]
        assert await session.ended(again.run_id) == "success"
        assert session.conversation.runs[again.run_id].parent_run_id is None
        assert session.conversation.head == again.run_id
