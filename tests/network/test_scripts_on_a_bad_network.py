"""Between a script and a server: whatever the network does, the words that arrive are those on disk, each once."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from pinging_server import PING_MS, RealServer
from proxy import Proxy, offline
from reciting_agent import recited
from tornado.httpclient import HTTPError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketError, websocket_connect

from jupyter_chat_sessions.core.errors import ChatError
from jupyter_chat_sessions.core.ids import new_thread_id
from jupyter_chat_sessions.kernel import client
from jupyter_chat_sessions.kernel.client import HttpService
from jupyter_chat_sessions.kernel.thread import Thread

pytestmark = pytest.mark.slow


def until(claim: Callable[[], Any], timeout: float = 20) -> None:
    """Returns when the claim holds; fails when it does not within the time."""
    deadline = time.monotonic() + timeout
    while not claim():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


def told(server: RealServer, thread_id: str, role: str) -> list[str]:
    """What the transcript holds of one party, in order."""
    messages = (line["message"] for line in server.lines(thread_id) if line["type"] == "message")
    return [message["content"] for message in messages if message["role"] == role]


@pytest.fixture
def thread(server: RealServer, proxy: Proxy) -> Thread:
    """A thread as a script has it, on the other side of a bad network."""
    service = HttpService(f"http://127.0.0.1:{proxy.port}/chat-sessions", server.token, "there")
    return Thread(new_thread_id(), chats=service)


def test_a_script_whose_connection_breaks_at_random_bytes_has_the_whole_answer_once(
    server: RealServer, proxy: Proxy, thread: Thread
) -> None:
    chance = random.Random(3)
    proxy.break_after = lambda: chance.randrange(1, 9000)
    heard: list[str] = []
    answer = None
    for _ in range(60):  # the request itself may break on its way
        try:
            answer = thread.send("recite 150", message_id="once")
            break
        except ChatError:
            continue
    assert answer is not None
    thread.on_message(lambda message: heard.append(message["content"]))
    answer.wait(60)
    proxy.break_after = lambda: None
    assert (answer.outcome, answer.text) == ("success", "".join(recited(150)))
    assert told(server, thread.id, "assistant") == [answer.text]
    assert told(server, thread.id, "user") == ["recite 150"]
    assert heard.count(answer.text) == 1
    assert proxy.accepted > 4


def test_a_script_goes_on_after_a_silence_without_end_and_after_the_network_was_down(
    server: RealServer, proxy: Proxy, thread: Thread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "SILENCE_S", 0.5)
    answer = thread.send("recite 100")
    until(lambda: "9é" in answer.text)
    proxy.go_deaf()  # open, and nothing comes any more
    until(lambda: "60é" in answer.text)
    with offline(proxy):
        until(lambda: not server.ask("GET", f"/threads/{thread.id}")["run"])
    answer.wait(20)
    assert answer.text == "".join(recited(100)) == told(server, thread.id, "assistant")[0]


def test_a_script_whose_thread_is_deleted_while_it_is_cut_off_does_not_wait_for_ever(
    server: RealServer, proxy: Proxy, thread: Thread
) -> None:
    answer = thread.send("recite 10 600")
    until(lambda: "9é" in answer.text)
    with offline(proxy):
        server.ask("DELETE", f"/threads/{thread.id}")
    assert answer.wait(20).outcome == "error"
    until(lambda: thread._watcher is None)


# --- a websocket by hand ----------------------------------------------------------------------------------------------


class Joined:
    """One who joins again after each loss, as the wire asks for: what they have is built from frames alone."""

    def __init__(self, server: RealServer, proxy: Proxy) -> None:
        self.thread_id = new_thread_id()
        self._address = f"ws://127.0.0.1:{proxy.port}/chat-sessions/threads/{self.thread_id}/live"
        self._headers = {"Authorization": f"token {server.token}"}
        self.lines: list[dict[str, Any]] = []
        self.words: dict[str, str] = {}
        self.seen: dict[str, int] = {}
        self.acks: list[dict[str, Any]] = []
        self.heartbeats = 0
        self.joins = 0

    @property
    def seq(self) -> int:
        return self.lines[-1]["seq"] if self.lines else 0

    async def open(self) -> WebSocketClientConnection:
        return await websocket_connect(HTTPRequest(f"{self._address}?after={self.seq}", headers=self._headers))

    def hear(self, frame: dict[str, Any]) -> None:
        if frame["kind"] == "hello":
            self.joins += 1
            assert not frame["reset"]
            self.lines += frame["lines"]
            if run := frame["run"]:
                self.words[run["run_id"]], self.seen[run["run_id"]] = run["text"], run["n"]
        elif frame["kind"] == "ack":
            self.acks.append(frame)
        elif frame["kind"] == "heartbeat":
            self.heartbeats += 1
        elif frame["event"].get("name") == "line":
            self.lines.append(frame["event"]["value"])
        elif "n" in frame:
            run_id = frame["run_id"]
            assert frame["n"] == self.seen.get(run_id, 0) + 1, "no event is missing, none comes twice"
            self.seen[run_id] = frame["n"]
            if frame["event"]["type"] == "TEXT_MESSAGE_CONTENT":
                self.words[run_id] = self.words.get(run_id, "") + frame["event"]["delta"]

    @property
    def is_over(self) -> bool:
        return any(line["type"] == "run" for line in self.lines)

    async def follow(self, message: dict[str, Any]) -> None:
        """Sends a message until it is acknowledged, and listens until its run has ended."""
        while not self.is_over:
            with contextlib.suppress(OSError, HTTPError, WebSocketError):
                socket = await self.open()
                await asyncio.wait_for(self._listen(socket, message), 20)
                socket.close()

    async def _listen(self, socket: WebSocketClientConnection, message: dict[str, Any]) -> None:
        while not self.is_over and (text := await socket.read_message()) is not None:
            frame = json.loads(text)
            self.hear(frame)
            if frame["kind"] == "hello" and not self.acks:
                await socket.write_message(json.dumps(message))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_socket_that_breaks_at_random_bytes_has_every_line_once_and_the_words_on_disk(
    server: RealServer, proxy: Proxy, seed: int
) -> None:
    chance = random.Random(seed)
    proxy.break_after = lambda: chance.randrange(300, 12_000)
    proxy.delay_s = 0.01
    joined = Joined(server, proxy)
    message = {"kind": "send", "id": str(uuid.uuid4()), "content": "recite 200"}
    asyncio.run(joined.follow(message))
    stored = server.lines(joined.thread_id)[1:]
    assert [line["seq"] for line in joined.lines] == [line["seq"] for line in stored] == list(range(1, 5))
    assert joined.joins > 3
    (words,) = joined.words.values()
    assert [words] == told(server, joined.thread_id, "assistant") == ["".join(recited(200))]


def test_a_network_that_cuts_what_is_idle_does_not_cut_a_silent_run_whose_server_pings(
    server: RealServer, proxy: Proxy
) -> None:
    proxy.idle_cut_s = 3 * PING_MS / 1000  # 30 s in life, beside a ping every 10 s
    joined = Joined(server, proxy)
    silence_s = 2.5 * proxy.idle_cut_s
    asyncio.run(joined.follow({"kind": "send", "id": "m", "content": f"recite 3 {silence_s}"}))
    assert (joined.joins, proxy.idle_cuts) == (1, 0)
    assert joined.heartbeats >= 4


def test_the_network_does_cut_what_is_idle(server: RealServer, proxy: Proxy) -> None:
    """Without this the test before it would show nothing."""
    proxy.idle_cut_s = 0.1
    joined = Joined(server, proxy)
    asyncio.run(joined.follow({"kind": "send", "id": "m", "content": "recite 3 1.5"}))
    assert joined.joins > 1
    assert proxy.idle_cuts > 0
    assert told(server, joined.thread_id, "assistant") == ["".join(recited(3))]


def test_the_server_finds_a_half_open_socket_by_its_pings(server: RealServer, proxy: Proxy) -> None:
    joined = Joined(server, proxy)

    async def vanish() -> None:
        socket = await joined.open()
        await socket.read_message()
        assert proxy.open_links == 1
        proxy.go_deaf()
        await asyncio.to_thread(until, lambda: "ping timeout" in server.log, 60)
        socket.close()

    asyncio.run(vanish())


def test_five_scripts_that_follow_one_answer_through_a_network_that_drops_them_all_have_it_whole(
    server: RealServer, proxy: Proxy
) -> None:
    service = HttpService(f"http://127.0.0.1:{proxy.port}/chat-sessions", server.token, "there")
    thread_id = new_thread_id()
    threads = [Thread(thread_id, chats=service) for _ in range(5)]
    first = threads[0].send("recite 150")
    answers = [first]
    for each in threads[1:]:
        each._follow()
        answers.append(each._hearing.answer(first.run_id))
    for piece in (20, 50, 80):
        until(lambda piece=piece: f".{piece}é" in first.text)
        proxy.drop()
    for answer in answers:
        answer.wait(20)
    assert {each.text for each in answers} == {"".join(recited(150))}
