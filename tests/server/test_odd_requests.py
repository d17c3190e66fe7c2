"""What no client of ours sends: it is refused in words, nothing is written, and the server goes on."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from played import Played
from served import Connect, Raw, Rest, tree
from test_who_may_enter import ADDRESSES, ID

ODD_IDS = (
    "%20%20", ".", "..", "%2e", "%2e%2e", "%2F", "a%2Fb", "..b", "%00", f"{ID}%00", f"{ID}%0A", "con", "a" * 300,
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff", "%7B" + ID + "%7D",
    "urn:uuid:" + ID, ID.replace("-", ""), "%FF", "%D9%A3b0c5a52-6a1e-4a36-9d4e-0c8a4a1f2b3c", "%252e%252e",
)  # fmt: skip


async def test_an_odd_thread_id_is_400_at_every_door_and_nothing_is_written(raw: Raw, jp_root_dir: Path) -> None:
    doors = [(method, address) for method, address in ADDRESSES if f"threads/{ID}" in address]
    assert len(doors) >= 18
    for method, address in doors:
        body = b'{"content": "x", "title": "t", "message_id": "m"}' if method in ("POST", "PUT", "PATCH") else None
        for odd in ODD_IDS:
            if address.endswith("live"):
                continue  # a socket is refused in a frame: see test_live
            answer = await raw(method, address.replace(ID, odd, 1), body)
            # "." and ".." are folded away by the client's address rules in some clients: then there is no such door
            assert answer.status in ((400, 404, 405) if odd in (".", "..") else (400,)), f"{method} {address} {odd}"
            if method != "HEAD" and answer.status == 400:
                assert answer.refusal[1] in ("invalid_thread_id", "malformed"), odd
    assert tree(jp_root_dir) == set()


async def test_a_thread_id_in_capitals_is_the_same_thread_in_small_letters(rest: Rest, jp_root_dir: Path) -> None:
    assert (await rest("PUT", f"/threads/{ID.upper()}/files/a.txt", b"x")).headers["X-Thread-Id"] == ID
    assert (jp_root_dir / ".chats" / ID / "files" / "a.txt").read_bytes() == b"x"
    assert (await rest("GET", f"/threads/{ID}/files")).json["files"][0]["path"] == "a.txt"
    refused = await rest("GET", f"/threads/{{{ID}}}")
    assert refused.refusal == (400, "invalid_thread_id")
    assert "UUID" in refused.json["message"]


async def test_ids_in_bodies_are_judged_as_those_in_addresses_and_a_blank_one_is_none(rest: Rest) -> None:
    for odd in ("..", "a/b", "x\x00", "con", "a" * 150, f"{ID}\n", f"{{{ID}}}"):
        assert (await rest("POST", "/threads", {"thread_id": odd})).refusal == (400, "invalid_thread_id")
    for odd in (7, [], {}, True):
        assert (await rest("POST", "/threads", {"thread_id": odd})).refusal == (400, "malformed")
    fresh = [(await rest("POST", "/threads", {"thread_id": blank})) for blank in ("", "  ", None)]
    assert [answer.status for answer in fresh] == [201, 201, 201]
    assert len({answer.json["thread_id"] for answer in fresh}) == 3
    messages = f"/threads/{ID}/messages"
    for odd in ("", " ", "../x", "a b", "x" * 129, "é", "-x"):
        assert (await rest("POST", messages, {"content": "x", "message_id": odd})).status in (400, 202)
    assert (await rest("POST", messages, {"content": "x", "message_id": "../x"})).refusal == (400, "invalid_message_id")
    assert (await rest("POST", f"/threads/{ID}/cancel", {"run_id": ".."})).refusal == (400, "invalid_run_id")


async def test_a_place_outside_the_root_is_404_wherever_it_is_named(raw: Raw, rest: Rest, jp_root_dir: Path) -> None:
    (jp_root_dir / "file.txt").write_text("x")
    for odd in (
        "..",
        "../x",
        "a/../../x",
        ".chats",
        "a/.chats/b",
        "a\\b",
        "x" * 300,
        "a/" * 2000,
        "no/such",
        "file.txt",
    ):
        for named in ({"folder": odd}, {"notebook": f"{odd}/n.ipynb"}):
            assert (await rest("POST", "/threads", named)).refusal == (404, "not_found"), odd
            answer = await rest("GET", "/threads", query=named)
            assert answer.status in (404, 422) or answer.json["threads"] == []
    for odd in ("%00", "a%00b", "%FF", "%C3%28"):
        assert (await raw("GET", f"/threads?folder={odd}")).status in (200, 400, 404)
        assert (await raw("GET", f"/threads/{ID}?notebook={odd}")).status in (400, 404)
        assert (await raw("GET", f"/threads?no_track_activity={odd}")).status in (200, 400)
    assert tree(jp_root_dir) == {"file.txt"}


BODIES: tuple[tuple[bytes, tuple[int, str]], ...] = (
    (b"{", (400, "malformed")),
    (b"[]", (400, "malformed")),
    (b"null", (400, "malformed")),
    (b'"x"', (400, "malformed")),
    (b"\xff\xfe", (400, "malformed")),
    (b'{"content": "\xff"}', (400, "malformed")),
    (b'{"content": "\\ud800"}', (400, "malformed")),
    (b"[" * 100_000, (400, "malformed")),
    (b'{"content": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", (400, "malformed")),
    (b'{"content": 1}', (400, "malformed")),
    (b'{"content": ""}', (400, "malformed")),
    (b'{"content": " \\n "}', (400, "malformed")),
    (b'{"content": []}', (400, "malformed")),
    (b'{"content": [{"type": "text"}]}', (400, "malformed")),
    (b'{"content": [{"type": "text", "text": "  "}]}', (400, "malformed")),
    (b'{"content": [{"type": "image", "size": NaN}]}', (400, "malformed")),
    (b'{"content": [{"type": "image", "size": 1e999}]}', (400, "malformed")),
    (b'{"content": [{"type": "image", "size": ' + b"9" * 5000 + b"}]}", (400, "malformed")),
    (b'{"content": "x", "colour": "red"}', (400, "malformed")),
    (b'{"content": "x", "mode": "later"}', (400, "malformed")),
    (b'{"content": "x", "parent_run_id": "zzz"}', (400, "invalid_run_id")),
    (b'{"content": "' + b"x" * 1_000_001 + b'"}', (400, "malformed")),
    (b'{"content": "' + b"x" * 3_000_000 + b'"}', (413, "too_large")),
)


async def test_a_body_that_does_not_fit_is_refused_in_words_and_nothing_is_written(
    raw: Raw, rest: Rest, jp_root_dir: Path
) -> None:
    for body, refusal in BODIES:
        answer = await raw("POST", f"/threads/{ID}/messages", body)
        assert answer.refusal == refusal, body[:60]
    for door in ("", "/cancel", "/regenerate", "/answer", "/head"):
        method = "PATCH" if not door else "POST"
        assert (await raw(method, f"/threads/{ID}{door}", b"[" * 100_000)).refusal == (400, "malformed")
    for query in ("limit=0", "limit=x", "limit=-1", "limit=1e9", "limit=" + "9" * 5000, "limit=%D9%A3"):
        assert (await raw("GET", f"/threads/{ID}/messages?{query}")).refusal == (400, "malformed"), query
        assert (await raw("GET", f"/threads?{query}")).refusal == (400, "malformed"), query
    for after in ("-1", "x", "9" * 40):
        assert (await raw("GET", f"/threads/{ID}/events?after={after}")).refusal == (400, "malformed")
    assert tree(jp_root_dir) == set()
    assert (await rest("GET", "/health")).json["status"] == "ok"


FRAMES: tuple[Any, ...] = (
    "", "{", "null", "[]", "7", '"x"', "[" * 100_000, "{}", '{"kind": "dance", "id": "1"}', '{"kind": "send"}',
    '{"kind": "send", "id": "m", "content": ""}', '{"kind": "send", "id": "m", "content": {"a": 1}}',
    '{"kind": "send", "id": "../m", "content": "x"}', '{"kind": "send", "id": 7, "content": "x"}',
    '{"kind": "send", "id": "m", "content": "x", "options": {"mode": "never"}}',
    '{"kind": "send", "id": "m", "content": "x", "options": {"parentRunId": "x"}}',
    '{"kind": "send", "id": "m", "content": "x", "options": {"parentRunId": "' + ID + '"}}',
    '{"kind": "send", "id": "m", "content": "\\ud800"}',
    '{"kind": "send", "id": "m", "content": [{"type": "t", "v": NaN}]}',
    '{"kind": "cancel", "id": "m", "runId": ".."}', '{"kind": "regenerate", "id": "m", "messageId": "nobody"}',
    '{"kind": "withdraw", "id": "m", "messageId": "nobody"}', '{"kind": "answer", "id": "m", "answers": [{}]}',
    '{"kind": "answer", "id": "m", "answers": []}', '{"kind": "send", "id": "m", "content": "x", "extra": 1}',
    b"\x00\xff", b'{"kind": "cancel", "id": "m"}',
)  # fmt: skip


def random_frames(count: int) -> list[str]:
    """JSON that is almost a frame."""
    chance = random.Random(7)
    words: list[Any] = [
        "send",
        "cancel",
        "withdraw",
        "regenerate",
        "head",
        "kind",
        None,
        0,
        -1,
        1e300,
        True,
        [],
        {},
        "",
        ID,
    ]
    keys = ["kind", "id", "content", "options", "runId", "messageId", "answers", "mode"]

    def value() -> Any:
        word = chance.choice(words)
        return {"mode": word} if chance.random() < 0.3 else word

    return [json.dumps({chance.choice(keys): value() for _ in range(4)}) for _ in range(count)]


async def test_whatever_a_socket_is_told_it_answers_and_stays(live: Connect, jp_root_dir: Path) -> None:
    socket = await live(ID)
    await socket.next()
    for frame in (*FRAMES, *random_frames(200)):
        is_binary = isinstance(frame, bytes)
        await socket.connection.write_message(frame, binary=is_binary)
        answer = await socket.next()
        if answer["kind"] == "nack":
            assert answer["code"] not in ("server_error", "error"), frame[:80]
            assert answer["message"]
        else:
            assert answer["kind"] == "ack", frame[:80]
            assert json.loads(frame)["kind"] == "cancel"
    assert tree(jp_root_dir) == set()


async def test_the_words_of_an_error_tell_nothing_of_the_servers_inside(
    rest: Rest, live: Connect, monkeypatch: pytest.MonkeyPatch, chats: Callable[[], Any], new_id: Callable[[], str]
) -> None:
    await rest("GET", "/health")

    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret-of-the-house /etc/shadow")

    with monkeypatch.context() as patch:
        patch.setattr(chats(), "session", broken)
        answer = await rest("GET", f"/threads/{ID}")
        assert answer.refusal == (500, "server_error")
        assert b"secret" not in answer.body
    socket = await live(new_id())
    await socket.next()
    with monkeypatch.context() as patch:
        patch.setattr("jupyter_chat_sessions.engine.session.Session.send", broken)
        frame_id = await socket.send("x")
        nack = await socket.answer(frame_id)
        assert nack["code"] == "server_error"
        assert "secret" not in json.dumps(nack)
    await socket.answer(await socket.send("x", options={"model": "played"}))


async def test_an_agent_that_is_not_there_costs_its_own_answer_only(
    rest: Rest, live: Connect, agent: Played, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    answer = await rest(
        "POST", f"/threads/{thread_id}/messages", {"content": "x", "model": "nobody"}, query={"wait": "true"}
    )
    assert (answer.status, answer.json["outcome"]) == (200, "error")
    answer = await rest(
        "POST", f"/threads/{thread_id}/messages", {"content": "y", "model": "played"}, query={"wait": "true"}
    )
    assert (answer.status, answer.json["outcome"]) == (200, "success")


@pytest.mark.parametrize("chat_config", [{"ChatSessions": {"default_model": "nobody"}}])
async def test_a_server_whose_agent_is_missing_still_shows_its_threads(
    live: Connect, new_id: Callable[[], str]
) -> None:
    socket = await live(new_id())
    hello = await asyncio.wait_for(socket.next(), 30)
    assert hello["agent"]["id"] == "nobody"
    assert "nobody" in hello["agent"]["label"]
