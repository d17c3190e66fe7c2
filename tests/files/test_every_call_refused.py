"""Each system call of the files layer fails in its turn: what was acknowledged stays, what was refused is not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_disk import BadDisk, Mode, bad_disk
from threads_on_disk import Make, Writer, asked, fixed_clock, titled, turn

from jupyter_chat_sessions.core.conversation import begin
from jupyter_chat_sessions.core.errors import ChatError
from jupyter_chat_sessions.core.ids import OWNER, SessionKey, ThreadId, new_thread_id
from jupyter_chat_sessions.core.transcript import Line, MessageLine, TitleLine
from jupyter_chat_sessions.files.chats_folder import ChatsFolder
from jupyter_chat_sessions.files.session_keys import SessionKeys

KEY = SessionKey("key")


class Life:
    """A thread's life over two servers. `told` is what somebody was told is on disk, `refused` what is not."""

    def __init__(self, chats: Path) -> None:
        self.folder = ChatsFolder(chats, fixed_clock)
        self.thread_id = new_thread_id()
        self.ours, self.theirs = (Writer(self.folder.journal(self.thread_id)) for _ in range(2))
        self.told: list[str] = []
        self.refused: list[str] = []
        self.keyed: set[ThreadId] = set()
        self.leaked: list[BaseException] = []

    def live(self) -> None:
        for act in (
            lambda: self.send(self.ours, "first", takes_lane=True),
            self.draft,
            lambda: self.answer(self.ours, "second"),
            lambda: self.send(self.theirs, "third"),
            self.look,
            lambda: self.rename("Given"),
            self.note,
            self.list_them,
            self.key,
            self.let_go,
            lambda: self.send(self.theirs, "fourth", takes_lane=True),
            self.read_pages,
            self.other_thread,
            self.ours.journal.close,
            self.theirs.journal.close,
        ):
            self.attempt(act)

    def attempt(self, act: Callable[[], None]) -> None:
        try:
            act()
        except ChatError:
            pass
        except Exception as error:
            self.leaked.append(error)

    def write(self, writer: Writer, name: str, *makes: Make, takes_lane: bool = False) -> None:
        def with_lane(seq: int) -> Line:
            if takes_lane:
                writer.journal.take_lane()
            return makes[0](seq)

        try:
            writer.append(with_lane, *makes[1:], is_synced=True)
        except ChatError:
            self.refused.append(name)
            raise
        self.told.append(name)

    def send(self, writer: Writer, name: str, takes_lane: bool = False) -> None:
        self.write(writer, name, asked(name), takes_lane=takes_lane)

    def answer(self, writer: Writer, name: str) -> None:
        self.write(writer, name, asked(name), *turn(1)[1:])

    def rename(self, title: str) -> None:
        self.write(self.ours, title, titled(title))

    def draft(self) -> None:
        run = turn(1)[1](1)
        words = {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": "words"}
        self.ours.journal.draft(run.run_id, 1, [words])  # type: ignore[attr-defined]

    def look(self) -> None:
        if self.ours.journal.has_news():
            self.ours.look()
        self.ours.journal.read_draft()

    def note(self) -> None:
        self.folder.note(begin(self.thread_id, None, self.ours.seen), fixed_clock())

    def list_them(self) -> None:
        self.folder.list()

    def key(self) -> None:
        self.keyed.add(SessionKeys(self.folder.path).resolve(OWNER, KEY, new_thread_id)[0])

    def let_go(self) -> None:
        self.ours.journal.release_lane()

    def read_pages(self) -> None:
        self.theirs.journal.tail(3)
        self.theirs.journal.before(None, 3)
        self.theirs.journal.header()

    def other_thread(self) -> None:
        other = new_thread_id()
        self.folder.create(other, title="Other")
        self.folder.trash(other)
        self.folder.restore(other)
        self.folder.give_new_id(other, new_thread_id())


def _names(lines: tuple[Line, ...]) -> list[str]:
    found = [line.message["id"] for line in lines if isinstance(line, MessageLine) and line.message["role"] == "user"]
    return found + [line.title for line in lines if isinstance(line, TitleLine)]


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def _check(life: Life, disk: BadDisk) -> None:
    """What must be true after any one life, however its disk failed."""
    assert not life.leaked
    lines = life.folder.journal(life.thread_id).read()
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    names = _names(lines)
    assert set(life.told) <= set(names)
    if disk.mode != "done":
        assert not set(life.refused) & set(names)
    for writer in (life.ours, life.theirs, Writer(life.folder.journal(life.thread_id))):
        assert writer.journal.take_lane(), "the lane is stuck"
        writer.append(asked(f"later-{len(names)}"), is_synced=True)
        names.append("later")
        writer.journal.close()
    whole = life.folder.journal(life.thread_id).read()
    for writer in (life.ours, life.theirs):
        writer.look()
        assert writer.seen == list(whole), "somebody has seen a line twice, or not at all"
    assert life.thread_id in {entry["guid"] for entry in life.folder.list().chats}
    life.key()
    assert len(life.keyed) == 1


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The calls of a life in which nothing fails."""
    with bad_disk() as disk:
        life = Life(tmp_path_factory.mktemp("good") / ".chats")
        life.live()
        made = list(disk.calls)
        _check(life, disk)
    assert life.told == ["first", "second", "third", "Given", "fourth"]
    return made


def _numbers(calls: list[str], mode: Mode) -> list[int]:
    """Which calls can fail so, by their numbers from 1."""
    return [number for number, name in enumerate(calls, 1) if mode != "half" or name == "write"]


def _check_each(folder: Path, numbers: list[int], mode: Mode) -> None:
    before = _descriptors()
    faults: list[str] = []
    for number in numbers:
        (folder / str(number)).mkdir()
        with bad_disk(number, mode) as disk:
            life = Life(folder / str(number) / ".chats")
            life.live()
            disk.cure()
            try:
                _check(life, disk)
            except Exception as fault:
                faults.append(f"call {number} ({disk.refused[:1]}): {fault!r:.200} {life.leaked}".splitlines()[0])
    assert not faults, "\n".join([f"{len(faults)} of {len(numbers)}", *faults])
    assert _descriptors() == before, "a descriptor stays open"


@pytest.mark.parametrize(("mode", "start"), [("once", 3), ("half", 1), ("done", 7), ("full", 1)])
def test_whichever_of_these_calls_fails_nothing_acknowledged_is_lost_and_the_thread_goes_on(
    tmp_path: Path, calls: list[str], mode: Mode, start: int
) -> None:
    numbers = _numbers(calls, mode)
    _check_each(tmp_path, numbers if len(numbers) < 40 else numbers[start::11], mode)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["once", "half", "done", "full"])
def test_whichever_call_fails_nothing_acknowledged_is_lost_and_the_thread_goes_on(
    tmp_path: Path, calls: list[str], mode: Mode
) -> None:
    numbers = _numbers(calls, mode)
    assert len(numbers) > (10 if mode == "half" else 500)
    _check_each(tmp_path, numbers, mode)
