"""Kills a real server at random moments, again and again, and looks for what it had promised.

    python -m tests.faults.killing [--kills 200] [--seed 1] [--full] [--sync-s 0.25]

While clients send messages, watch answers and run tools, the server is ended by SIGKILL. The next one starts on the
same folder; then every message that was acknowledged and every answer that was told to be finished must be in its
transcript, whole and once, and of an answer that was cut at most the words of its last quarter of a second may be
missing. Prints what was found as JSON; ends with 1 where a promise was broken.

`--full` gives the servers a small disk (a tmpfs, which takes root) that is full half of the time: what is refused is
told so, and what is acknowledged is kept all the same; how old the missing words of a cut answer are is then told and
not judged. `--sync-s` makes each sync of a file take so long, as on a disk that is loaded.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1] / "server")]
from real_server import Server, Servers, serving, transcript
from served import Socket
from tornado.websocket import WebSocketClosedError

DRAFT_S = 0.25
SLACK_S = 0.25
"""What a busy machine may take between a draft's time and its write, and between a word's telling and its hearing."""

QUESTIONS = ("say 3", "say 30", "say 120", "tool", "say 60", "python")
THREADS = 4
SMALL = 64 * 2**20


@dataclass
class Found:
    """What all rounds together showed."""

    kills: int = 0
    acknowledged: int = 0
    finished: int = 0
    refused: int = 0
    """Messages that the disk did not take, and answers that ended in words about it."""
    cut: int = 0
    in_a_tool: int = 0
    oldest_missing_ms: float = 0.0
    """How long before the kill the oldest word that is missing was heard."""
    slowest_settling_s: float = 0.0
    faults: list[str] = field(default_factory=list)

    def blame(self, fault: str) -> None:
        """Notes a broken promise, once."""
        if fault not in self.faults:
            self.faults.append(fault)
            print(f"\n{fault}", file=sys.stderr)


@dataclass
class Client:
    """Who talks in one thread, and remembers what was promised. `heard` has each run's words with their times."""

    thread_id: str
    dice: random.Random
    acknowledged: set[str] = field(default_factory=set)
    finished: dict[str, str] = field(default_factory=dict)
    heard: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    unfinished: set[str] = field(default_factory=set)
    unanswered: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    refused: int = 0

    async def talk(self, socket: Socket) -> None:
        """Sends one question after another until the server is gone; at times two at once."""
        try:
            while True:
                for _ in range(self.dice.choice((1, 1, 2))):
                    self.unanswered.add(await socket.send(self.dice.choice(QUESTIONS)))
                refused = self.refused
                await self.hear_until_idle(socket)
                await asyncio.sleep(0.02 if self.refused > refused else 0)  # a person takes longer to try again
        except (EOFError, WebSocketClosedError):
            return

    async def hear_until_idle(self, socket: Socket) -> None:
        while self.unanswered or self.unfinished:
            self.hear(await socket.next(60))

    def hear(self, frame: dict[str, Any]) -> None:
        """Puts together what is told, as every viewer does: where things stand, then what is new."""
        event = frame.get("event", {})
        if frame["kind"] == "hello":
            self._join(frame)
        elif frame["kind"] == "ack":
            self.unanswered.discard(frame["id"])
            self.acknowledged.add(frame["id"])
            if frame["runId"] not in self.ended:
                self.unfinished.add(frame["runId"])
        elif frame["kind"] == "nack":
            self.unanswered.discard(frame["id"])
            self.refused += 1
        elif event.get("type") == "TEXT_MESSAGE_CONTENT":
            self.heard.setdefault(frame["run_id"], []).append((time.monotonic(), event["delta"]))
        elif event.get("type") == "RUN_FINISHED":
            self._end(event["runId"])
            self.finished[event["runId"]] = "".join(words for _, words in self.heard.get(event["runId"], ()))
        elif event.get("type") == "RUN_ERROR":
            self._end(frame["run_id"])
            self.refused += 1

    def _end(self, run_id: str) -> None:
        self.ended.add(run_id)
        self.unfinished.discard(run_id)

    def _join(self, hello: dict[str, Any]) -> None:
        """A run whose last line is on disk is in flight until that is told: on a slow disk one may come in between."""
        if run := hello["run"]:
            lines = [
                line for line in hello["lines"] if line.get("run_id") == run["run_id"] and line["type"] == "message"
            ]
            said = [line["message"]["content"] for line in lines if line["message"]["role"] == "assistant"]
            self.heard[run["run_id"]] = [(time.monotonic(), words) for words in (*said, run["text"])]

    def is_settled(self, root: Path) -> bool:
        """Whether every run that began has ended, and nothing waits."""
        lines = transcript(root, self.thread_id)
        begun = {line["run_id"] for line in lines if line["type"] == "start"}
        ended = {line["run_id"] for line in lines if line["type"] == "run"}
        waiting = {line["run_id"] for line in lines if line["type"] == "message" and line["message"]["role"] == "user"}
        return begun == ended == waiting


def check(client: Client, root: Path, killed_at: float, found: Found, most_s: float) -> None:
    """Compares what was promised with what is there; words told earlier than `most_s` before the kill are promised."""
    lines = transcript(root, client.thread_id)
    numbers = [line["seq"] for line in lines]
    if numbers != list(range(1, len(numbers) + 1)):
        found.blame(f"{client.thread_id}: numbers {numbers[-20:]}")
    asked = [line["message"]["id"] for line in lines if line["type"] == "message" and line["message"]["role"] == "user"]
    if len(asked) != len(set(asked)):
        found.blame(f"{client.thread_id}: a message is there twice")
    if missing := client.acknowledged - set(asked):
        found.blame(f"{client.thread_id}: acknowledged and lost: {missing}")
    ends = [line for line in lines if line["type"] == "run"]
    outcomes = {line["run_id"]: line["outcome"] for line in ends}
    if len(outcomes) != len(ends):
        found.blame(f"{client.thread_id}: a run has ended twice")
    texts: dict[str, str] = {}
    for line in lines:
        if line["type"] == "message" and line["message"]["role"] == "assistant":
            texts[line["run_id"]] = texts.get(line["run_id"], "") + line["message"]["content"]
    for run_id, text in client.finished.items():
        if outcomes.get(run_id) != "success" or texts.get(run_id, "") != text:
            kept = f"{outcomes.get(run_id)} {texts.get(run_id, '')!r}"
            found.blame(f"{client.thread_id}: finished answer {run_id} was told as {text!r} and is {kept}")
    for run_id in client.unfinished & client.heard.keys():
        if outcomes.get(run_id) == "interrupted":
            found.cut += 1
            found.in_a_tool += any(line.get("run_id") == run_id and _is_tool(line) for line in lines)
            _check_cut(client.heard[run_id], texts.get(run_id, ""), killed_at, found, most_s)
    client.unfinished.clear()
    client.unanswered.clear()


def _is_tool(line: dict[str, Any]) -> bool:
    return line["type"] == "message" and line["message"]["role"] == "tool"


def _check_cut(heard: list[tuple[float, str]], kept: str, killed_at: float, found: Found, most_s: float) -> None:
    told = "".join(words for _, words in heard)
    if not (told.startswith(kept) or kept.startswith(told)):
        found.blame(f"the words kept are not those told: {kept[-60:]!r} {told[-60:]!r}")
    length = 0
    for when, words in heard:
        length += len(words)
        if length > len(kept):
            age = killed_at - when
            found.oldest_missing_ms = max(found.oldest_missing_ms, round(age * 1000, 1))
            if age > most_s:
                found.blame(f"words told {age:.3f} s before the kill are missing")
            return


async def _settle(server: Server, clients: list[Client], found: Found) -> None:
    """Opens the threads, so that the server takes them up, and waits until nothing is in flight."""
    began = time.monotonic()
    sockets = [await server.live(client.thread_id) for client in clients]
    while not all(client.is_settled(server.root) for client in clients):
        if time.monotonic() - began > 60:
            found.blame("a thread does not settle")
            break
        await asyncio.sleep(0.02)
    found.slowest_settling_s = max(found.slowest_settling_s, round(time.monotonic() - began, 2))
    for socket in sockets:
        socket.connection.close()


class Ballast:
    """What else lies on a disk: now all there is room for, now nothing."""

    def __init__(self, disk: Path) -> None:
        self._file = disk / "ballast"

    def fill(self) -> None:
        with suppress(OSError), self._file.open("ab") as file:
            os.posix_fallocate(file.fileno(), 0, SMALL)
        with suppress(OSError), self._file.open("ab", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    def drop(self) -> None:
        self._file.unlink(missing_ok=True)

    async def come_and_go(self, dice: random.Random) -> None:
        while True:
            await asyncio.sleep(dice.uniform(0.05, 0.4))
            self.fill()
            await asyncio.sleep(dice.uniform(0.05, 0.4))
            self.drop()


@contextmanager
def small_disk(root: Path) -> Iterator[Ballast]:
    """Puts a small disk in the folder's place. `CalledProcessError` where nobody may."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(root)]
    subprocess.run(mount, check=True, capture_output=True)
    try:
        yield Ballast(root)
    finally:
        subprocess.run(["umount", "--lazy", str(root)], check=True, capture_output=True)


async def kill_often(folder: Path, kills: int, seed: int, *, is_full: bool = False, slack_s: float = SLACK_S) -> Found:
    """So many kills of servers on one folder, then one last look."""
    found, most_s = Found(), math.inf if is_full else DRAFT_S + slack_s
    with serving(folder) as servers:
        if is_full:
            with small_disk(servers.root) as ballast:
                await _kill_often(servers, kills, random.Random(seed), found, most_s, ballast)
        else:
            await _kill_often(servers, kills, random.Random(seed), found, most_s, None)
    return found


async def _kill_often(
    servers: Servers, kills: int, dice: random.Random, found: Found, most_s: float, ballast: Ballast | None
) -> None:
    clients: list[Client] = []
    killed_at = 0.0
    for number in range(kills + 1):
        (server,) = servers.start()
        if ballast:  # it starts on a disk as full as the last one has left it
            asyncio.get_running_loop().call_later(0.3, ballast.drop)
        await _settle(server, clients, found)
        for client in clients:
            check(client, servers.root, killed_at, found, most_s)
        if number % 10 == 0 or number == kills:
            _count(clients, found)
        if number == kills:
            break
        if number % 10 == 0:  # long threads and new ones
            clients = [Client(str(uuid.UUID(int=dice.getrandbits(128), version=4)), dice) for _ in range(THREADS)]
        talking = [asyncio.ensure_future(client.talk(await server.live(client.thread_id))) for client in clients]
        filling = asyncio.ensure_future(ballast.come_and_go(dice)) if ballast else None
        await asyncio.sleep(dice.uniform(0.02, 2.0))
        killed_at = server.kill()
        found.kills += 1
        if filling:
            filling.cancel()
        await asyncio.gather(*talking)
        print(f"\r{found.kills} kills, {len(found.faults)} faults", end="", file=sys.stderr, flush=True)


def _count(clients: list[Client], found: Found) -> None:
    """Adds up what these were promised."""
    found.acknowledged += sum(len(client.acknowledged) for client in clients)
    found.finished += sum(len(client.finished) for client in clients)
    found.refused += sum(client.refused for client in clients)


def main() -> int:
    """Runs it from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.killing", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--sync-s", default="0")
    wanted = parser.parse_args()
    os.environ["SLOW_SYNC_S"] = wanted.sync_s
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="killing-") as folder:
        found = asyncio.run(kill_often(Path(folder), wanted.kills, wanted.seed, is_full=wanted.full))
    record = {
        **asdict(found),
        "seed": wanted.seed,
        "full": wanted.full,
        "sync_s": float(wanted.sync_s),
        "seconds": round(time.monotonic() - began),
    }
    print("\n" + json.dumps({**record, "load": [round(each, 1) for each in os.getloadavg()]}))
    return int(bool(found.faults))


if __name__ == "__main__":
    raise SystemExit(main())
