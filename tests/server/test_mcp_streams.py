"""What a client of MCP hears while a tool runs, and how it stops one: with the `mcp` package, and by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from jupyter_server.serverapp import ServerApp
from mcp_kit import Mcp, call, text_of
from played import Held, Played
from served import Connect, Rest, lines_of, until

from jupyter_chat_sessions.server.mcp import progress

ALLOWED = {"ChatSessions": {"tool_permissions": {"*": "allow"}}}
ASKING = {"ChatSessions": {"tool_permissions": {"*": "ask"}}}
UNTIL_GO = "while [ ! -e go ]; do sleep 0.02; done; echo went"
STATELESS = {"MCP-Protocol-Version": "2026-07-28"}
BOTH = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
def post(chats: Any, http_server_client: Any, jp_serverapp: ServerApp, jp_base_url: str) -> Any:
    """`async with post("/mcp", message) as answer`: an answer whose pieces can be read as they come."""

    @asynccontextmanager
    async def opened(path: str, body: Any, **headers: str) -> AsyncIterator[httpx.Response]:
        url = f"http://127.0.0.1:{jp_serverapp.port}{jp_base_url}chat-sessions{path}"
        known = {"Authorization": f"token {jp_serverapp.identity_provider.token}", **BOTH}
        async with (
            httpx.AsyncClient(timeout=60) as http,
            http.stream("POST", url, json=body, headers={**known, **headers}) as answer,
        ):
            yield answer

    return opened


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is short."""
    monkeypatch.setattr(progress, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(progress, "GAP_S", 0.01)


def running(chats: Callable[[], Any], thread_id: str) -> Callable[[], bool]:
    def is_running() -> bool:
        session = chats().sessions.find(thread_id)
        return session is not None and session.conversation.running is not None

    return is_running


def outcomes(root: Path, thread_id: str) -> list[str]:
    return [line["outcome"] for line in lines_of(root, thread_id) if line["type"] == "run"]


async def events_of(answer: httpx.Response) -> AsyncIterator[dict[str, Any] | None]:
    """The messages of a stream; `None` for a comment."""
    async for line in answer.aiter_lines():
        assert line == "" or line.startswith((":", "data: "))
        if line:
            yield None if line.startswith(":") else json.loads(line.removeprefix("data: "))


@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_a_silent_tool_is_no_silence_on_the_line(
    quick: None, post: Any, rest: Rest, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    async with post(f"/mcp/{thread_id}", call("run_shell", command=UNTIL_GO), **STATELESS) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.headers["X-Accel-Buffering"] == "no"
        heard = events_of(answer)
        assert [await anext(heard) for _ in range(3)] == [None] * 3
        await rest("PUT", f"/threads/{thread_id}/files/go", "")
        (result,) = [each async for each in heard if each is not None]
    assert result["id"] == 1
    assert result["result"]["content"][0]["text"].startswith("went")


@pytest.mark.slow
@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_a_client_that_takes_json_alone_gets_json_behind_blank_lines(
    quick: None, post: Any, rest: Rest, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    asked = call("run_shell", command=UNTIL_GO, meta={"progressToken": 1})
    async with post(f"/mcp/{thread_id}", asked, Accept="application/json, text/event-stream;q=0") as answer:
        assert answer.headers["Content-Type"].startswith("application/json")
        pieces = answer.aiter_text()
        said = [await anext(pieces) for _ in range(2)]
        await rest("PUT", f"/threads/{thread_id}/files/go", "")
        said += [each async for each in pieces]
    assert said[0].strip() == ""
    assert "went" in json.loads("".join(said))["result"]["content"][0]["text"]


@pytest.mark.parametrize("chat_config", [ALLOWED])
@pytest.mark.parametrize("path", ["/mcp", "/mcp/{thread_id}"])
async def test_a_call_that_is_over_at_once_is_answered_with_json_and_a_refusal_has_its_status(
    post: Any, new_id: Callable[[], str], path: str
) -> None:
    path = path.format(thread_id=new_id())
    for name, status in (("write_file", 200), ("nothing", 200)):
        async with post(path, call(name, path="a.txt", content="hi")) as answer:
            said = json.loads(await answer.aread())
            assert (answer.status_code, answer.headers["Content-Type"][:16]) == (status, "application/json")
        assert ("result" in said) == (name == "write_file")


@pytest.mark.parametrize("chat_config", [ALLOWED])
@pytest.mark.parametrize(("mode", "is_alone"), [pytest.param("auto", True, marks=pytest.mark.slow), ("legacy", False)])
async def test_a_client_that_asks_for_progress_hears_what_a_tool_prints_and_that_it_runs_when_it_is_silent(
    quick: None, mcp: Mcp, new_id: Callable[[], str], mode: str, is_alone: bool
) -> None:
    told: list[tuple[float, str | None]] = []
    has_heard, is_silent = asyncio.Event(), asyncio.Event()

    async def hear(done: float, total: float | None, message: str | None) -> None:
        told.append((done, message))
        if message and "halfway" in message:
            has_heard.set()
        elif has_heard.is_set():
            is_silent.set()

    code = "import time\nprint('\\x1b[31mhalfway\\x1b[0m', flush=True)\nfor _ in range(3000):\n    time.sleep(0.02)"
    async with mcp("" if is_alone else new_id(), mode) as client, anyio.create_task_group() as calling:

        async def run() -> None:
            await client.call_tool("run_python", {"code": code}, progress_callback=hear)

        calling.start_soon(run)
        await asyncio.wait_for(has_heard.wait(), 40)
        await asyncio.wait_for(is_silent.wait(), 20)
        calling.cancel_scope.cancel()
    assert any(message == "halfway" for _, message in told)
    numbers = [done for done, _ in told]
    assert numbers == sorted(set(numbers))


@asynccontextmanager
async def impatient_proxy(port: int, most_s: float) -> AsyncIterator[int]:
    """The port of a proxy before `port` that closes a connection whose server says nothing for `most_s`."""

    async def carry(source: asyncio.StreamReader, to: asyncio.StreamWriter, most: float | None) -> None:
        with contextlib.suppress(asyncio.TimeoutError, ConnectionError):
            while piece := await asyncio.wait_for(source.read(65_536), most):
                to.write(piece)
                await to.drain()
        to.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(carry(reader, asks, None), carry(answers, writer, most_s))

    async with await asyncio.start_server(meet, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.slow
@pytest.mark.parametrize("chat_config", [ALLOWED])
@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_a_proxy_that_cuts_idle_connections_cuts_no_long_call(
    monkeypatch: pytest.MonkeyPatch, mcp: Mcp, new_id: Callable[[], str], jp_serverapp: ServerApp, mode: str
) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT_S", 1.0)
    async with impatient_proxy(jp_serverapp.port, 6) as port, mcp(new_id(), mode, port) as client:
        result = await client.call_tool("run_shell", {"command": "sleep 14; echo slept"})
    assert "slept" in text_of(result)


@pytest.mark.parametrize("chat_config", [ALLOWED])
@pytest.mark.parametrize("mode", ["auto", pytest.param("legacy", marks=pytest.mark.slow)])
async def test_who_gives_up_a_call_stops_that_call_and_no_other(
    mcp: Mcp, rest: Rest, jp_root_dir: Path, new_id: Callable[[], str], chats: Callable[[], Any], mode: str
) -> None:
    mine, others = new_id(), new_id()
    results: list[Any] = []
    async with mcp(mine, mode) as client, mcp(others, mode) as other, anyio.create_task_group() as calling:

        async def wait_long() -> None:
            results.append(await other.call_tool("run_shell", {"command": UNTIL_GO}))

        calling.start_soon(wait_long)
        with anyio.CancelScope() as given_up:
            async with anyio.create_task_group() as mine_alone:
                mine_alone.start_soon(client.call_tool, "run_shell", {"command": "sleep 600"})
                await until(running(chats, mine))
                await until(running(chats, others))
                given_up.cancel()
        await until(lambda: outcomes(jp_root_dir, mine) == ["cancelled"])
        assert running(chats, others)()
        assert "pong" in text_of(await client.call_tool("run_shell", {"command": "echo pong"}))
        await rest("PUT", f"/threads/{others}/files/go", "")
    assert "went" in text_of(results[0])
    assert outcomes(jp_root_dir, others) == ["success"]


@pytest.mark.parametrize("chat_config", [ASKING])
async def test_a_client_is_told_that_a_person_is_asked(
    quick: None, post: Any, live: Connect, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    socket = await live(thread_id)
    asked = call("run_shell", command="echo ran", meta={"progressToken": "p"})
    async with post(f"/mcp/{thread_id}", asked) as answer:
        heard = events_of(answer)
        said = ""
        while "A person is asked" not in said:
            news = await anext(heard)
            assert news is not None
            assert (news["method"], news["params"]["progressToken"]) == ("notifications/progress", "p")
            said = news["params"].get("message", "")
        frame = await socket.until(lambda frame: "interrupts" in json.dumps(frame.get("event", {}).get("outcome", {})))
        (asking,) = frame["event"]["outcome"]["interrupts"]
        answers = [{"interruptId": asking["id"], "status": "resolved", "payload": {"approve": True}}]
        await socket.say(kind="answer", id="a", answers=answers)
        *_, last = [each async for each in heard]
    assert "ran" in last["result"]["content"][0]["text"]


async def test_a_visitor_whose_share_is_taken_back_hears_no_more_of_their_call(
    quick: None, post: Any, rest: Rest, agent: Played, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    agent.play = held = Held("one")
    await rest("POST", f"/threads/{thread_id}/messages", {"content": "go", "model": "played"})
    share = (await rest("POST", f"/threads/{thread_id}/shares", {"rights": "send"})).json
    shown = {"Authorization": f"Bearer {share['token']}"}
    async with post(f"/mcp/{thread_id}", call("list_files", meta={"progressToken": 1}), **shown) as answer:
        heard = events_of(answer)
        first = await anext(heard)
        assert first is not None
        assert first["params"]["message"] == "It waits for what runs in the chat."
        await rest("DELETE", f"/threads/{thread_id}/shares/{share['share_id']}")
        *_, last = [each async for each in heard]
    assert last["error"]["data"] == {"code": "share_revoked"}
    held.let(2)


@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_who_leaves_while_the_call_is_being_accepted_is_not_worked_for(
    post: Any, jp_root_dir: Path, new_id: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_chat_sessions.server.mcp import calls

    thread_id = new_id()
    has_come, may_go_on, begin = asyncio.Event(), asyncio.Event(), calls.begin_call

    async def slowly(*arguments: Any) -> Any:
        has_come.set()
        await may_go_on.wait()
        return await begin(*arguments)

    left: list[Any] = []
    monkeypatch.setattr(calls, "begin_call", slowly)
    from jupyter_chat_sessions.server.mcp.doors import McpHandler

    closed = McpHandler.on_connection_close
    monkeypatch.setattr(McpHandler, "on_connection_close", lambda self: (closed(self), left.append(self)))

    async def ask() -> None:
        async with post(f"/mcp/{thread_id}", call("run_shell", command="sleep 600"), **STATELESS):
            pass

    asking = asyncio.ensure_future(ask())
    await asyncio.wait_for(has_come.wait(), 20)
    asking.cancel()
    await until(lambda: left)
    may_go_on.set()
    await until(lambda: (jp_root_dir / ".chats" / thread_id / "chat.jsonl").exists())
    await until(lambda: outcomes(jp_root_dir, thread_id) == ["cancelled"])


async def shaken(rest: Rest, path: str, version: str) -> dict[str, str]:
    """The headers of a client that has shaken hands."""
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "a tester", "version": "1"}}
    greeted = await rest("POST", path, {"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": params})
    assert greeted.json["result"]["protocolVersion"] == version
    return {"Mcp-Session-Id": greeted.headers["Mcp-Session-Id"]}


@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_an_id_that_is_in_use_is_not_used_twice_and_stops_the_call_it_was_given_to(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str], chats: Callable[[], Any]
) -> None:
    thread_id = new_id()
    path = f"/mcp/{thread_id}"
    mine = await shaken(rest, path, "2025-06-18")
    calling = asyncio.ensure_future(rest("POST", path, call("run_shell", command="sleep 600"), headers=mine))
    await until(running(chats, thread_id))
    again = await rest("POST", path, call("run_shell", command="echo twice"), headers=mine)
    assert (again.status, again.json["id"], again.json["error"]["code"]) == (400, 1, -32600)
    stop = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
    for odd in (True, None, 1.0, [1], {"a": 1}, "1"):
        assert (await rest("POST", path, {**stop, "params": {"requestId": odd}}, headers=mine)).status == 202
    assert not calling.done()
    assert (await rest("POST", path, {**stop, "params": {"requestId": 1}}, headers=mine)).status == 202
    assert (await asyncio.wait_for(calling, 20)).json["result"]["isError"]
    assert outcomes(jp_root_dir, thread_id) == ["cancelled"]


# --- batches ---------------------------------------------------------------------------------------------------------

PING = {"jsonrpc": "2.0", "id": "p", "method": "ping"}
HEARD = {"jsonrpc": "2.0", "method": "notifications/initialized"}


@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_a_batch_of_its_version_is_answered_message_by_message_in_its_order(
    post: Any, new_id: Callable[[], str], jp_root_dir: Path
) -> None:
    thread_id = new_id()
    wrong = [{"jsonrpc": "2.0", "id": 7, "method": "initialize"}, 5, {**PING, "id": None}, PING]
    messages = [
        call("write_file", 1, path="a", content="1"),
        HEARD,
        PING,
        call("run_shell", 2, command="cat a"),
        *wrong,
    ]
    async with post(f"/mcp/{thread_id}", messages, Accept="application/json") as answer:
        said = json.loads(await answer.aread())
    assert answer.status_code == 200
    assert [each["id"] for each in said] == [1, "p", 2, 7, None, None, "p"]
    assert ["error" in each for each in said] == [False] * 3 + [True] * 4
    assert said[2]["result"]["content"][0]["text"].startswith("1")
    assert outcomes(jp_root_dir, thread_id) == ["success"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_a_batch_is_streamed_where_its_calls_take_long_and_each_of_them_can_be_stopped(
    quick: None, post: Any, rest: Rest, new_id: Callable[[], str], jp_root_dir: Path
) -> None:
    thread_id = new_id()
    path = f"/mcp/{thread_id}"
    mine = await shaken(rest, path, "2025-03-26")
    messages = [PING, call("run_shell", 1, command=UNTIL_GO), call("run_shell", 2, command="echo never")]
    async with post(path, messages, **mine) as answer:
        heard = events_of(answer)
        first = await anext(heard)
        assert first is not None
        assert (first["id"], first["result"]) == ("p", {})
        stop = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}}
        assert (await rest("POST", path, [stop], headers=mine)).status == 202
        await rest("PUT", f"/threads/{thread_id}/files/go", "")
        results = [each async for each in heard if each is not None]
    assert [(each["id"], each["result"]["isError"]) for each in results] == [(1, False), (2, True)]
    assert outcomes(jp_root_dir, thread_id) == ["success"]


async def test_a_batch_of_another_version_is_refused_in_words(rest: Rest) -> None:
    for version in ("2024-11-05", "2025-06-18", "2025-11-25", "2026-07-28", "1"):
        code = -32022 if version == "1" else -32600
        refused = await rest("POST", "/mcp", [PING], headers={"MCP-Protocol-Version": version})
        assert (refused.status, refused.json["id"], refused.json["error"]["code"]) == (400, None, code)
    mine = await shaken(rest, "/mcp", "2025-06-18")  # also where only the handshake named it
    assert (await rest("POST", "/mcp", [PING], headers=mine)).json["error"]["code"] == -32600


async def test_what_is_no_batch_and_no_request_is_refused(rest: Rest) -> None:
    for odd in ([], [PING] * 101, {**PING, "params": []}, {**PING, "params": 0}, {**PING, "id": 1.5}):
        refused = await rest("POST", "/mcp", odd)
        assert (refused.status, refused.json["error"]["code"]) == (400, -32600)
    for odd in ([], 0, "", False, "a"):
        message = {**call("run_shell"), "params": {"name": "run_shell", "arguments": odd}}
        assert (await rest("POST", "/mcp", message)).json["error"]["code"] == -32602


async def test_a_batch_of_notifications_or_answers_is_taken_without_a_word(rest: Rest) -> None:
    for batch in ([HEARD, HEARD], [{"jsonrpc": "2.0", "id": 4, "result": {}}]):
        taken = await rest("POST", "/mcp", batch)
        assert (taken.status, taken.body) == (202, b"")
