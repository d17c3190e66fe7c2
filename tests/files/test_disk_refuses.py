"""When the disk refuses, nothing has happened, and it is said why."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from threads_on_disk import asked, journal_in, transcript_of, turn, writer_in

from jupyter_chat_sessions.core.errors import DiskFull, ReadOnly, StorageFailed
from jupyter_chat_sessions.core.ids import ThreadId
from jupyter_chat_sessions.core.roles import Writing
from jupyter_chat_sessions.core.transcript import Line
from jupyter_chat_sessions.files.chats_folder import ChatsFolder

_KINDS = [
    (errno.ENOSPC, DiskFull),
    (errno.EDQUOT, DiskFull),
    (errno.EROFS, ReadOnly),
    (errno.EACCES, ReadOnly),
    (errno.EPERM, ReadOnly),
    (errno.EIO, StorageFailed),
    (errno.EFBIG, StorageFailed),
]


def _refusing(number: int, after: int) -> object:
    """A `write` that takes some bytes and then refuses."""
    whole = os.write
    left = [after]

    def write(fd: int, data: bytes) -> int:
        if left[0] <= 0:
            raise OSError(number, os.strerror(number))
        taken = whole(fd, bytes(data)[: left[0]])
        left[0] -= taken
        return taken

    return write


@pytest.mark.parametrize(("number", "kind"), _KINDS)
@pytest.mark.parametrize("after", [0, 1, 50])
def test_a_refused_write_leaves_the_file_as_before_and_the_news_read(
    chats: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[StorageFailed], after: int
) -> None:
    writer = writer_in(chats)
    writer.append(*turn(1))
    other = writer_in(chats, writer.journal.thread_id)
    before = transcript_of(writer.journal, chats).read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", _refusing(number, after))
        with pytest.raises(kind) as refusal:
            other.append(asked("m2"))
    assert type(refusal.value) is kind
    assert transcript_of(writer.journal, chats).read_bytes() == before
    other.seen = [line for line in other.seen if line.seq <= 4]
    assert [line.seq for line in other.seen] == [1, 2, 3, 4]
    other.append(asked("m2"))
    assert list(journal_in(chats, writer.journal.thread_id).read()) == other.seen
    assert [line.seq for line in writer.look()] == [5]


def test_a_refused_sync_takes_the_write_back(chats: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = writer_in(chats)
    writer.append(*turn(1))
    before = transcript_of(writer.journal, chats).read_bytes()

    def refuse(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", refuse)
        with pytest.raises(StorageFailed):
            writer.append(asked("m2"), is_synced=True)
    assert transcript_of(writer.journal, chats).read_bytes() == before


@pytest.mark.parametrize("call", ["write", "fdatasync", "fsync", "link", "mkdir"])
def test_a_refused_first_write_leaves_no_thread(chats: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    writer = writer_in(chats)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        with pytest.raises(DiskFull):
            writer.append(asked("m1"))
    assert not (chats / writer.journal.thread_id).exists()
    writer.seen.clear()
    writer.append(asked("m1"))
    assert len(writer.journal.read()) == 1


def test_a_short_write_is_completed(chats: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    whole = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: whole(fd, bytes(data)[:10]))
        writer.append(*turn(2))
    assert list(journal_in(chats, writer.journal.thread_id).read()) == writer.seen


def test_a_file_size_limit_of_the_process_is_a_refusal(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(*turn(1))
    before = transcript_of(writer.journal, chats).read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 30, limits[1]))
    try:
        with pytest.raises(StorageFailed):
            writer.append(asked("m2"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert transcript_of(writer.journal, chats).read_bytes() == before


# --- a real file system that is full, or only read ------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, text=True
    )
    if made.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {made.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_refuses_whole_decisions_and_takes_them_again_when_there_is_room(small_disk: Path) -> None:
    filling = small_disk / "filling"
    filling.write_bytes(b"x" * 16_384)
    writer = writer_in(small_disk / ".chats")

    def fill() -> None:
        for number in range(1, 100):
            writer.append(*turn(number, "w" * 700), is_synced=True)

    with pytest.raises(DiskFull):
        fill()
    kept = journal_in(small_disk / ".chats", writer.journal.thread_id).read()
    assert len(kept) % 4 == 0
    assert [line.seq for line in kept] == list(range(1, len(kept) + 1))
    with pytest.raises(DiskFull):
        writer_in(small_disk / ".chats").append(asked("m1"))
    filling.unlink()
    writer.seen = list(kept)
    writer.append(*turn(len(kept) // 4 + 1))
    assert list(journal_in(small_disk / ".chats", writer.journal.thread_id).read()) == writer.seen


def test_a_folder_that_is_only_read_is_read_and_listed_and_refuses_to_be_written(small_disk: Path) -> None:
    chats = small_disk / ".chats"
    writer = writer_in(chats)
    writer.append(*turn(1))
    other = writer_in(chats, writer.journal.thread_id)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert len(other.look()) == 4
    assert len(other.journal.tail(9).lines) == 4
    assert [entry["guid"] for entry in ChatsFolder(chats).list().chats] == [writer.journal.thread_id]
    for use in (lambda: other.append(asked("m2")), other.journal.take_lane, other.journal.remove):
        with pytest.raises(ReadOnly):
            use()
    with pytest.raises(ReadOnly):
        writer_in(chats).append(asked("m1"))


def test_a_transcript_that_may_not_be_read_is_a_refusal_of_the_disk_and_not_a_missing_thread(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    path = transcript_of(writer.journal, chats)
    path.chmod(0o000)
    assert _as_nobody(chats, writer.journal.thread_id) == "ReadOnly"


def _as_nobody(chats: Path, thread_id: ThreadId) -> str:
    """What reading the thread raises for somebody who is not its owner."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        fd = os.open(chats, os.O_RDONLY)
        os.fchdir(fd)
        if os.getuid() == 0:
            os.chown(chats / thread_id, 65534, 65534)
            os.setuid(65534)
        raised = "nothing"
        try:
            journal_in(Path(), thread_id).read()
        except Exception as error:
            raised = type(error).__name__
        os.write(write, raised.encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as file:
        return file.read()


def test_an_error_of_the_decision_itself_is_not_taken_for_the_disks(chats: Path) -> None:
    def decide(news: tuple[Line, ...]) -> Writing:
        raise OSError(errno.ENOSPC, "not the journal's")

    writer = writer_in(chats)
    with pytest.raises(OSError, match="not the journal's"):
        writer.journal.transact(decide)
    writer.append(asked("m1"))
    with pytest.raises(OSError, match="not the journal's"):
        writer.journal.transact(decide)
