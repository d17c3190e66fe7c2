"""The trash: kept for 7 days, then removed, whatever stands in it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from threads_on_disk import fixed_clock, turn, writer_in

from jupyter_chat_sessions.core.ids import ThreadId
from jupyter_chat_sessions.files.chats_folder import ChatsFolder
from jupyter_chat_sessions.files.deleted import deleted_threads

_WEEK = 7 * 24 * 3600


def _deleted(folder: ChatsFolder, *, days_ago: float) -> Path:
    writer = writer_in(folder.path)
    writer.append(*turn(1))
    (folder.path / writer.journal.thread_id / "files").mkdir()
    folder.trash(writer.journal.thread_id)
    trashed = folder.path / ".trash" / writer.journal.thread_id
    then = time.time() - days_ago * 24 * 3600
    os.utime(trashed, (then, then))
    return trashed


def test_what_was_deleted_is_told_as_it_was_the_latest_deletion_first(chats: Path) -> None:
    folder = ChatsFolder(chats, fixed_clock)
    ago = {days: _deleted(folder, days_ago=days).name for days in (3.0, 7.1, 1.0)}
    (chats / ".trash" / ".sweep-0123456789abcdef").mkdir()
    (chats / ".trash" / f"{ago[3.0]}.0a1b2c3d").mkdir()
    (chats / ".trash" / ago[1.0] / "chat.jsonl").rename(chats / ".trash" / ago[1.0] / "gone")
    newest = _deleted(folder, days_ago=0).name
    told = list(deleted_threads(chats))
    assert [each.entry["guid"] for each in told] == [newest, ago[3.0]]
    assert all(each.entry["message_count"] for each in told)
    assert list(deleted_threads(chats.parent / "nowhere")) == []


def test_a_sweep_removes_what_was_deleted_more_than_seven_days_ago(chats: Path) -> None:
    folder = ChatsFolder(chats, fixed_clock)
    old, young = _deleted(folder, days_ago=7.1), _deleted(folder, days_ago=6.9)
    assert folder.sweep_trash() == 1
    assert os.listdir(chats / ".trash") == [young.name]
    assert not old.exists()
    folder.restore(ThreadId(young.name))


def test_the_seven_days_begin_when_a_thread_is_deleted_however_old_it_is(chats: Path) -> None:
    folder = ChatsFolder(chats, fixed_clock)
    writer = writer_in(chats)
    writer.append(*turn(1))
    os.utime(chats / writer.journal.thread_id, (0, 0))
    folder.trash(writer.journal.thread_id)
    assert folder.sweep_trash() == 0


def test_a_sweep_without_a_trash_makes_none(chats: Path) -> None:
    assert ChatsFolder(chats).sweep_trash() == 0
    assert not chats.exists()


def test_a_tree_five_thousand_deep_is_removed(chats: Path) -> None:
    folder = ChatsFolder(chats, fixed_clock)
    top = _deleted(folder, days_ago=8)
    fd = os.open(top / "files", os.O_RDONLY)
    for _ in range(5000):
        os.mkdir("d", dir_fd=fd)
        inner = os.open("d", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(os.open("leaf", os.O_CREAT, dir_fd=fd))
    os.close(fd)
    assert _swept(folder, top)


def _swept(folder: ChatsFolder, top: Path) -> bool:
    os.utime(top, (0, 0))
    return folder.sweep_trash() == 1 and os.listdir(folder.path / ".trash") == []


def test_links_are_removed_and_never_followed(chats: Path, tmp_path: Path) -> None:
    folder = ChatsFolder(chats, fixed_clock)
    top = _deleted(folder, days_ago=8)
    precious = tmp_path / "precious"
    precious.mkdir(mode=0o755)
    (precious / "file").write_text("precious")
    (top / "files" / "folder").symlink_to(precious)
    (top / "files" / "file").symlink_to(precious / "file")
    (chats / ".trash" / "link").symlink_to(precious)
    os.utime(chats / ".trash" / "link", (0, 0), follow_symlinks=False)
    os.utime(top, (0, 0))
    folder.sweep_trash()
    assert os.listdir(chats / ".trash") == []
    assert (precious / "file").read_text() == "precious"
    assert precious.stat().st_mode & 0o777 == 0o755


def test_a_sweep_that_was_interrupted_goes_on(chats: Path) -> None:
    folder = ChatsFolder(chats, fixed_clock)
    young = _deleted(folder, days_ago=1)
    bench = chats / ".trash" / ".sweep-0123"
    (bench / "a" / "b").mkdir(parents=True)
    folder.sweep_trash()
    assert os.listdir(chats / ".trash") == [young.name]


def test_what_killed_processes_left_half_written_is_swept(chats: Path) -> None:
    folder = ChatsFolder(chats, fixed_clock)
    writer_in(chats).append(*turn(1))
    for name, age in (("old", 7200), ("young", 10)):
        path = chats / f".new-{name}"
        path.write_text("half")
        os.utime(path, (time.time() - age,) * 2)
    folder.sweep_trash()
    assert [name for name in os.listdir(chats) if name.startswith(".new-")] == [".new-young"]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that somebody without rights can work in too."""
    folder = Path(tempfile.mkdtemp(prefix="sweep-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_folders_that_may_not_be_entered_are_removed_by_their_owner(open_folder: Path) -> None:
    child = os.fork()
    if child == 0:  # root may enter anything, so this is for somebody else to show
        status = 1
        with suppress(BaseException):
            if os.getuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            folder = ChatsFolder(open_folder / ".chats", fixed_clock)
            top = _deleted(folder, days_ago=8)
            closed = top / "files" / "a" / "b"
            closed.mkdir(parents=True)
            (closed / "file").write_text("x")
            for each in (closed, closed.parent, top / "files", top):
                each.chmod(0o000)
            status = 0 if _swept(folder, top) else 2
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
