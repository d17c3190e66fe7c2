"""Transcripts that something has damaged: no door fails on them, nothing of them is lost, and they go on."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from played import Played
from served import Connect, Rest

ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1.5, 10**30, 1e308, "", "x", "\u0000", "é🙂", [], {}, [None], [[]], {"a": {}}, "run", "user",
    "3b0c5a52-6a1e-4a36-9d4e-0c8a4a1f2b3c", "../../etc", ["text"], [{"type": "text"}], [{"type": "text", "text": 7}],
)  # fmt: skip
JUNK = (
    b"\xff\xfe",
    b"\x00",
    b"\n",
    b"\n\n",
    b"{",
    b"}",
    b'"',
    b"[" * 5000,
    b"null",
    b"NaN",
    b'{"seq": 1}',
    b"\xed\xa0\x80",
)


def changed_value(value: Any, chance: random.Random) -> Any:
    """The same value with one part replaced, removed or doubled, somewhere inside."""
    if isinstance(value, dict) and value and chance.random() < 0.85:
        name = chance.choice(list(value))
        if chance.random() < 0.2:
            return {key: each for key, each in value.items() if key != name}
        return {**value, name: changed_value(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.7:
        place = chance.randrange(len(value))
        if chance.random() < 0.2:
            return [*value, value[place]]
        return [*value[:place], changed_value(value[place], chance), *value[place + 1 :]]
    return chance.choice(ODD)


def with_a_changed_line(raw: bytes, chance: random.Random) -> bytes:
    lines = raw.split(b"\n")
    place = chance.randrange(len(lines))
    try:
        lines[place] = json.dumps(changed_value(json.loads(lines[place]), chance)).encode()
    except ValueError:
        lines[place] = chance.choice(JUNK)
    return b"\n".join(lines)


def with_moved_lines(raw: bytes, chance: random.Random) -> bytes:
    lines = raw.split(b"\n")
    one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
    if chance.random() < 0.5:
        lines[one], lines[other] = lines[other], lines[one]
    else:
        lines.insert(one, lines[other])
    return b"\n".join(lines)


def with_changed_bytes(raw: bytes, chance: random.Random) -> bytes:
    place, size = chance.randrange(len(raw)), chance.randrange(1, 40)
    put = chance.choice((b"", chance.choice(JUNK), chance.randbytes(size), raw[place : place + size]))
    gone = chance.choice((0, 1, size))
    return raw[:place] + put + raw[place + gone :]


def damaged(raw: bytes, chance: random.Random) -> bytes:
    """The bytes of a transcript after one to four mishaps."""
    ways = (with_a_changed_line, with_a_changed_line, with_a_changed_line, with_moved_lines, with_changed_bytes)
    for _ in range(chance.randrange(1, 5)):
        raw = chance.choice(ways)(raw, chance)
    return raw


async def whole_transcript(rest: Rest, agent: Played, root: Path, thread_id: str) -> bytes:
    """A transcript with answers, a tool's output, a branch, another title and a message that was taken back."""
    messages = f"/threads/{thread_id}/messages"
    for number, content in enumerate(("one", "two", "three")):
        body = {"content": content, "message_id": f"m{number}", "model": "played"}
        assert (await rest("POST", messages, body, query={"wait": "true"})).status == 200
    await rest("POST", messages, {"content": "/help", "model": "direct"}, query={"wait": "true"})
    await rest("POST", f"/threads/{thread_id}/regenerate", {"message_id": "m1"})
    await rest("PATCH", f"/threads/{thread_id}", {"title": "Damage"})
    await rest("POST", messages, {"content": "[1, 2]", "model": "direct"}, query={"wait": "true"})
    return (root / ".chats" / thread_id / "chat.jsonl").read_bytes()


async def every_door_answers(rest: Rest, live: Connect, thread_id: str) -> None:
    for path in ("", "/messages", "/messages?limit=2", "/files", "/export?format=md", "/export?format=ipynb",
                 "/export?format=json"):  # fmt: skip
        where, _, query = path.partition("?")
        parameters = dict(each.split("=") for each in query.split("&") if each)
        answer = await rest("GET", f"/threads/{thread_id}{where}", query=parameters)
        if answer.status != 200:
            assert answer.refusal == (422, "unreadable"), (path, answer.status, answer.body[:200])
        elif "export" not in path or "format=md" not in path:
            json.loads(answer.body)
    socket = await live(thread_id)
    hello = await socket.next()
    if hello["kind"] == "nack":
        assert (hello["code"], await socket.closed()) == ("unreadable", 4422)
    socket.connection.close()


async def goes_on(rest: Rest, root: Path, thread_id: str) -> bool:
    """Whether the thread took another message; where it did, everything that was there still is."""
    path = root / ".chats" / thread_id / "chat.jsonl"
    before = path.read_bytes()
    body = {"content": "and now?", "message_id": f"new-{thread_id}", "model": "played"}
    answer = await rest("POST", f"/threads/{thread_id}/messages", body, query={"wait": "true"})
    after = path.read_bytes()
    assert after.startswith(before), "what was there is still there"
    if answer.status != 200:
        assert answer.refusal[0] in (409, 422), answer.body
        assert after == before
        return False
    assert answer.json["outcome"] == "success", answer.body
    new = [json.loads(line) for line in after[len(before) :].splitlines() if line]
    said = [line["message"]["content"] for line in new if line["type"] == "message"]
    assert said[0] == "and now?"
    assert "You said and now?" in said  # beside it: what had lost its answer has one
    page = await rest("GET", f"/threads/{thread_id}/messages")
    assert "You said and now?" in [each["message"].get("content") for each in page.json["messages"]]
    return True


@pytest.mark.parametrize(
    ("seed", "count"),
    [(1, 30), pytest.param(2, 400, marks=pytest.mark.slow), pytest.param(3, 400, marks=pytest.mark.slow)],
)
async def test_whatever_has_become_of_a_transcript_no_door_fails_nothing_is_lost_and_it_goes_on(
    rest: Rest, live: Connect, agent: Played, new_id: Callable[[], str], jp_root_dir: Path, seed: int, count: int
) -> None:
    chance = random.Random(seed)
    original = new_id()
    raw = await whole_transcript(rest, agent, jp_root_dir, original)
    went_on = 0
    for number in range(count):
        thread_id = new_id()
        folder = jp_root_dir / ".chats" / thread_id
        folder.mkdir()
        (folder / "chat.jsonl").write_bytes(damaged(raw.replace(original.encode(), thread_id.encode()), chance))
        try:
            await every_door_answers(rest, live, thread_id)
            went_on += await goes_on(rest, jp_root_dir, thread_id)
            await every_door_answers(rest, live, thread_id)
        except BaseException:
            print(f"number {number} of seed {seed}")
            raise
    assert (await rest("GET", "/threads")).status == 200
    assert went_on > 0.7 * count
    assert (await rest("GET", f"/threads/{original}/messages")).status == 200
