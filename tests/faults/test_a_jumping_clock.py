"""A clock that is set back and forth by hours, as by a wrong battery or a virtual machine that slept.

What happened first is told by the numbers of lines, never by their times; who runs a thread by a lock; how long
something takes by a clock that only goes forward. What is left to the clock on the wall is tried here.
"""

from __future__ import annotations

import itertools
import os
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from stage_kit import Held, a_message, echoes, opened, until
from threads_on_disk import turn, writer_in

from jupyter_chat_sessions.core.errors import ShareExpired
from jupyter_chat_sessions.core.ids import OWNER, new_run_id, new_thread_id
from jupyter_chat_sessions.core.transcript import MessageLine, RunLine
from jupyter_chat_sessions.files.chats_folder import ChatsFolder
from jupyter_chat_sessions.files.journal import FileJournal
from jupyter_chat_sessions.files.requests import MOST_KEPT, keep_request, requests_of
from jupyter_chat_sessions.files.shares_file import time_of
from jupyter_chat_sessions.server.grants import Grants
from jupyter_chat_sessions.server.openai.attempts import accepted_before

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
JUMPS_H = (0, -5, 9, -30, 2, -1, 40)
HOUR_NS = 3600 * 10**9


class Clock:
    """What hangs on the wall: ISO times, set anew by `hours` from noon."""

    def __init__(self, hours: float = 0) -> None:
        self.hours = hours

    def __call__(self) -> str:
        return time_of(NOON + timedelta(hours=self.hours))


def jumping() -> Clock:
    """A clock that is set by hours each time somebody looks."""
    jumps = itertools.cycle(JUMPS_H)

    class Jumping(Clock):
        def __call__(self) -> str:
            self.hours = next(jumps)
            return super().__call__()

    return Jumping()


async def test_messages_are_answered_in_the_order_they_were_accepted_whatever_their_times(tmp_path: Path) -> None:
    thread_id, clock = new_thread_id(), jumping()
    for words in ("one", "two", "three"):
        async with opened(echoes, folder=tmp_path, thread_id=thread_id, now=clock) as session:
            pair = [await session.send(a_message(f"{words} {each}")) for each in "ab"]
            assert [await session.ended(each.run_id) for each in pair] == ["success"] * 2
    lines = FileJournal(tmp_path / ".chats" / thread_id, thread_id).read()
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    times = [line.created for line in lines]
    assert times != sorted(times), "the clock did not jump"
    said = [line for line in lines if isinstance(line, MessageLine)]
    asked = [line.message["content"] for line in said if line.message["role"] == "user"]
    assert asked == ["one a", "one b", "two a", "two b", "three a", "three b"]
    assert [line.message["content"] for line in said if line.message["role"] == "assistant"] == asked


@pytest.mark.parametrize("hours", [-30, 30])
async def test_a_run_that_was_cut_is_settled_with_its_words_although_its_files_seem_old_or_not_yet_written(
    tmp_path: Path, hours: float
) -> None:
    thread_id, held = new_thread_id(), Held("half ", "said")
    folder = tmp_path / ".chats" / thread_id
    async with opened(held, folder=tmp_path, thread_id=thread_id, now=Clock()) as session:
        await session.send(a_message("one"))
        await held.began.wait()
        await until(lambda: (folder / "draft.jsonl").exists() and "said" in (folder / "draft.jsonl").read_text())
        kept = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for name, data in kept.items():  # as it stood when the power failed
        (folder / name).write_bytes(data)
        then = time.time() - hours * 3600
        os.utime(folder / name, (then, then))
    async with opened(echoes, folder=tmp_path, thread_id=thread_id, now=Clock(hours)) as session:
        await until(lambda: session.conversation.seq > 2 and not session.conversation.is_busy)
        await session.ended((await session.send(a_message("two"))).run_id)
    lines = FileJournal(folder, thread_id).read()
    assert [line.outcome for line in lines if isinstance(line, RunLine)] == ["interrupted", "success"]
    said = [line.message["content"] for line in lines if isinstance(line, MessageLine)]
    assert said == ["one", "half said", "two", "two"]


async def test_a_clock_that_is_set_back_takes_no_thread_down_the_list(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(echoes, folder=tmp_path, now=clock) as session:
        await session.ended((await session.send(a_message("one"))).run_id)
        clock.hours = -5
        await session.ended((await session.send(a_message("two"))).run_id)
        assert session.conversation.updated == Clock(0)()
        clock.hours = 1
        await session.ended((await session.send(a_message("three"))).run_id)
        assert session.conversation.updated == Clock(1)()


def test_what_was_sent_last_is_kept_longest_whatever_the_clock_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, now = new_run_id(), time.time_ns()
    jumps = itertools.cycle(JUMPS_H)
    monkeypatch.setattr(time, "time_ns", lambda: now + next(jumps) * HOUR_NS)
    for number in range(MOST_KEPT + 10):
        keep_request(tmp_path, run, {"step": number})
    assert [each["body"]["step"] for each in requests_of(tmp_path, run)] == list(range(10, MOST_KEPT + 10))


def test_of_two_deleted_threads_of_one_id_the_last_comes_back_and_hours_sweep_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, thread_id, now = ChatsFolder(tmp_path / ".chats"), new_thread_id(), time.time()
    folder.path.mkdir()
    for words, hours, by_hand in (("first", 0, "0"), ("second", -5, "1")):
        monkeypatch.setattr(time, "time_ns", lambda hours=hours: int(now * 1e9) + hours * HOUR_NS)
        writer = writer_in(folder.path, thread_id)
        writer.append(*turn(1, words))
        folder.trash(thread_id)
        trashed = folder.path / ".trash" / thread_id
        trashed.rename(trashed.with_suffix(f".{by_hand}"))  # else the id is taken
    for hours in JUMPS_H:
        monkeypatch.setattr(time, "time", lambda hours=hours: now + hours * 3600)
        assert folder.sweep_trash() == 0
    folder.restore(thread_id)
    kept = folder.journal(thread_id).read()
    assert next(line.message["content"] for line in kept if isinstance(line, MessageLine)) == "second"


async def test_a_share_is_shut_while_the_clock_says_it_has_ended_and_is_not_forgotten_for_it(tmp_path: Path) -> None:
    clock = Clock((datetime.now(timezone.utc) - NOON) / timedelta(hours=1))
    today = clock.hours
    grants = Grants(tmp_path, clock)
    share, token = await grants.share(new_thread_id(), "", OWNER, "read", 3600)
    clock.hours = today + 9
    with pytest.raises(ShareExpired):
        await grants.find(token)
    await grants.share(new_thread_id(), "", OWNER, "read", 3600)  # what has long ended is forgotten when one is made
    clock.hours = today - 5
    assert await grants.find(token) == share


@pytest.mark.parametrize(("hours", "is_found"), [(0, True), (-5, False), (5, False)])
def test_only_a_request_of_the_last_minute_is_taken_for_a_retry(hours: float, is_found: bool) -> None:
    created = time_of(datetime.now(timezone.utc) + timedelta(hours=hours))
    message = {"id": f"req_{'a' * 32}_{new_run_id()}", "role": "user", "content": "go"}
    line = {"type": "message", "created": created, "message": message, "run_id": new_run_id()}
    assert (accepted_before("a" * 64, [line]) is not None) is is_found
