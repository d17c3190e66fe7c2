"""M9: a folder with 10,000 threads: listing a page of them, finding one by its words, renaming one, over HTTP.

Each is timed as a page sees it, beside the cheapest answer of the same server (`GET /api`), the floor. The first
listing of a folder without a catalog is shown apart, with files as old as their words and, as after a copy, of this
moment, which have to be read all; and how long its catalog takes to be made, which nobody waits for.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from .harness import Figure, interval
from .m01_stream import test_costs, transcript
from .servers import Server, provider, server

THREADS = 10_000


def measure(is_quick: bool) -> list[Figure]:
    """What is done to the folder, again and again."""
    threads, rounds = (1_000, 10) if is_quick else (THREADS, 40)
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ids = _fill(root, threads)
        to = stack.enter_context(server(root, stack.enter_context(provider())))
        _ask(to, "/sandbox")  # the first request pays for what is loaded
        first = _times(lambda: _ask(to, "/threads?folder=&limit=50"), 1)
        made = _times(lambda: _wait_for_catalog(to), 1)
        floor = _times(lambda: to.ask("/api"), rounds)
        order = random.Random(1)
        found = {
            "a page of 50": _times(lambda: _ask(to, "/threads?folder=&limit=50"), rounds),
            "finding by words": _times(lambda: _ask(to, f"/threads?folder=&limit=50&q={order.choice(ids)}"), rounds),
            "renaming": _times(lambda: _rename(to, order.choice(ids)), rounds),
        }
    copied = _listing_of_a_copy(threads)
    figures = [
        _once(f"{threads:,} threads, first listing", first[0]),
        _once("from then until their catalog is made", made[0]),
        _once(f"{threads:,} threads just copied, first listing", copied),
        _figure("the floor, GET /api", floor, floor),
    ]
    return figures + [_figure(f"{threads:,} threads, {name}", times, floor) for name, times in found.items()]


def _once(what: str, time_ms: float) -> Figure:
    return Figure("M9", what, time_ms, time_ms, time_ms, "ms", "", None, "once")


def _listing_of_a_copy(threads: int) -> float:
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for each in _fill(root, threads):
            os.utime(root / ".chats" / each / "chat.jsonl")
        to = stack.enter_context(server(root, stack.enter_context(provider())))
        _ask(to, "/sandbox")
        return _times(lambda: _ask(to, "/threads?folder=&limit=50"), 1)[0]


def _wait_for_catalog(to: Server) -> None:
    while not (to.root / ".chats" / "catalog.json").exists():
        time.sleep(0.01)


def _fill(root: Path, threads: int) -> list[str]:
    ids = [str(uuid.uuid4()) for _ in range(threads)]
    for number, each in enumerate(ids):
        at = f"2026-11-{1 + number % 20:02}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.000Z"
        folder = root / ".chats" / each
        folder.mkdir(parents=True)
        (folder / "chat.jsonl").write_bytes(transcript(each, 1).replace(test_costs.AT.encode(), at.encode()))
        changed = datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()
        os.utime(folder / "chat.jsonl", (changed, changed))
    return ids


def _ask(to: Server, path: str) -> object:
    return json.loads(to.ask(f"/chat-sessions{path}"))


def _rename(to: Server, thread_id: str) -> None:
    to.ask(f"/chat-sessions/threads/{thread_id}?folder=", "PATCH", {"title": f"Title {uuid.uuid4()}"})


def _times(work: Callable[[], object], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - began))
    return times


def _figure(what: str, times: list[float], floor: list[float]) -> Figure:
    low, high = interval(times)
    ratio = statistics.median(times) / statistics.median(floor)
    return Figure("M9", what, statistics.median(times), low, high, "ms", "", None, f"{ratio:.1f} x GET /api")


if __name__ == "__main__":
    for each in measure(False):
        print(each.what, round(each.value, 2), each.note)
