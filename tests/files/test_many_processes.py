"""Several servers on one folder: real processes, and nothing lost, doubled or mixed up."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from threads_on_disk import asked, fixed_clock, turn, writer_in

from jupyter_chat_sessions.core.conversation import begin
from jupyter_chat_sessions.core.errors import ThreadDeleted
from jupyter_chat_sessions.core.ids import OWNER, SessionKey, ThreadId, new_thread_id
from jupyter_chat_sessions.core.transcript import MessageLine
from jupyter_chat_sessions.files.chats_folder import ChatsFolder
from jupyter_chat_sessions.files.known_folders import KnownFolders
from jupyter_chat_sessions.files.session_keys import SessionKeys

_PROCESSES = 8
_EACH = 50


def _at_once(work: Callable[[int], str], count: int = _PROCESSES) -> list[str]:
    """What `work(number)` gives in each of so many processes, which begin together."""
    gate, open_gate = os.pipe()
    children: list[tuple[int, int]] = []
    for number in range(count):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(open_gate)
            os.read(gate, 1)
            status = 1
            try:
                os.write(write, work(number).encode())
                status = 0
            except BaseException as error:
                sys.stderr.write(f"process {number}: {error!r}\n")
            os._exit(status)
        os.close(write)
        children.append((child, read))
    os.close(gate)
    os.close(open_gate)
    answers = []
    for child, read in children:
        with os.fdopen(read) as file:
            answers.append(file.read())
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return answers


def test_eight_processes_change_the_catalog_fifty_times_each_and_none_is_lost(chats: Path) -> None:
    def work(number: int) -> str:
        folder = ChatsFolder(chats, fixed_clock)
        for each in range(_EACH):
            lines = [make(seq) for seq, make in enumerate(turn(1, f"{number}-{each}"), 1)]
            folder.note(begin(new_thread_id(), None, lines), "")
        return ""

    chats.mkdir()
    _at_once(work)
    catalog = ChatsFolder(chats)._catalog.read()
    assert catalog is not None
    assert catalog.version == _PROCESSES * _EACH
    assert {entry["title"] for entry in catalog.chats} == {
        f"{number}-{each}" for number in range(_PROCESSES) for each in range(_EACH)
    }
    assert [name for name in os.listdir(chats) if name.startswith(".new-")] == []


def test_eight_processes_append_fifty_times_each_and_every_number_comes_once(chats: Path) -> None:
    thread_id = new_thread_id()

    def work(number: int) -> str:
        writer = writer_in(chats, thread_id)
        own = [writer.append(asked(f"{number}-{each}"))[0].seq for each in range(_EACH)]
        assert [line.seq for line in writer.seen] == list(range(1, own[-1] + 1))
        return " ".join(map(str, own))

    acknowledged = [int(seq) for answer in _at_once(work) for seq in answer.split()]
    lines = writer_in(chats, thread_id).journal.read()
    assert [line.seq for line in lines] == list(range(1, _PROCESSES * _EACH + 1))
    assert sorted(acknowledged) == [line.seq for line in lines]
    assert len({line.message["id"] for line in lines if isinstance(line, MessageLine)}) == len(lines)


@pytest.mark.parametrize("attempt", range(5))
def test_of_those_who_make_one_thread_at_once_one_makes_it_and_all_go_on_in_it(chats: Path, attempt: int) -> None:
    thread_id = new_thread_id()

    def work(number: int) -> str:
        if number % 2:
            return f"new {ChatsFolder(chats, fixed_clock).create(thread_id)}"
        return f"seq {writer_in(chats, thread_id).append(asked(str(number)))[0].seq}"

    answers = _at_once(work)
    assert sorted(answer for answer in answers if "seq" in answer) == ["seq 1", "seq 2", "seq 3", "seq 4"]
    assert answers.count("new True") <= 1
    assert len(writer_in(chats, thread_id).journal.read()) == 4


def test_of_those_who_use_one_key_at_once_all_get_one_thread(chats: Path) -> None:
    def work(number: int) -> str:
        keys = SessionKeys(chats)
        found = [keys.resolve(OWNER, SessionKey(f"key-{each}"), new_thread_id) for each in range(25)]
        return " ".join(f"{thread_id}:{is_new}" for thread_id, is_new in found)

    answers = [answer.split() for answer in _at_once(work)]
    for per_key in zip(*answers, strict=True):
        assert len({each.partition(":")[0] for each in per_key}) == 1
        assert sum(each.endswith(":True") for each in per_key) == 1


def test_of_those_who_find_one_torn_key_at_once_all_get_one_thread(chats: Path) -> None:
    keys = SessionKeys(chats)
    names = [SessionKey(f"key-{each}") for each in range(25)]
    for name in names:
        keys.resolve(OWNER, name, new_thread_id)
    for path in (chats / "keys").iterdir():
        path.write_bytes(b"to")

    def work(number: int) -> str:
        return " ".join(SessionKeys(chats).resolve(OWNER, name, new_thread_id)[0] for name in names)

    assert len(set(_at_once(work))) == 1


def test_of_those_who_want_the_lane_at_once_one_gets_it(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    tried, tell = os.pipe()
    let_go, holding = os.pipe()

    def work(number: int) -> str:
        journal = writer_in(chats, writer.journal.thread_id).journal
        answer = str(journal.take_lane())
        os.write(tell, b"!")
        os.close(holding)
        os.read(let_go, 1)  # ends when everybody has tried
        return answer

    waiter = os.fork()
    if waiter == 0:
        for _ in range(_PROCESSES):
            os.read(tried, 1)
        os._exit(0)
    os.close(holding)
    answers = _at_once(work)
    os.waitpid(waiter, 0)
    assert answers.count("True") == 1


def test_what_a_killed_process_had_acknowledged_is_there_and_the_next_one_goes_on(chats: Path) -> None:
    thread_id = new_thread_id()
    for _ in range(5):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            writer = writer_in(chats, thread_id)
            while True:
                line = writer.append(asked(str(new_thread_id()), "w" * 3000))[0]
                os.write(write, f"{line.seq}\n".encode())
        os.close(write)
        with os.fdopen(read, "rb", buffering=0) as file:
            acknowledged = file.read(40)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            acknowledged += file.read()
        lines = writer_in(chats, thread_id).journal.read()
        assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
        assert int(acknowledged.split()[-1]) <= len(lines)


def test_a_thread_deleted_while_others_write_ends_them_all_and_comes_back_nowhere(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    thread_id = writer.journal.thread_id

    def work(number: int) -> str:
        if number == 0:
            while len(writer.seen) < 30:
                writer.look()
            ChatsFolder(chats, fixed_clock).trash(thread_id)
            return ""
        other, acknowledged = writer_in(chats, thread_id), 0
        try:
            while True:
                acknowledged = other.append(asked(f"{number}-{len(other.seen)}"))[0].seq
        except ThreadDeleted:
            return str(acknowledged)

    newest = max(int(answer) for answer in _at_once(work, 4) if answer)
    assert not (chats / thread_id).exists()
    ChatsFolder(chats, fixed_clock).restore(thread_id)
    assert [line.seq for line in writer_in(chats, thread_id).journal.read()] == list(range(1, newest + 2))


def test_of_those_who_open_one_copy_at_once_each_thread_gets_one_new_id(chats: Path, tmp_path: Path) -> None:
    ids = set()
    for _ in range(5):
        writer = writer_in(chats)
        writer.append(*turn(1))
        ids.add(writer.journal.thread_id)
    KnownFolders(tmp_path / "data").remember(chats)
    copy = tmp_path / "copy" / ".chats"
    copy.parent.mkdir()
    shutil.copytree(chats, copy)

    def work(number: int) -> str:
        renamed = KnownFolders(tmp_path / "data").remember(copy)
        return " ".join(f"{old}:{new}" for old, new in renamed.items())

    renamed = [pair.split(":") for answer in _at_once(work, 4) for pair in answer.split()]
    assert sorted(old for old, _ in renamed) == sorted(ids)
    assert ChatsFolder(copy).thread_ids() == {ThreadId(new) for _, new in renamed}
    assert ChatsFolder(chats).thread_ids() == ids
    assert all(len(ChatsFolder(copy).journal(ThreadId(new)).read()) == 5 for _, new in renamed)
