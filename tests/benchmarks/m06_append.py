"""M6: what it takes until a turn of 2 kB is safe on disk, beside the least it can take.

Ours is `FileJournal.transact`: lock, look for what others wrote, one write, fdatasync, unlock. The floor is the same
bytes by one write and fdatasync on a file that is kept open.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from jupyter_chat_sessions.core.ids import MessageId, new_run_id, new_thread_id
from jupyter_chat_sessions.core.roles import Writing
from jupyter_chat_sessions.core.transcript import Line, MessageLine, encode
from jupyter_chat_sessions.files.journal import FileJournal

from .harness import Figure, compare, timed

AT = "2026-11-21T10:00:00.000Z"
GOAL = 1.2
SLACK = 1.5
TURNS = 100
"""Turns in one measurement: some 50 ms on a quick disk."""


def _turn(seq: int) -> Line:
    return MessageLine(seq, AT, {"id": MessageId(f"m{seq}"), "role": "user", "content": "w" * 1850}, new_run_id())


def _appending(folder: Path) -> Callable[[], None]:
    """Appends turns to one thread, which gets longer from one measurement to the next."""
    thread_id = new_thread_id()
    journal = FileJournal(folder / ".chats" / thread_id, thread_id, clock=lambda: AT)
    seq = 0

    def decide(_: tuple[Line, ...]) -> Writing:
        nonlocal seq
        seq += 1
        return Writing((_turn(seq),), is_synced=True)

    def append() -> None:
        for _ in range(TURNS):
            journal.transact(decide)

    return append


def _floor(folder: Path) -> Callable[[], None]:
    fd = os.open(folder / "floor.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    sync = getattr(os, "fdatasync", os.fsync)
    data = encode(_turn(1))

    def append() -> None:
        for _ in range(TURNS):
            os.write(fd, data)
            sync(fd)

    return append


def measure(is_quick: bool) -> list[Figure]:
    """The ratio of the two, and what each takes."""
    with tempfile.TemporaryDirectory() as folder:
        found = compare(timed(_appending(Path(folder))), timed(_floor(Path(folder))), rounds=7 if is_quick else 25)
    ours_us, floor_us = found.ours / TURNS * 1e6, found.other / TURNS * 1e6
    note = f"ours {ours_us:.0f} us, floor {floor_us:.0f} us a turn, {found.rounds} rounds, control {found.control:.2f}"
    return [
        Figure(
            "M6",
            "durable turn of 2 kB, over write + fdatasync",
            found.ratio,
            found.low,
            found.high,
            "x",
            f"<= {GOAL} x",
            GOAL * SLACK,
            note,
            found.is_sound,
        )
    ]
