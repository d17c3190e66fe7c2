"""Locks that another process keeps: who is stopped while it writes holds up nobody for ever."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from threads_on_disk import Writer, asked, journal_in, transcript_of, writer_in

from jupyter_chat_sessions.core.errors import StorageFailed
from jupyter_chat_sessions.files import locks

_HOLDER = """
import fcntl, sys, time
file = open(sys.argv[1], "r+")
fcntl.flock(file, fcntl.LOCK_EX)
print("has it", flush=True)
time.sleep(600)
"""


@contextmanager
def _stopped_with(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has locked the file, and is stopped."""
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    with holder, holder.stdout:
        assert holder.stdout.readline() == "has it\n"
        holder.send_signal(signal.SIGSTOP)
        try:
            yield holder
        finally:
            holder.kill()


def test_what_a_stopped_process_keeps_locked_is_waited_for_once_then_only_looked_at(
    chats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE_S", 0.3)
    monkeypatch.setattr(locks, "IMPATIENCE_S", 0.01)
    writer = writer_in(chats)
    writer.append(asked("m1"))
    path = transcript_of(writer.journal, chats)
    before = path.read_bytes()
    with _stopped_with(path) as holder:
        with pytest.raises(StorageFailed, match="another process keeps it locked"):
            writer.append(asked("m2"))
        monkeypatch.setattr(locks, "PATIENCE_S", 600)
        for _ in range(5):
            with pytest.raises(StorageFailed, match="another process keeps it locked"):
                writer.append(asked("m2"))
            with pytest.raises(StorageFailed, match="another process keeps it locked"):
                journal_in(chats, writer.journal.thread_id).tail(3)
        assert path.read_bytes() == before
        holder.kill()
        holder.wait()
    assert [line.seq for line in writer.append(asked("m2"))] == [2]
    assert not locks._kept
    other = Writer(journal_in(chats, writer.journal.thread_id))
    other.append(asked("m3"))
    assert [line.seq for line in other.seen] == [1, 2, 3]


def test_who_gave_up_a_lock_does_not_have_it_later(chats: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE_S", 0.05)
    writer = writer_in(chats)
    writer.append(asked("m1"))
    path = transcript_of(writer.journal, chats)
    with _stopped_with(path) as holder:
        with pytest.raises(StorageFailed):
            writer.append(asked("m2"))
        holder.kill()
        holder.wait()
    deadline = time.monotonic() + 30
    while any(each.name == "waits for a lock" for each in threading.enumerate()):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    monkeypatch.setattr(locks, "PATIENCE_S", 0.0)
    writer.append(asked("m2"))
