"""The websocket of a thread: join, leave, come back, and miss nothing."""

from __future__ import annotations

import asyncio
import base64
import fcntl
import json
import os
import socket as tcp
from collections.abc import AsyncGenerator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from played import Held, Played
from served import Connect, Rest, lines_of, tree, until

from jupyter_chat_sessions.core.roles import AgentEvent, Request, TextDelta
from jupyter_chat_sessions.core.transcript import text_of
from jupyter_chat_sessions.server import live as live_module

PLAYED = {"model": "played"}


async def test_an_address_that_is_no_threads_is_refused_in_words(live: Connect, jp_root_dir: Path) -> None:
    for odd in ("%20", "a b", "x" * 300, "%2e%2e", "con", "00000000-0000-0000-0000-000000000000"):
        assert await (await live(quote(odd))).refusal() == ("invalid_thread_id", 4400), odd
    for after in ("x", "-1", "1" * 30):
        assert await (await live("3b0c5a52-6a1e-4a36-9d4e-0c8a4a1f2b3c", after=after)).refusal() == ("malformed", 4400)
    assert await (await live("3b0c5a52-6a1e-4a36-9d4e-0c8a4a1f2b3c", folder="../x")).refusal() == ("not_found", 4404)
    assert tree(jp_root_dir) == set()


async def test_a_second_socket_goes_on_where_the_first_stopped(
    live: Connect, agent: Played, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    first = await live(thread_id)
    await first.send("one", options=PLAYED)
    await first.event("RUN_FINISHED")
    first.connection.close()
    second = await live(thread_id, after=first.lines()[-1]["seq"])
    hello = await second.next()
    assert (hello["lines"], hello["reset"], hello["run"], hello["queue"]) == ([], False, None, [])
    await second.send("two", options=PLAYED)
    await second.event("RUN_FINISHED")
    assert [text_of(message) for message in agent.requests[1].messages] == ["one", "You said one", "two"]
    nothing_known = await live(thread_id)
    hello = await nothing_known.next()
    assert [line["seq"] for line in hello["lines"]] == list(range(1, 9))
    assert hello["lines"] == first.lines() + second.lines()
    ahead = await (await live(thread_id, after=99)).next()
    assert (ahead["reset"], ahead["lines"]) == (True, hello["lines"])


async def test_hello_tells_how_long_a_frame_may_be_and_only_a_longer_one_breaks_the_connection(
    live: Connect, new_id: Callable[[], str]
) -> None:
    socket = await live(new_id())
    most = (await socket.next())["most_bytes"]
    frame = json.dumps({"kind": "cancel", "id": new_id()})
    await socket.connection.write_message(frame.ljust(most))
    assert (await socket.answer(json.loads(frame)["id"]))["cancelled"] is False
    await socket.connection.write_message(frame.ljust(most + 1))
    assert await socket.closed() in (1009, None)


async def test_stop_from_another_socket_stops_the_answer_within_half_a_second(
    live: Connect, agent: Played, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    one, other = await live(thread_id), await live(thread_id)
    await other.say(kind="cancel", id="idle")
    assert (await other.answer("idle")) == {"kind": "ack", "id": "idle", "cancelled": False, "runIds": []}
    held = agent.play = Held("never")
    ack = await one.answer(await one.send("go", options=PLAYED))
    await held.has_begun.wait()
    began = asyncio.get_running_loop().time()
    await other.say(kind="cancel", id="stop")
    assert (await other.answer("stop"))["runIds"] == [ack["runId"]]
    for socket in (one, other):
        assert (await socket.event("RUN_FINISHED"))["outcome"] == {"type": "cancelled"}
    assert asyncio.get_running_loop().time() - began < 0.5
    assert agent.in_flight == 0


async def test_who_drops_out_in_mid_answer_and_comes_back_has_every_piece_once(
    live: Connect, agent: Played, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    pieces = [f"{n} " for n in range(40)]
    held = agent.play = Held(*pieces)
    steady, shaky = await live(thread_id), await live(thread_id)
    twin = await live(thread_id)
    ack = await steady.answer(await steady.send("count", options=PLAYED))
    run_id = ack["runId"]
    await shaky.event("RUN_STARTED")
    for _ in range(3):
        for _ in range(10):
            held.let()
            await shaky.event("TEXT_MESSAGE_CONTENT")
        shaky.connection.close()
        frames, shaky = shaky.frames, await live(thread_id, after=shaky.lines()[-1]["seq"])
        shaky.frames = frames
        held.let()
    held.let(40)
    await steady.event("RUN_FINISHED")
    await shaky.event("RUN_FINISHED")
    await twin.event("RUN_FINISHED")
    messages = [line["message"] for line in lines_of(jp_root_dir, thread_id) if line["type"] == "message"]
    (stored,) = [message for message in messages if message["role"] == "assistant"]
    assert stored["content"] == "".join(pieces)
    for socket in (steady, twin):
        assert socket.text(run_id) == stored["content"]
        numbers = [frame["n"] for frame in socket.frames if frame.get("run_id") == run_id]
        assert numbers == list(range(1, len(numbers) + 1))
    assert shaky.text(run_id) == stored["content"]
    seqs = [line["seq"] for line in steady.lines()]
    assert seqs == sorted(set(seqs))
    assert [line["seq"] for line in shaky.lines()] == seqs


async def test_an_answer_that_ended_while_nobody_watched_is_there_on_return(
    live: Connect, agent: Played, chats: Callable[[], Any], new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    held = agent.play = Held("all of it")
    socket = await live(thread_id)
    ack = await socket.answer(await socket.send("go", options=PLAYED))
    seen = socket.lines()[-1]["seq"]
    socket.connection.close()
    session = chats().sessions.find(thread_id)
    await until(lambda: not session.is_watched)
    held.let(2)
    await until(lambda: not session.conversation.is_busy)
    back = await live(thread_id, after=seen)
    hello = await back.next()
    assert hello["run"] is None
    assert [(line["type"], line["run_id"]) for line in hello["lines"]][-2:] == [
        ("message", ack["runId"]), ("run", ack["runId"]),
    ]  # fmt: skip
    assert hello["lines"][-1]["outcome"] == "success"


async def test_what_is_sent_again_after_a_reconnect_gets_the_same_ack(
    live: Connect, agent: Played, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    first, second = await live(thread_id), await live(thread_id)
    acks = [await socket.answer(await socket.send("x", id="once", options=PLAYED)) for socket in (first, second)]
    assert {**acks[0], "queued": None} == {**acks[1], "queued": None}
    await first.event("RUN_FINISHED")
    runs = []
    for _ in range(2):
        await first.say(kind="regenerate", id="again", messageId="once")
        runs.append((await first.answer("again"))["runId"])
    assert runs[0] == runs[1] != acks[0]["runId"]
    await until(lambda: len(agent.requests) == 2)


async def test_a_stop_that_is_sent_again_after_a_reconnect_does_not_stop_what_was_begun_meanwhile(
    live: Connect, agent: Played, new_id: Callable[[], str]
) -> None:
    thread_id, held = new_id(), Held("one", "two")
    agent.play = held
    first, second = await live(thread_id), await live(thread_id)
    stopped = await first.answer(await first.send("x", options=PLAYED))
    await held.has_begun.wait()
    await first.say(kind="cancel", id="stop")
    told = await first.answer("stop")
    assert told["runIds"] == [stopped["runId"]]
    begun = await second.answer(await second.send("y", options=PLAYED))
    await second.say(kind="cancel", id="stop")
    assert await second.answer("stop") == told
    held.let(3)
    ended = await second.until(lambda frame: frame.get("run_id") == begun["runId"] and "outcome" in frame["event"])
    assert ended["event"]["outcome"] == {"type": "success"}


async def test_a_session_that_nobody_needs_is_closed_and_one_that_is_watched_is_not(
    rest: Rest, live: Connect, chats: Callable[[], Any], new_id: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_chat_sessions.engine.sessions.QUIET_LOOK_S", 0.05)
    thread_id = new_id()
    await rest("GET", "/health")
    sessions = chats().sessions
    sessions._idle_close_s = 0.0
    socket = await live(thread_id)
    await socket.next()
    await socket.send("one", options=PLAYED)
    await socket.event("RUN_FINISHED")
    watched = sessions.find(thread_id)
    await asyncio.sleep(0.3)  # several looks round
    assert sessions.find(thread_id) is watched
    await socket.send("two", options=PLAYED)
    await socket.event("RUN_FINISHED")
    seen = socket.lines()[-1]["seq"]
    socket.connection.close()
    await until(lambda: sessions.find(thread_id) is None)
    back = await live(thread_id, after=seen)
    hello = await back.next()
    assert (hello["seq"], hello["lines"], hello["thread"]["title"]) == (seen, [], "one")
    await back.send("three", options=PLAYED)
    assert (await back.event("RUN_FINISHED"))["outcome"] == {"type": "success"}


async def handshake(
    url: str, port: int, header: dict[str, str], joined: tcp.socket | None = None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A websocket by hand, over a connected socket perhaps: nothing here answers a ping or reads what it need not."""
    connecting = {"host": "127.0.0.1", "port": port} if joined is None else {"sock": joined}
    reader, writer = await asyncio.open_connection(**connecting)  # type: ignore[arg-type]
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        f"GET {url} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}",
    ]  # fmt: skip
    lines += [f"{name}: {value}" for name, value in header.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    assert b" 101 " in await reader.readline()
    await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def test_a_query_that_is_no_text_is_refused_in_words(
    rest: Rest, new_id: Callable[[], str], jp_serverapp: Any, jp_base_url: str, jp_auth_header: dict[str, str]
) -> None:
    await rest("GET", "/health")
    url = f"{jp_base_url}chat-sessions/threads/{new_id()}/live?notebook=%FF"
    reader, writer = await handshake(url, jp_serverapp.port, jp_auth_header)
    assert b'"malformed"' in await asyncio.wait_for(reader.readuntil(b"}"), 30)
    assert b"\x11\x30" in await asyncio.wait_for(reader.read(100), 30)  # the close frame's code is 4400
    writer.close()


async def test_a_silent_socket_is_kept_alive_by_pings_and_by_frames_that_a_page_can_see(
    rest: Rest, new_id: Callable[[], str], jp_serverapp: Any, jp_base_url: str, jp_auth_header: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    assert live_module.PING_MS <= 15_000
    monkeypatch.setattr(live_module, "PING_MS", 50)
    monkeypatch.setattr(live_module.Live, "ping_timeout", 30_000)  # a busy machine answers late
    await rest("GET", "/health")
    url = f"{jp_base_url}chat-sessions/threads/{new_id()}/live"
    reader, writer = await handshake(url, jp_serverapp.port, jp_auth_header)
    pings, frames = 0, list[str]()
    while pings < 3 or len(frames) < 3:
        first, second = await asyncio.wait_for(reader.readexactly(2), 30)
        length = second & 127
        if length == 126:
            length = int.from_bytes(await reader.readexactly(2), "big")
        payload = await reader.readexactly(length)
        if first & 15 == 9:
            pings += 1
            writer.write(b"\x8a\x80\0\0\0\0")  # a pong
        else:
            frames.append(json.loads(payload)["kind"])
    assert frames == ["hello", *["heartbeat"] * (len(frames) - 1)]
    writer.close()


async def test_a_socket_that_answers_no_ping_has_lost_its_other_end_and_is_no_viewer_any_more(
    rest: Rest, chats: Callable[[], Any], new_id: Callable[[], str], jp_serverapp: Any, jp_base_url: str,
    jp_auth_header: dict[str, str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(live_module, "PING_MS", 50)
    thread_id = new_id()
    await rest("GET", "/health")
    url = f"{jp_base_url}chat-sessions/threads/{thread_id}/live"
    _, writer = await handshake(url, jp_serverapp.port, jp_auth_header)  # it reads nothing, and never pongs
    await until(lambda: chats().sessions.find(thread_id) is not None)
    session = chats().sessions.find(thread_id)
    await until(lambda: session.is_watched)
    await until(lambda: not session.is_watched)
    writer.close()


async def test_a_socket_that_left_while_its_thread_was_opened_is_not_kept_as_a_viewer(
    rest: Rest, chats: Callable[[], Any], new_id: Callable[[], str], jp_root_dir: Path, jp_serverapp: Any,
    jp_base_url: str, jp_auth_header: dict[str, str],
) -> None:  # fmt: skip
    thread_id = new_id()
    await rest("POST", "/threads", {"thread_id": thread_id})
    sessions = chats().sessions
    await sessions.drop(thread_id)
    lock = os.open(jp_root_dir / ".chats" / thread_id / "chat.jsonl", os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        url = f"{jp_base_url}chat-sessions/threads/{thread_id}/live"
        _, writer = await handshake(url, jp_serverapp.port, jp_auth_header)
        await until(lambda: thread_id in sessions._open)
        writer.transport.abort()
    finally:
        os.close(lock)
    await until(lambda: sessions.find(thread_id) is not None)
    await until(lambda: not sessions.find(thread_id).is_watched)


async def test_a_socket_that_does_not_read_gets_a_snapshot_when_it_does(
    rest: Rest, live: Connect, agent: Played, new_id: Callable[[], str], jp_root_dir: Path, chats: Callable[[], Any],
    jp_serverapp: Any, jp_base_url: str, jp_auth_header: dict[str, str],
) -> None:  # fmt: skip
    thread_id = new_id()
    piece = "x" * 60_000

    async def floods(request: Request) -> AsyncGenerator[AgentEvent, None]:
        for _ in range(400):
            yield TextDelta(piece)
            await asyncio.sleep(0)

    agent.play = floods
    await rest("GET", "/health")
    url = f"{jp_base_url}chat-sessions/threads/{thread_id}/live"
    reader, writer = await handshake(url, jp_serverapp.port, jp_auth_header)
    answer = await rest(
        "POST", f"/threads/{thread_id}/messages", {"content": "go", "model": "played"}, query={"wait": "true"}
    )
    assert answer.json["outcome"] == "success"
    size, kinds = 0, []
    while kinds.count(b'{"kind":"hello"') < 2:
        first, second = await asyncio.wait_for(reader.readexactly(2), 30)
        length = second & 127
        if length >= 126:
            length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
        payload = await reader.readexactly(length)
        size += length
        if first & 15 == 1:
            kinds.append(payload[:15])
    assert size < 2 * len(piece) * 400
    assert len(kinds) < 400
    writer.close()


async def test_a_socket_that_sends_and_never_reads_is_not_heard_on_and_takes_no_memory(
    rest: Rest, new_id: Callable[[], str], chats: Callable[[], Any], jp_serverapp: Any, jp_base_url: str,
    jp_auth_header: dict[str, str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    most, count, loop = 20_000, 600, asyncio.get_running_loop()
    monkeypatch.setattr(live_module, "MOST_BEHIND_BYTES", most)
    thread_id = new_id()
    await rest("POST", f"/threads/{thread_id}/messages", {"content": "/help"}, query={"wait": "true"})
    with tcp.socket() as joined:
        joined.setsockopt(tcp.SOL_SOCKET, tcp.SO_RCVBUF, 4096)
        joined.setblocking(False)
        await loop.sock_connect(joined, ("127.0.0.1", jp_serverapp.port))
        url = f"{jp_base_url}chat-sessions/threads/{thread_id}/live"
        reader, writer = await handshake(url, jp_serverapp.port, jp_auth_header, joined)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        (handler,) = chats().sessions.find(thread_id)._audience._viewers
        handler.ws_connection.stream.socket.setsockopt(tcp.SOL_SOCKET, tcp.SO_SNDBUF, 4096)
        for number in range(count):
            asked = json.dumps({"kind": "nonsense", "id": str(number)}).encode()
            writer.write(bytes([0x81, 0x80 | len(asked), 0, 0, 0, 0]) + asked)
        await until(lambda: handler._unsent > most)
        for _ in range(50):
            await asyncio.sleep(0)
            assert handler._unsent < most + 2 * live_module.WAITING_FRAME_BYTES
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        for number in range(count):
            await asyncio.wait_for(reader.readuntil(f'"id":"{number}"'.encode()), 30)
        writer.close()


async def test_a_run_in_flight_is_activity(
    live: Connect, agent: Played, new_id: Callable[[], str], jp_serverapp: Any
) -> None:
    thread_id = new_id()
    held = agent.play = Held("a")
    socket = await live(thread_id)
    await socket.send("go", options=PLAYED)
    times: dict[str, datetime] = jp_serverapp.web_app.settings["last_activity_times"]
    times.pop("chat_sessions", None)
    await until(lambda: "chat_sessions" in times)
    first = times["chat_sessions"]
    await until(lambda: times["chat_sessions"] > first)
    held.let(2)
    await socket.event("RUN_FINISHED")
    assert jp_serverapp.web_app.last_activity() >= first


# --- server-sent events -----------------------------------------------------------------------------------------------


async def listen(url: str, port: int, header: dict[str, str]) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"GET {url} HTTP/1.1", f"Host: 127.0.0.1:{port}", *(f"{name}: {value}" for name, value in header.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 200 " in head
    assert b"Content-Type: text/event-stream\r\n" in head
    return reader, writer


async def test_events_are_the_sockets_frames_and_end_with_the_thread_or_the_listener(
    rest: Rest, live: Connect, new_id: Callable[[], str], chats: Callable[[], Any], monkeypatch: pytest.MonkeyPatch,
    jp_serverapp: Any, jp_base_url: str, jp_auth_header: dict[str, str],
) -> None:  # fmt: skip
    monkeypatch.setattr("jupyter_chat_sessions.server.events.HEARTBEAT_S", 0.05)
    thread_id = new_id()
    socket = await live(thread_id)
    url = f"{jp_base_url}chat-sessions/threads/{thread_id}/events"
    reader, writer = await listen(url, jp_serverapp.port, jp_auth_header)
    leaver, leaving = await listen(url, jp_serverapp.port, jp_auth_header)
    session = chats().sessions.find(thread_id)
    assert len(session._audience._viewers) == 3
    await reader.readuntil(b": still here\n\n")
    await leaver.readuntil(b"data:")
    leaving.transport.abort()
    await until(lambda: len(session._audience._viewers) == 2)
    await socket.send("hi", options=PLAYED)
    await socket.event("RUN_FINISHED")
    await rest("DELETE", f"/threads/{thread_id}")
    body = await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 30)
    told = [line[6:] for line in body.decode().splitlines() if line.startswith("data: ")]
    assert [frame for frame in told if '"RUN_FINISHED"' in frame]
    assert '"thread_deleted"' in told[-1]
    writer.close()
    assert (await rest("GET", f"/threads/{thread_id}/events")).refusal == (404, "thread_deleted")
    assert (await rest("HEAD", f"/threads/{thread_id}/events")).status == 405
