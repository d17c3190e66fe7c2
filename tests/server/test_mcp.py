"""The sandbox's tools for MCP clients, with the `mcp` package as its users have it, and by hand as curl would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.serverapp import ServerApp
from mcp_kit import Mcp, call, text_of
from served import Connect, Raw, Rest, lines_of, until
from test_users import ANN, BOB, KEPT_APART

ALLOWED = {"ChatSessions": {"tool_permissions": {"*": "allow"}}}
ASKING = {"ChatSessions": {"tool_permissions": {"*": "ask"}}}


@pytest.mark.parametrize("chat_config", [ALLOWED])
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_client_of_either_era_lists_and_calls_tools_that_share_the_threads_kernel_and_are_in_its_transcript(
    mcp: Mcp, rest: Rest, jp_root_dir: Path, new_id: Callable[[], str], mode: str
) -> None:
    thread_id = new_id()
    async with mcp(thread_id, mode) as client:
        names = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert names["run_python"].annotations.destructive_hint
        assert names["read_file"].annotations.read_only_hint
        assert not (await client.call_tool("run_python", {"code": "x = 40"})).is_error
        result = await client.call_tool("run_python", {"code": "open('a.txt', 'w').write('hi'); print(x + 2)"})
    assert "42" in text_of(result)
    (link,) = [each for each in result.content if each.type == "resource_link"]
    address = str(link.uri).split("chat-sessions", 1)[1]
    assert (await rest("GET", address)).body == b"hi"
    roles = [line["message"]["role"] for line in lines_of(jp_root_dir, thread_id) if line["type"] == "message"]
    assert roles == ["user", "assistant", "tool"] * 2
    runs = [line["outcome"] for line in lines_of(jp_root_dir, thread_id) if line["type"] == "run"]
    assert runs == ["success", "success"]


async def ask(rest: Rest, path: str, body: Any, **more: Any) -> Any:
    return (await rest("POST", path, body, **more)).json


@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_a_call_without_a_thread_runs_in_a_kernel_of_its_own_and_its_files_are_served(
    mcp: Mcp, rest: Rest, jp_root_dir: Path
) -> None:
    async with mcp() as client:
        assert {tool.name for tool in (await client.list_tools()).tools} == {"run_python", "run_shell", "write_file"}
        code = "y = 1; open('b.txt', 'w').write('made here')"
        result = await client.call_tool("run_python", {"code": code})
        forgotten = await client.call_tool("run_python", {"code": "print(y)"})
        nowhere = pytest.raises(Exception, match="Without a thread there is no tool")
        with nowhere:
            await client.call_tool("read_file", {"path": "b.txt"})
    (link,) = [each for each in result.content if each.type == "resource_link"]
    served = await rest("GET", str(link.uri).split("chat-sessions", 1)[1])
    assert (served.status, served.body) == (200, b"made here")
    assert forgotten.is_error
    assert "NameError" in text_of(forgotten)
    assert [each.name for each in (jp_root_dir / ".chats").iterdir()] == ["_default"]


@pytest.mark.parametrize(
    "chat_config", [{**KEPT_APART, "ChatSessions": {**KEPT_APART["ChatSessions"], **ALLOWED["ChatSessions"]}}]
)
async def test_what_a_call_without_a_thread_made_is_for_who_asked_for_it(raw: Raw) -> None:
    body = json.dumps(call("write_file", path="c.txt", content="hers")).encode()
    answer = await raw("POST", "/mcp", body, headers=ANN)
    link = answer.json["result"]["content"][-1]["text"].split("chat-sessions", 1)[1]
    assert (await raw("GET", link, headers=ANN)).body == b"hers"
    assert (await raw("GET", link, headers=BOB)).refusal == (404, "thread_not_found")
    assert (await raw("HEAD", link, headers=BOB)).status == 404


@pytest.mark.parametrize("chat_config", [KEPT_APART])
async def test_anothers_thread_does_not_exist_for_a_client(raw: Raw, new_id: Callable[[], str]) -> None:
    thread_id = new_id()
    await raw("POST", "/threads", json.dumps({"thread_id": thread_id}).encode(), headers=ANN)
    answer = await raw("POST", f"/mcp/{thread_id}", json.dumps(call("list_files")).encode(), headers=BOB)
    assert (answer.status, answer.json["error"]["data"]) == (404, {"code": "thread_not_found"})


async def test_a_tool_that_is_not_there_leaves_no_trace(rest: Rest, new_id: Callable[[], str]) -> None:
    thread_id = new_id()
    for path in ("/mcp", f"/mcp/{thread_id}"):
        assert (await ask(rest, path, call("nothing")))["error"]["code"] == -32602
    assert (await rest("GET", f"/threads/{thread_id}")).status == 404


@pytest.mark.parametrize("chat_config", [ASKING])
async def test_who_watches_the_thread_is_asked_and_where_nobody_is_there_the_call_is_refused(
    rest: Rest, live: Connect, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    for path in ("/mcp", f"/mcp/{thread_id}"):
        alone = await ask(rest, path, call("run_shell", command="touch made"))
        assert alone["result"]["isError"]
        assert alone["result"]["_meta"]["jupyter/code"] == "nobody_there"
        assert "nobody is there" in alone["result"]["content"][0]["text"]
    socket = await live(thread_id)
    asking = asyncio.ensure_future(ask(rest, f"/mcp/{thread_id}", call("run_shell", command="echo ran")))
    finished = await socket.until(lambda frame: "interrupts" in json.dumps(frame.get("event", {}).get("outcome", {})))
    (asked,) = finished["event"]["outcome"]["interrupts"]
    assert not asking.done()
    answers = [{"interruptId": asked["id"], "status": "resolved", "payload": {"approve": True}}]
    await socket.say(kind="answer", id="a", answers=answers)
    result = (await asyncio.wait_for(asking, 20))["result"]
    assert not result["isError"]
    assert "ran" in result["content"][0]["text"]


@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_a_client_of_the_handshake_stops_its_call_by_name_and_nobody_elses(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str], chats: Callable[[], Any]
) -> None:
    thread_id = new_id()
    path = f"/mcp/{thread_id}"
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a tester", "version": "1"}}
    greeted = await rest("POST", path, {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello})
    assert greeted.json["result"]["protocolVersion"] == "2025-06-18"
    mine = {"Mcp-Session-Id": greeted.headers["Mcp-Session-Id"], "MCP-Protocol-Version": "2025-06-18"}
    calling = asyncio.ensure_future(ask(rest, path, call("run_shell", command="sleep 60"), headers=mine))
    await until(lambda: (session := chats().sessions.find(thread_id)) and session.conversation.running)
    stop = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
    for other in ({}, {"Mcp-Session-Id": "another"}):
        assert (await rest("POST", path, stop, headers=other)).status == 202
    assert not calling.done()
    assert (await rest("POST", path, stop, headers=mine)).status == 202
    result = (await asyncio.wait_for(calling, 20))["result"]
    assert result["isError"]
    lines = lines_of(jp_root_dir, thread_id)
    assert [line["outcome"] for line in lines if line["type"] == "run"] == ["cancelled"]
    assert (
        next(line["message"]["content"] for line in lines if line["type"] == "message") == "a tester calls `run_shell`."
    )


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, -32700),
        (b"[" * 100_000, {}, 400, -32700),
        (b"\xff\xfe", {}, 400, -32700),
        (b"[]", {}, 400, -32600),
        (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', {}, 400, -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "nothing"}', {}, 200, -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "nothing"}', {"MCP-Protocol-Version": "2026-07-28"}, 404, -32601),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}', {"MCP-Protocol-Version": "1999-01-01"}, 400, -32022),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {}}', {}, 200, -32602),
        (
            b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}',
            {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/list"},
            400,
            -32020,
        ),
    ],
)  # fmt: skip
async def test_what_is_no_message_of_the_protocol_is_told_so(
    raw: Raw, body: bytes, headers: dict[str, str], status: int, code: int
) -> None:
    answer = await raw("POST", "/mcp", body, headers=headers)
    assert (answer.status, answer.json["error"]["code"]) == (status, code)


async def test_there_is_no_stream_to_listen_to_and_no_thread_without_an_id(raw: Raw) -> None:
    for method in ("GET", "DELETE"):
        refused = await raw(method, "/mcp")
        assert (refused.status, refused.headers["Allow"]) == (405, "POST, OPTIONS")
    assert (await raw("POST", "/mcp/nonsense", b"{}")).refusal == (400, "invalid_thread_id")


@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_a_page_of_another_origin_is_not_heard_without_the_token(
    raw: Raw, jp_serverapp: ServerApp, new_id: Callable[[], str]
) -> None:
    strange = {"Origin": "http://evil.example"}
    answer = await raw(
        "POST", "/mcp", json.dumps(call("run_shell", command="id")).encode(), headers=strange, is_known=False
    )
    assert answer.status in (401, 403, 404)
