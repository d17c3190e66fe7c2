"""M6: what it takes until a turn of 2 kB is safe on disk, beside the least it can take.

Ours is `FileJournal.transact`: lock, look for what others wrote, one write, fdatasync, unlock. The floor is the same
bytes by one write and fdatasync on a file that is kept open. Then 100 threads at once, by the worker threads a server
has, beside one after another; and what a hop to a worker thread and back takes, which every turn makes from the loop.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from jupyter_chat_sessions.chats.disk import Disk
from jupyter_chat_sessions.core.ids import MessageId, new_run_id, new_thread_id
from jupyter_chat_sessions.core.roles import Writing
from jupyter_chat_sessions.core.transcript import Line, MessageLine, encode
from jupyter_chat_sessions.files.journal import FileJournal

from .harness import Figure, Measure, compare, interval, timed

AT = "2026-11-21T10:00:00.000Z"
GOAL = 1.2
SLACK = 1.5
THREADS = 100
TURNS = 100
"""Turns in one measurement: some 50 ms on a quick disk."""


def _turn(seq: int) -> Line:
    return MessageLine(seq, AT, {"id": MessageId(f"m{seq}"), "role": "user", "content": "w" * 1850}, new_run_id())


def _writer(folder: Path) -> Callable[[], None]:
    """Appends one turn to a thread of its own."""
    thread_id = new_thread_id()
    journal = FileJournal(folder / ".chats" / thread_id, thread_id, clock=lambda: AT)
    seq = 0

    def decide(_: tuple[Line, ...]) -> Writing:
        nonlocal seq
        seq += 1
        return Writing((_turn(seq),), is_synced=True)

    return lambda: journal.transact(decide)


def _appending(folder: Path) -> Callable[[], None]:
    """Appends turns to one thread, which gets longer from one measurement to the next."""
    append = _writer(folder)

    def append_all() -> None:
        for _ in range(TURNS):
            append()

    return append_all


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
        together = compare(*_many(Path(folder)), rounds=5 if is_quick else 15)
    ours_us, floor_us = found.ours / TURNS * 1e6, found.other / TURNS * 1e6
    hops = _hops()
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
        ),
        Figure(
            "M6",
            f"a turn in each of {THREADS} threads at once, over in turn",
            together.ratio,
            together.low,
            together.high,
            "x",
            "",
            None,
            f"{THREADS / together.ours:.0f} turns/s, in turn {THREADS / together.other:.0f}, control"
            f" {together.control:.2f}",
            together.is_sound,
        ),
        Figure("M6", "a hop to a worker thread and back", statistics.median(hops), *interval(hops), "us", "", None, ""),
    ]


def _many(folder: Path) -> tuple[Measure, Measure]:
    """A turn in each of many threads: by a server's worker threads, and one after another."""
    writers = [_writer(folder) for _ in range(THREADS)]
    for each in writers:
        each()
    disk = Disk()

    async def at_once() -> None:
        await asyncio.gather(*(disk(each) for each in writers))

    def in_turn() -> None:
        for each in writers:
            each()

    return timed(lambda: asyncio.run(at_once())), timed(in_turn)


def _hops() -> list[float]:
    async def hop() -> list[float]:
        disk, times = Disk(), []
        for _ in range(2000):
            began = time.perf_counter()
            await disk(int)
            times.append((time.perf_counter() - began) * 1e6)
        return times

    return asyncio.run(hop())[100:]
