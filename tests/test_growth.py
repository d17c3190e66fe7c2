"""What a word and a turn cost the server's loop, counted: neither grows with what has been said, nor with other chats.

A real session over a real transcript. Counted are Python function calls on the loop's thread and frames to a viewer, so
the figures are the same on every machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

import pytest
from benchmarks.counters import slope
from test_costs import a_message, one_turn, opened

from jupyter_chat_sessions.core.errors import ChatError
from jupyter_chat_sessions.core.frames import Frame
from jupyter_chat_sessions.core.ids import new_message_id
from jupyter_chat_sessions.engine.stage import Ending, Stage

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="descriptors are named by /proc")

T = TypeVar("T")

STEADY = 0.05
"""The steepest slope, on logarithms, that still counts as not growing."""
WARM_UP = 20


@contextlib.contextmanager
def counted_calls() -> Iterator[list[int]]:
    """How many Python functions this thread calls meanwhile, as the one element of a list."""
    count = [0]
    outer = sys.getprofile()  # counts no further meanwhile

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            count[0] += 1

    sys.setprofile(note)
    try:
        yield count
    finally:
        sys.setprofile(outer)


class Watching:
    """A viewer that notes how much it was told."""

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0

    def tell(self, frame: Frame) -> None:
        self.frames += 1
        self.bytes += len(frame.text)

    def dismiss(self, why: ChatError) -> None:
        raise AssertionError(why)


class Speaks:
    """Answers in so many pieces, each in a tick of its own, and notes what a piece costs after the first few."""

    def __init__(self, pieces: int, viewer: Watching) -> None:
        self.pieces = pieces
        self._viewer = viewer
        self.calls = self.frames = self.bytes = 0.0

    async def __call__(self, stage: Stage) -> Ending:
        message_id = new_message_id()
        stage.say({"type": "TEXT_MESSAGE_START", "messageId": message_id, "role": "assistant"})
        await self._say(stage, message_id, WARM_UP)
        frames, told = self._viewer.frames, self._viewer.bytes
        with counted_calls() as calls:
            await self._say(stage, message_id, self.pieces)
        self.calls = calls[0] / self.pieces
        self.frames = (self._viewer.frames - frames) / self.pieces
        self.bytes = (self._viewer.bytes - told) / self.pieces
        await stage.contribute({"id": message_id, "role": "assistant", "content": "word " * (WARM_UP + self.pieces)})
        return Ending("success")

    async def _say(self, stage: Stage, message_id: str, pieces: int) -> None:
        for _ in range(pieces):
            stage.say({"type": "TEXT_MESSAGE_CONTENT", "messageId": message_id, "delta": "word "})
            await asyncio.sleep(0)
            await asyncio.sleep(0)


def fresh(below: Path, size: int) -> Path:
    """A folder of its own for one size."""
    folder = below / str(size)
    folder.mkdir()
    return folder


async def speak(beside: Path, *, turns: int = 10, pieces: int = 500, others: int = 0) -> Speaks:
    """What a piece cost, in a thread of so many turns, in an answer of so many pieces, beside so many open threads."""
    viewer = Watching()
    speaks = Speaks(pieces, viewer)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(others):
            await stack.enter_async_context(opened(beside, speaks, turns=1))
        session, _ = await stack.enter_async_context(opened(beside, speaks, turns))
        session.watch(viewer)
        receipt = await session.send(a_message())
        assert await session.ended(receipt.run_id) == "success"
    return speaks


def assert_steady(sizes: list[int], spoken: list[Speaks]) -> None:
    for name in ("calls", "frames", "bytes"):
        costs = [getattr(each, name) for each in spoken]
        assert min(costs) >= 0.9, f"{name} were not counted: {costs}"
        assert slope(sizes, costs) <= STEADY, f"{name} a piece: {dict(zip(sizes, costs, strict=True))}"


async def test_a_piece_costs_the_same_in_a_short_and_in_a_long_thread(tmp_path: Path) -> None:
    sizes = [10, 100, 1000]
    assert_steady(sizes, [await speak(fresh(tmp_path, size), turns=size) for size in sizes])


async def test_a_piece_costs_the_same_at_the_start_and_at_the_end_of_a_long_answer(tmp_path: Path) -> None:
    sizes = [100, 1000, 10_000]
    assert_steady(sizes, [await speak(fresh(tmp_path, size), pieces=size) for size in sizes])


async def test_a_piece_costs_the_same_beside_one_open_thread_and_beside_many(tmp_path: Path) -> None:
    sizes = [1, 10, 100]
    assert_steady(sizes, [await speak(fresh(tmp_path, size), others=size) for size in sizes])


async def at_once(function: Callable[..., T], *arguments: Any) -> T:
    """What is for the disk, in this thread, so that it is counted too."""
    return function(*arguments)


class Repeats:
    """Answers with what it was asked. Reading the history is the one thing that grows with it, and is left out."""

    def __init__(self) -> None:
        self.reading = 0

    async def __call__(self, stage: Stage) -> Ending:
        with counted_calls() as reading:
            path = await stage.path()
        self.reading = reading[0]
        await stage.contribute({"id": new_message_id(), "role": "assistant", "content": path[-1]["content"]})
        return Ending("success")


async def calls_of_a_turn(beside: Path, turns: int) -> tuple[int, int]:
    """What a turn calls, and what reading the history it answers calls beside that."""
    repeats = Repeats()
    async with opened(beside, repeats, turns, at_once) as (session, notes):
        await one_turn(session, notes)  # the first reads the whole transcript, once
        with counted_calls() as calls:
            await one_turn(session, notes)
    return calls[0], repeats.reading


async def test_a_turn_calls_the_same_in_a_short_and_in_a_long_thread_but_for_the_history_it_reads(
    tmp_path: Path,
) -> None:
    sizes = [10, 100, 1000]
    counted = [await calls_of_a_turn(fresh(tmp_path, size), size) for size in sizes]
    assert slope(sizes, [calls for calls, _ in counted]) <= STEADY, counted
    assert counted[-1][1] <= 60 * 1000, "at most so many calls for each of the thousand messages it reads at most"
