"""Bodies that are large, slow, broken or deep, through every door that programs of others use."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from openai_kit import Client
from served import Raw, tree
from test_users import ANN, BOB, KEPT_APART

from jupyter_chat_sessions.server import taking

THREAD = "8f14e45f-ceea-467f-9575-2d3c3c8a2d11"
DOORS = ("v1/chat/completions", "v1/responses", "v1/conversations", "ag-ui", f"ag-ui/{THREAD}", "mcp", f"mcp/{THREAD}",
         "imports")  # fmt: skip
LARGE = b'{"x": "' + b"x" * 21_000_000 + b'"}'
BROKEN = {
    "no UTF-8": b'{"messages": [{"role": "user", "content": "\xff\xfe"}]}',
    "deep": b'{"messages": ' + b"[" * 100_000,
    "deep objects": b'{"input": ' + b'{"a":' * 100_000,
    "no JSON": b"{",
    "nothing": b"",
    "half a letter": b'{"jsonrpc": "2.0", "method": "\\ud800", "params": 1, "threadId": "\\ud800", "messages": 1}',
    "a number too long": b'{"jsonrpc": ' + b"1" * 5000 + b', "n": ' + b"1" * 5000 + b', "messages": []}',
}


async def test_broken_and_large_bodies_are_refused_in_words_at_every_door_and_nothing_is_written(
    raw: Raw, jp_root_dir: Path
) -> None:
    before = tree(jp_root_dir)
    for door in DOORS:
        for name, body in BROKEN.items():
            if (door, name) == ("v1/conversations", "nothing"):
                continue  # a conversation needs no word
            answer = await raw("POST", f"/{door}", body)
            told = json.dumps(answer.json)
            assert 400 <= answer.status < 500, (door, name, answer.status, told[:200])
            assert "Traceback" not in told
        large = await raw("POST", f"/{door}", LARGE)
        assert large.status == 413
        assert "too_large" in json.dumps(large.json)
    assert tree(jp_root_dir) <= {*before, ".chats", ".chats/.gitignore"}


async def test_a_body_that_comes_too_slowly_is_given_up_in_words_at_every_door(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking, "BODY_S", 0.1)
    url = client().base_url

    async def crawl(door: str) -> bytes:
        reader, writer = await asyncio.open_connection(url.host, url.port)
        path = url.raw_path.decode().removesuffix("v1/") + door
        head = f"POST {path} HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 100\r\n"
        writer.write(f"{head}Authorization: Bearer {client().api_key}\r\n\r\n{{".encode())
        answer = await asyncio.wait_for(reader.read(), 30)
        writer.close()
        return answer

    for answer in await asyncio.gather(*map(crawl, DOORS)):
        assert answer.startswith(b"HTTP/1.1 408")
        assert b'"code": "timeout"' in answer


async def test_nothing_is_kept_of_a_body_whose_sender_is_not_known(raw: Raw, jp_root_dir: Path) -> None:
    before = tree(jp_root_dir)
    for door in DOORS:
        refused = await raw("POST", f"/{door}", b"{}", is_known=False)
        assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer")
        assert "token" in refused.body.decode()
    assert (await raw("POST", "/imports", LARGE, is_known=False)).status == 401
    assert tree(jp_root_dir) <= {*before, ".chats", ".chats/.gitignore"}


NO_NUMBER = b'{"a": 1e999}'
HOLDING = {
    "v1/chat/completions": b'{"messages": [{"role": "user", "content": "x"}], "tools": [{"function": {"name": "f",'
    b' "parameters": %b}}]}',
    "v1/responses": b'{"input": "x", "tools": [{"type": "function", "name": "f", "parameters": %b}]}',
    "ag-ui": b'{"threadId": "x", "runId": "y", "messages": [{"id": "m", "role": "user", "content": "x"}], "resume":'
    b' [{"interruptId": "i", "status": "resolved", "payload": %b}]}',
    f"threads/{THREAD}/answer": b'{"answers": [%b]}',
}


async def test_what_no_browser_could_read_is_not_taken_into_a_thread(raw: Raw, new_id: Callable[[], str]) -> None:
    for door, body in HOLDING.items():
        for number in (NO_NUMBER, b'{"a": NaN}'):
            answer = await raw("POST", f"/{door}", body % number)
            assert answer.status == 400, (door, answer.status, answer.body)
    call = b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_files", "arguments": %b}}'
    thread_id = new_id()
    await raw("POST", f"/mcp/{thread_id}", call % NO_NUMBER)
    told = await raw("GET", f"/threads/{thread_id}/messages")
    assert b"list_files" in told.body
    assert b"Infinity" not in told.body


@pytest.mark.parametrize("chat_config", [KEPT_APART])
async def test_each_user_of_a_hub_has_an_import_of_their_own(raw: Raw) -> None:
    body = json.dumps([{"role": "user", "content": "mine"}]).encode()
    made = await raw("POST", "/imports", body, headers=ANN)
    thread_id = made.json["thread_id"]
    assert (made.status, (await raw("POST", "/imports", body, headers=ANN)).status) == (201, 200)
    other = await raw("POST", "/imports", body, headers=BOB)
    assert other.status == 201
    assert other.json["thread_id"] != thread_id
    for path in (f"/threads/{thread_id}", f"/threads/{thread_id}/messages"):
        assert (await raw("GET", path, headers=BOB)).status == 404
    for path, asked in (
        (f"/ag-ui/{thread_id}", {"threadId": "t", "runId": "r", "messages": []}),
        (f"/mcp/{thread_id}", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_files"}}),
    ):
        assert (await raw("POST", path, json.dumps(asked).encode(), headers=BOB)).status == 404
