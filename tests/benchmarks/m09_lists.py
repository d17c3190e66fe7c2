"""M9: a folder with 10,000 threads: listing a page of them, finding one by its words, renaming one, over HTTP.

Each is timed as a page sees it, beside the cheapest answer of the same server (`GET /api`), the floor. The first
listing of a folder without a catalog reads every thread; it is shown apart.
"""

from __future__ import annotations

import json
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
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
        floor = _times(lambda: to.ask("/api"), rounds)
        order = random.Random(1)
        found = {
            "a page of 50": _times(lambda: _ask(to, "/threads?folder=&limit=50"), rounds),
            "finding by words": _times(lambda: _ask(to, f"/threads?folder=&limit=50&q={order.choice(ids)}"), rounds),
            "renaming": _times(lambda: _rename(to, order.choice(ids)), rounds),
        }
    figures = [
        Figure("M9", f"{threads:,} threads, first listing", first[0], first[0], first[0], "ms", "", None, "once"),
        _figure("the floor, GET /api", floor, floor),
    ]
    return figures + [_figure(f"{threads:,} threads, {name}", times, floor) for name, times in found.items()]


def _fill(root: Path, threads: int) -> list[str]:
    ids = [str(uuid.uuid4()) for _ in range(threads)]
    for number, each in enumerate(ids):
        at = f"2026-11-{1 + number % 20:02}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.000Z"
        folder = root / ".chats" / each
        folder.mkdir(parents=True)
        (folder / "chat.jsonl").write_bytes(transcript(each, 1).replace(test_costs.AT.encode(), at.encode()))
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
