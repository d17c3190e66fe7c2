"""M5 and M8: coming to a chat. Joining an answer of 10,000 pieces in flight; opening a chat of up to 100,000 messages.

What is timed is the way of a page: connect, and have the first frame whole. Beside ours, for opening, jupyterlab_chat
0.25.3 where `JUPYTERLAB_CHAT_PYTHON` names its environment. The floor is the same way into a chat with nothing in it.
"""

from __future__ import annotations

import statistics
import tempfile
import time
import uuid
from contextlib import ExitStack
from pathlib import Path

from .harness import Figure, interval
from .m01_stream import Load, new_room
from .servers import PEER_PYTHON, Server, first_frame, listen, provider, server

PIECES = 10_000
SIZES = (1_000, 10_000, 100_000)


def measure(is_quick: bool) -> list[Figure]:
    """Each way in, several times, each time into a chat nobody has opened yet."""
    rounds = 5 if is_quick else 15
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address = stack.enter_context(provider())
        servers = []
        for name in ["ours", "peer"] if PEER_PYTHON else ["ours"]:
            (root / name).mkdir()
            servers.append(stack.enter_context(server(root / name, address, is_peer=name == "peer")))
        for each in servers:
            first_frame(each, str(uuid.uuid4()))  # the first visit of a server pays for what it loads
        empty = _openings(servers[0], 0, rounds)
        figures = [_figure("M8", "opening an empty chat (the floor)", empty, "")]
        for size in SIZES[:2] if is_quick else SIZES:
            for each in servers:
                whose = "jupyterlab_chat" if each.is_peer else "ours"
                times = _openings(each, size, 3 if each.is_peer else rounds)
                note = f"{statistics.median(times) / statistics.median(empty):.1f} x the floor"
                figures.append(_figure("M8", f"opening {size:,} messages, {whose}", times, note))
        return [*figures, _joining(servers[0], rounds, empty)]


def _openings(to: Server, messages: int, rounds: int) -> list[float]:
    load = Load("M8", "", history=messages)
    return [1000 * first_frame(to, new_room(to, load))[0] for _ in range(rounds)]


def _joining(to: Server, rounds: int, empty: list[float]) -> Figure:
    name = str(uuid.uuid4())
    listen(to, [name], f"hold-{PIECES}", PIECES, patience_s=30)
    found = [first_frame(to, name) for _ in range(rounds)]
    times = [1000 * seconds for seconds, _ in found]
    ratio = statistics.median(times) / statistics.median(empty)
    note = f"{found[-1][1] / 1000:.0f} kB, {ratio:.1f} x the floor"
    return _figure("M5", f"joining an answer of {PIECES:,} pieces", times, note)


def _figure(id: str, what: str, times: list[float], note: str) -> Figure:
    low, high = interval(times)
    return Figure(
        id, what, statistics.median(times), low, high, "ms", "", None, f"{note}, {len(times)} times".strip(", ")
    )


if __name__ == "__main__":
    began = time.monotonic()
    for each in measure(True):
        print(each.what, round(each.value, 2), each.note)
    print(round(time.monotonic() - began), "s")
