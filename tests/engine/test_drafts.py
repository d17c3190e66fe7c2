"""Drafts of many threads: few errands, each thread's refusal its own, no folder held up by another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from stage_kit import until

from jupyter_chat_sessions.core.errors import DiskFull
from jupyter_chat_sessions.core.ids import RunId, new_run_id, new_thread_id
from jupyter_chat_sessions.core.roles import Draft
from jupyter_chat_sessions.engine import draft as draft_module
from jupyter_chat_sessions.engine.draft import Drafts, DraftWriter
from jupyter_chat_sessions.engine.pieces import Joined
from jupyter_chat_sessions.files.journal import FileJournal


class CountedDisk:
    """Worker threads, and how often they were sent."""

    def __init__(self) -> None:
        self.errands = 0

    async def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        self.errands += 1
        return await asyncio.to_thread(function, *arguments)


class Drafting:
    """A thread on disk whose run says something. While `refuses` is set, its disk is full."""

    def __init__(self, root: Path, drafts: Drafts, folder: str = "") -> None:
        thread_id = new_thread_id()
        self.journal = FileJournal(root / ".chats" / thread_id, thread_id)
        assert self.journal.take_lane()
        self.journal.create()
        self.run_id = new_run_id()
        self.refuses = False
        self._draft_as_ever = self.journal.draft
        self.journal.draft = self._draft  # type: ignore[method-assign]
        self.writer = DraftWriter(self.journal, lambda: folder, drafts)
        self.writer.begin(self.run_id, 1)

    def _draft(self, run_id: RunId, after_seq: int, events: Sequence[Mapping[str, Any]]) -> None:
        if self.refuses:
            raise DiskFull("no room")
        self._draft_as_ever(run_id, after_seq, events)

    def say(self, words: str) -> None:
        self.writer.add(delta(words))

    @property
    def draft(self) -> Draft | None:
        return self.journal.read_draft()

    @property
    def words(self) -> str:
        return "".join(event["delta"] for event in self.draft.events) if self.draft else ""


def delta(words: str, message_id: str = "a") -> dict[str, Any]:
    return {"type": "TEXT_MESSAGE_CONTENT", "messageId": message_id, "delta": words}


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft_module, "EVERY_S", 0.02)


async def test_what_all_threads_of_a_folder_said_goes_as_one_errand(tmp_path: Path) -> None:
    disk = CountedDisk()
    drafts = Drafts(disk)
    threads = [Drafting(tmp_path, drafts) for _ in range(50)]
    for number, thread in enumerate(threads):
        thread.say(f"{number} ")
        thread.say("words")
    await until(lambda: [thread.words for thread in threads] == [f"{number} words" for number in range(50)])
    assert disk.errands <= 2, "a beat may fall between two of them"


async def test_what_is_said_while_an_errand_is_away_goes_with_the_next_and_in_order(tmp_path: Path) -> None:
    drafts, is_away, may_return = Drafts(asyncio.to_thread), threading.Event(), threading.Event()
    thread = Drafting(tmp_path, drafts)
    as_ever = thread.journal.draft

    def slow(*arguments: Any) -> None:
        is_away.set()
        assert may_return.wait(10)
        as_ever(*arguments)

    thread.journal.draft = slow  # type: ignore[method-assign]
    thread.say("one ")
    await until(is_away.is_set)
    thread.say("two ")
    thread.say("x" * draft_module.AT_MOST_BYTES)
    may_return.set()
    await until(lambda: thread.words == "one two " + "x" * draft_module.AT_MOST_BYTES)


async def test_as_much_as_4_kb_is_written_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draft_module, "EVERY_S", 1e6)
    thread = Drafting(tmp_path, Drafts(asyncio.to_thread))
    thread.say("a few words, ")
    thread.say("y" * draft_module.AT_MOST_BYTES)
    await until(lambda: thread.words.endswith("y"))


async def test_a_draft_that_is_refused_is_refused_alone_and_written_when_there_is_room(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    drafts = Drafts(asyncio.to_thread)
    full, other = Drafting(tmp_path, drafts), Drafting(tmp_path, drafts)
    full.refuses = True
    for word in ("one ", "two ", "three "):
        full.say(word)
        other.say(word)
        await until(lambda: other.words.endswith(word))  # noqa: B023
    assert full.words == ""
    full.refuses = False
    await until(lambda: full.words == other.words == "one two three ")
    assert caplog.text.count("Drafts are not on disk yet: no room") == 1


async def test_what_a_line_says_by_now_is_not_drafted_again(tmp_path: Path) -> None:
    drafts = Drafts(asyncio.to_thread)
    thread, other = Drafting(tmp_path, drafts), Drafting(tmp_path, drafts)
    thread.refuses = True
    thread.say("said before")
    thread.writer.begin(thread.run_id, 2)
    thread.say("said since")
    other.say("x")
    await until(lambda: other.words == "x")
    thread.refuses = False
    await until(lambda: thread.words == "said since")
    assert thread.draft is not None
    assert thread.draft.after_seq == 2
    thread.say("over")
    thread.writer.end()
    other.say("y")
    await until(lambda: other.words == "xy")
    assert thread.words == "said since"


async def test_a_folder_whose_disk_hangs_holds_up_no_other(tmp_path: Path) -> None:
    drafts, is_mended = Drafts(asyncio.to_thread), threading.Event()
    far, here = Drafting(tmp_path, drafts, "far"), Drafting(tmp_path, drafts, "here")
    as_ever = far.journal.draft

    def hangs(*arguments: Any) -> None:
        assert is_mended.wait(10)
        as_ever(*arguments)

    far.journal.draft = hangs  # type: ignore[method-assign]
    for word in ("one ", "two ", "three "):
        far.say(word)
        here.say(word)
        await until(lambda: here.words.endswith(word))  # noqa: B023
    assert far.words == ""
    is_mended.set()
    await until(lambda: far.words == "one two three ")


async def test_where_there_is_no_worker_thread_any_more_what_was_said_is_kept_for_later(tmp_path: Path) -> None:
    refusals = list[int]()

    async def disk(function: Callable[..., Any], *arguments: Any) -> Any:
        if len(refusals) < 3:
            refusals.append(1)
            raise RuntimeError("cannot schedule new futures after shutdown")
        return await asyncio.to_thread(function, *arguments)

    thread = Drafting(tmp_path, Drafts(disk))
    thread.say("words")
    await until(lambda: thread.words == "words")


def test_a_draft_says_the_same_in_fewer_events() -> None:
    end = {"type": "TEXT_MESSAGE_END", "messageId": "a"}
    said = [delta("one "), delta("two "), end, end, delta("three ", "b"), delta("four", "b"), delta("five")]
    assert Joined(said).events() == [delta("one two "), end, end, delta("three four", "b"), delta("five")]
    assert Joined().events() == []
