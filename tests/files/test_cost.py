"""What a turn costs does not grow with what was said before: exact counts, not times."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from threads_on_disk import Writer, asked, fixed_clock, header_bytes, said, thread_with_bytes, turn, writer_in

from jupyter_chat_sessions.core.ids import new_thread_id
from jupyter_chat_sessions.core.transcript import encode
from jupyter_chat_sessions.files.journal import FileJournal

_CALLS = ("write", "pread", "fsync", "fdatasync", "open", "stat", "fstat", "link", "rename", "mkdir")


class Counts(dict[str, int]):
    """How often each call was made, and how many bytes it moved."""

    def bytes_of(self, call: str) -> int:
        return self.get(f"{call} bytes", 0)

    def add(self, name: str, amount: int) -> None:
        self[name] = self.get(name, 0) + amount


@contextmanager
def counted() -> Iterator[Counts]:
    counts = Counts()
    with pytest.MonkeyPatch.context() as patch:
        for name in _CALLS:
            patch.setattr(os, name, _counting(getattr(os, name), name, counts))
        yield counts


def _counting(call: Callable[..., object], name: str, counts: Counts) -> Callable[..., object]:
    def counting(*arguments: object, **options: object) -> object:
        result = call(*arguments, **options)
        counts.add(name, 1)
        if name == "write":
            counts.add("write bytes", int(str(result)))
        if isinstance(result, bytes):
            counts.add(f"{name} bytes", len(result))
        return result

    return counting


def slope(xs: list[int], ys: list[int]) -> float:
    """The exponent with which `ys` grow, by least squares on logarithms."""
    points = [(math.log(x), math.log(max(y, 1))) for x, y in zip(xs, ys, strict=True)]
    mean_x, mean_y = (sum(each) / len(points) for each in zip(*points, strict=True))
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points)


def _long_thread(chats: Path, lines: int) -> Writer:
    """A writer that has read a thread of so many lines, about 400 bytes each."""
    thread_id = new_thread_id()
    makes = [make for number in range(1, lines // 4 + 2) for make in turn(number, "w" * 400)]
    data = header_bytes(thread_id) + b"".join(encode(make(seq)) for seq, make in enumerate(makes[:lines], 1))
    writer = Writer(thread_with_bytes(chats, data, thread_id))
    writer.look()
    return writer


_SIZES = [10, 100, 1000, 10_000]


@pytest.fixture(scope="module")
def threads(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Writer]:
    chats = tmp_path_factory.mktemp("cost") / ".chats"
    return {size: _long_thread(chats, size) for size in _SIZES}


def test_an_append_costs_the_same_after_ten_lines_and_after_ten_thousand(threads: dict[int, Writer]) -> None:
    costs: list[Counts] = []
    for size in _SIZES:
        with counted() as counts:
            threads[size].append(asked("m", "w" * 400), is_synced=True)
        costs.append(counts)
    for cost in costs:
        assert cost["write"] == 1
        assert cost["fdatasync"] == 1
        assert cost.get("fsync", 0) == cost.get("rename", 0) == cost.get("mkdir", 0) == 0
    for name in set().union(*costs):
        assert slope(_SIZES, [cost.get(name, 0) for cost in costs]) <= 0.05, name


def test_an_unsynced_append_syncs_nothing(threads: dict[int, Writer]) -> None:
    with counted() as counts:
        threads[10].append(said("r", "x"))
    assert counts["write"] == 1
    assert counts.get("fdatasync", 0) == counts.get("fsync", 0) == 0


def test_no_news_costs_one_stat(threads: dict[int, Writer]) -> None:
    with counted() as counts:
        assert not threads[10_000].journal.has_news()
    assert counts == {"stat": 1}


@pytest.mark.parametrize("page", ["tail", "before"])
def test_a_page_costs_the_same_however_long_the_thread_is(threads: dict[int, Writer], page: str) -> None:
    costs: list[Counts] = []
    sizes = _SIZES[1:]
    for size in sizes:
        journal = threads[size].journal
        with counted() as counts:
            found = journal.tail(50) if page == "tail" else journal.before(None, 20)
        assert found.more
        costs.append(counts)
    for name in set().union(*costs):
        assert slope(sizes, [cost.get(name, 0) for cost in costs]) <= 0.05, name


def test_the_last_fifty_of_a_hundred_thousand_lines_are_found_in_a_few_blocks(tmp_path: Path) -> None:
    thread_id = new_thread_id()
    line = encode(said("r", "w" * 400)(1))
    path = tmp_path / ".chats" / thread_id / "chat.jsonl"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.write(header_bytes(thread_id))
        file.writelines(line.replace(b'"seq":1', b'"seq":%d' % seq) for seq in range(1, 100_001))
    journal = FileJournal(path.parent, thread_id, clock=fixed_clock)
    with counted() as counts:
        page = journal.tail(50)
    assert [line.seq for line in page.lines] == list(range(99_951, 100_001))
    assert counts.bytes_of("pread") <= 150_000 < path.stat().st_size / 300


def test_the_first_write_syncs_the_file_and_the_folders_above_it_once(chats: Path) -> None:
    chats.mkdir()
    (chats / ".gitignore").write_text("")
    writer = writer_in(chats)
    with counted() as counts:
        writer.append(asked("m1"), is_synced=True)
    assert counts["write"] == 1
    assert counts["fdatasync"] == 1
    assert counts["fsync"] == 3
    assert counts["link"] == 1


def test_a_thousand_turns_write_little_more_than_their_own_size(chats: Path) -> None:
    writer = writer_in(chats)
    with counted() as counts:
        for number in range(1, 1001):
            first, *rest = turn(number, "w" * 400)
            writer.append(first)
            writer.append(*rest)
    size = (chats / writer.journal.thread_id / "chat.jsonl").stat().st_size
    assert counts.bytes_of("write") <= 1.2 * size
    assert counts["write"] <= 2002
