"""The lane: one process at a time may run a thread, and a dead one never keeps it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from threads_on_disk import asked, journal_in, writer_in

from jupyter_chat_sessions.core.errors import Unreadable
from jupyter_chat_sessions.files.locks import LockedFile

_HOLDER = """
import sys, time
from pathlib import Path
from jupyter_chat_sessions.core.ids import ThreadId
from jupyter_chat_sessions.files.journal import FileJournal
folder = Path(sys.argv[1])
journal = FileJournal(folder, ThreadId(folder.name))
print(journal.take_lane(), flush=True)
time.sleep(60)
"""


def test_only_one_journal_holds_the_lane_until_it_is_released(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    first, second = writer.journal, journal_in(chats, writer.journal.thread_id)
    assert first.take_lane()
    assert first.take_lane()
    assert not second.take_lane()
    first.release_lane()
    assert second.take_lane()
    second.close()
    assert first.take_lane()
    first.close()


def test_the_kernel_frees_the_lane_of_a_killed_process(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    folder = chats / writer.journal.thread_id
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder, holder.stdout:
        assert holder.stdout.readline() == "True\n"
        assert not writer.journal.take_lane()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert writer.journal.take_lane()
    writer.journal.close()


def test_a_forked_child_does_not_keep_the_lane_of_its_parent(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    other = journal_in(chats, writer.journal.thread_id)
    assert writer.journal.take_lane()
    is_over, tell = os.pipe()
    has_tried, told = os.pipe()
    child = os.fork()
    if child == 0:  # lives on after its parent gave the lane up, as a kernel's helper may
        os.close(tell)
        status = 7 if writer.journal.take_lane() else 0
        writer.journal.release_lane()
        os.write(told, b"!")
        os.read(is_over, 1)
        os._exit(status)
    assert os.read(has_tried, 1) == b"!"
    held = writer.journal._lane._file
    assert held is not None
    assert held.fd is not None
    fd, held.fd = held.fd, None
    os.close(fd)  # as a death would: closed, not unlocked
    assert other.take_lane()
    for fd in (tell, is_over, has_tried, told):
        os.close(fd)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    other.close()


def test_a_child_that_runs_another_program_does_not_keep_the_lane(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    other = journal_in(chats, writer.journal.thread_id)
    assert writer.journal.take_lane()
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, close_fds=False):
        writer.journal.release_lane()
        assert other.take_lane()
    other.close()


def test_a_lane_taken_for_nothing_leaves_nothing(chats: Path) -> None:
    journal = journal_in(chats)
    assert journal.take_lane()
    assert journal.header() is None
    assert not journal_in(chats, journal.thread_id).take_lane()
    journal.release_lane()
    assert not chats.exists()


def test_a_lane_taken_for_nothing_beside_other_threads_takes_only_its_own_folder_away(chats: Path) -> None:
    writer_in(chats).append(asked("m1"))
    before = sorted(os.listdir(chats))
    journal = journal_in(chats)
    assert journal.take_lane()
    journal.close()
    assert sorted(os.listdir(chats)) == before


def test_a_lane_that_is_a_link_is_refused(chats: Path, tmp_path: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    (chats / writer.journal.thread_id / "lane").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unreadable):
        writer.journal.take_lane()
    assert not (tmp_path / "elsewhere").exists()


def test_two_thousand_takings_leave_no_descriptor_open(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(2_000):
        assert writer.journal.take_lane()
        writer.journal.release_lane()
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_lane_whose_folder_got_another_name_meanwhile_is_not_this_threads(
    chats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    whole = LockedFile.try_lock

    def try_too_late(file: LockedFile) -> bool:
        (chats / writer.journal.thread_id).rename(chats / "renamed")
        return whole(file)

    monkeypatch.setattr(LockedFile, "try_lock", try_too_late)
    assert not writer.journal.take_lane()
