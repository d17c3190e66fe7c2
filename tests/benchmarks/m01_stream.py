"""M1 to M4: how words flow through a real server to sockets in another process, and what they cost its processor.

Provider, server and listeners are processes of their own. Each piece carries the moment it was said. Beside ours,
where `JUPYTERLAB_CHAT_PYTHON` names its environment: jupyterlab_chat 0.25.3, fed as jupyter-ai feeds it. A server past
what it can hold has latencies that grow with the length of the stream: there, what it held and its CPU a piece are the
figures.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .harness import Figure, interval
from .servers import PEER_PYTHON, Heard, Server, listen, provider, server

sys.path.append(str(Path(__file__).parents[1]))
import test_costs

WORDS = "w" * 400
"""A message of the history."""


@dataclass(frozen=True, slots=True)
class Load:
    """So many rooms with so much history, an answer in each at so many pieces a second, so many sockets in each."""

    id: str
    what: str
    rooms: int = 1
    rate: int | None = 100
    pieces: int = 200
    history: int = 0
    sockets: int = 1
    settle_s: float = 0.0
    """What is said before counts, and its ages are told apart: many answers that begin at once are another matter."""
    with_peer: bool = True

    @property
    def model(self) -> str:
        return f"rate-{self.rate}-{self.pieces}" if self.rate else f"full-{self.pieces}"

    @property
    def patience_s(self) -> float:
        """What the pace needs, and half as much and two seconds more."""
        return 20.0 if self.rate is None else 1.5 * self.pieces / self.rate + 2


LOADS = (
    Load("M1", "1 thread, 100 pieces/s"),
    Load("M1", "the same after 1,000 messages", history=1000),
    Load("M1", "the same after 10,000 messages", history=10_000, pieces=100),
    Load("M2", "1 thread, full speed", rate=None, pieces=1000),
    Load("M3", "20 threads, 20 pieces/s each", rooms=20, rate=20, pieces=100),
    Load("M3", "100 threads, 20 pieces/s each", rooms=100, rate=20, pieces=100),
    Load("M3", "400 threads, 25 pieces/s each", rooms=400, rate=25, pieces=400, settle_s=6, with_peer=False),
    Load("M4", "1 thread to 100 sockets, 20 pieces/s", rate=20, pieces=60, sockets=100),
    Load("M4", "1 thread to 1,000 sockets, 20 pieces/s", rate=20, pieces=60, sockets=1000, with_peer=False),
)
QUICK = (LOADS[0], LOADS[1], LOADS[3])


def measure(is_quick: bool) -> list[Figure]:
    """Every load, ours and the peer's in turn, some rounds each."""
    figures: list[Figure] = []
    for load in QUICK if is_quick else LOADS:
        figures += _figures(load, 2 if is_quick else 3)
    return figures


def _figures(load: Load, rounds: int) -> list[Figure]:
    ours: list[Heard] = []
    peers: list[Heard] = []
    with _servers(load) as found:
        for each in found:  # the first answer of a server pays for what it loads
            listen(each, [new_room(each, LOADS[0])], "full-20", 20, patience_s=20)
        for _ in range(rounds):
            for each in found:
                rooms = [new_room(each, load) for _ in range(load.rooms)]
                heard = listen(
                    each,
                    rooms,
                    load.model,
                    load.pieces,
                    sockets=load.sockets,
                    patience_s=load.patience_s,
                    settle_s=load.settle_s,
                )
                (peers if each.is_peer else ours).append(heard)
    return [_figure(load, ours, peers)]


@contextmanager
def _servers(load: Load) -> Iterator[list[Server]]:
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        address = stack.enter_context(provider())
        found = []
        for name in ["ours", "peer"] if PEER_PYTHON and load.with_peer else ["ours"]:
            (root / name).mkdir()
            found.append(stack.enter_context(server(root / name, address, is_peer=name == "peer")))
        yield found


def new_room(to: Server, load: Load) -> str:
    """A new chat with as many messages as the load says."""
    name = str(uuid.uuid4())
    if to.is_peer:
        messages = [
            {"id": str(number), "body": WORDS, "time": 1.0 + number, "sender": "jo", "type": "msg"}
            for number in range(load.history)
        ]
        chat = {"messages": messages, "users": {}, "attachments": {}, "metadata": {"id": name}}
        (to.root / f"{name}.chat").write_text(json.dumps(chat, indent=2))
    elif load.history:
        folder = to.root / ".chats" / name
        folder.mkdir(parents=True)
        (folder / "chat.jsonl").write_bytes(transcript(name, load.history // 2))
    return name


def transcript(thread_id: str, turns: int) -> bytes:
    """A transcript of so many turns, as the package writes it."""
    whole = test_costs.transcript_of(thread_id, turns)  # type: ignore[arg-type]
    for each in (test_costs.WORDS, test_costs.ANSWER):
        whole = whole.replace(each.encode(), WORDS.encode())
    return whole


def _figure(load: Load, ours: list[Heard], peers: list[Heard]) -> Figure:
    cpu = [each.cpu_us for each in ours]
    low, high = interval(cpu)
    note = _told("ours", ours)
    if peers:
        note += "; " + _told("jupyterlab_chat", peers)
    return Figure(load.id, load.what + ", CPU a piece", statistics.median(cpu), low, high, "us", "", None, note)


def _told(whose: str, heard: list[Heard]) -> str:
    def middle(name: str) -> float:
        return statistics.median(getattr(each, name) for each in heard)

    ages = "/".join(f"{middle(f'p{part}_ms'):.1f}" for part in (50, 95, 99))
    early = f" (p99 {middle('early_p99_ms'):.0f} ms while all begin)" if middle("early_p99_ms") else ""
    return (
        f"{whose}: p50/p95/p99 {ages} ms{early}, CPU {middle('cpu_us'):.0f} us, held {100 * middle('held'):.0f} %,"
        f" {middle('bytes_a_socket') / 1000:.0f} kB and {middle('frames_a_socket'):.0f} frames a socket"
    )


if __name__ == "__main__":
    began = time.monotonic()
    for each in measure("--quick" in sys.argv):
        print(each.what, each.note)
    print(round(time.monotonic() - began), "s")
