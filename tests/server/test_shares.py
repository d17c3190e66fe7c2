"""A share opens one thread as far as it says, as long as it lasts, and nothing else."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import stat
from collections.abc import Awaitable, Callable
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from played import Held, Played, calls
from served import Answer, Connect, Raw, Rest, Socket, lines_of, until
from test_notebook import write_notebook
from test_users import ANN, BOB, KEPT_APART
from test_who_may_enter import ADDRESSES
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect

from jupyter_chat_sessions.core.grants import is_token, new_token
from jupyter_chat_sessions.core.ids import OWNER, ThreadId
from jupyter_chat_sessions.server.grants import Grants
from jupyter_chat_sessions.server.kernel_tokens import TOKEN, URL

TARGET = "3b0c5a52-6a1e-4a36-9d4e-0c8a4a1f2b3c"
"""The thread that the addresses of `test_who_may_enter` name."""

READING = {"", "/messages", "/events", "/live", "/files", "/export", "/tools", f"/files/{TARGET}"}
SENDING = {"/messages", "/cancel", "/regenerate", "/head", f"/messages/{TARGET}", f"/files/{TARGET}"}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def opened_by(rights: str) -> set[tuple[str, str]]:
    """The doors that a share with these rights opens, by method and what follows the thread."""
    doors = {(method, path) for method in ("GET", "HEAD") for path in READING}
    if rights != "read":
        doors |= {("POST", path) for path in SENDING}
        doors |= {("DELETE", f"/messages/{TARGET}"), ("PUT", f"/files/{TARGET}")}
        doors |= {("POST", f"/mcp/{TARGET}"), ("POST", f"/ag-ui/{TARGET}")}
    return doors | {("POST", "/answer")} if rights == "approve" else doors


@pytest.fixture
def shared(rest: Rest) -> Callable[..., Awaitable[dict[str, Any]]]:
    """A thread with a share; what its owner was told."""

    async def make(rights: str = "read", thread_id: str = TARGET, **more: Any) -> dict[str, Any]:
        await rest("POST", "/threads", {"thread_id": thread_id, "title": "Shared"})
        made = await rest("POST", f"/threads/{thread_id}/shares", {"rights": rights, **more})
        assert made.status == 201
        share: dict[str, Any] = made.json
        return share

    return make


Shared = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def grants(jp_serverapp: Any) -> Grants:
    found: Grants = jp_serverapp.web_app.settings["jupyter_chat_sessions"].grants
    return found


@pytest.fixture
def visit(jp_serverapp: Any, jp_base_url: str) -> Callable[..., Awaitable[Socket]]:
    """A socket of somebody who brings these headers, and no more."""

    async def connect(headers: dict[str, str], thread_id: str = TARGET, query: str = "") -> Socket:
        url = f"ws://127.0.0.1:{jp_serverapp.port}{jp_base_url}chat-sessions/threads/{thread_id}/live{query}"
        return Socket(await websocket_connect(HTTPRequest(url, headers=headers)))

    return connect


Visit = Callable[..., Awaitable[Socket]]


def body_of(method: str) -> bytes | None:
    return b"{}" if method in ("POST", "PUT", "PATCH") else None


async def try_all_doors(raw: Raw, token: str) -> dict[tuple[str, str], Answer]:
    """What every door says to one who shows the token. Doors that would stream are asked what they refuse at once."""
    answers = {}
    for method, address in ADDRESSES:
        asked = f"{address}?after=x" if address.endswith("/events") else address
        answers[method, address] = await raw(method, asked, body_of(method), headers=bearer(token), is_known=False)
    return answers


@pytest.mark.parametrize("rights", ["read", "send", "approve"])
async def test_a_share_opens_the_doors_its_rights_name_and_every_other_is_shut(
    raw: Raw, shared: Shared, rights: str
) -> None:
    token = (await shared(rights))["token"]
    doors = opened_by(rights)
    for (method, address), answer in (await try_all_doors(raw, token)).items():
        is_here = address.startswith((f"/threads/{TARGET}", f"/mcp/{TARGET}", f"/ag-ui/{TARGET}"))
        door = address.removeprefix(f"/threads/{TARGET}")
        is_open = answer.status not in (401, 403)
        assert is_open == (is_here and (method, door) in doors), f"{method} {address}: {answer.status}"


async def test_a_share_opens_no_other_thread_at_any_door(raw: Raw, shared: Shared, new_id: Callable[[], str]) -> None:
    await shared()
    other = (await shared("approve", new_id()))["token"]
    for (method, address), answer in (await try_all_doors(raw, other)).items():
        assert answer.status == 403, f"{method} {address}"


async def test_a_share_that_is_taken_back_expired_or_unknown_opens_nothing(
    raw: Raw, rest: Rest, shared: Shared, grants: Grants
) -> None:
    revoked = await shared("approve")
    assert (await rest("DELETE", f"/threads/{TARGET}/shares/{revoked['share_id']}")).status == 204
    _, expired_token = await grants.share(ThreadId(TARGET), "", OWNER, "approve", -1)
    codes = {revoked["token"]: "share_revoked", expired_token: "share_expired", new_token(): "unauthorized"}
    codes |= {revoked["token"][:-1]: "unauthorized", "jcs_": "unauthorized"}
    for token, code in codes.items():
        for (method, address), answer in (await try_all_doors(raw, token)).items():
            assert answer.status == 401, f"{method} {address}"
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert method == "HEAD" or answer.refusal == (401, code), f"{method} {address}"
        entering = await raw("POST", f"/threads/{TARGET}/shared", json.dumps({"token": token}).encode(), is_known=False)
        assert entering.refusal == (401, code)
    assert (await rest("GET", f"/threads/{TARGET}/shares")).json == {"shares": []}


async def test_a_shares_token_is_a_stranger_to_the_rest_of_jupyter(raw: Raw, shared: Shared, jp_base_url: str) -> None:
    shown = {"headers": bearer((await shared("approve"))["token"]), "is_known": False, "base": jp_base_url}
    for address in ("api/contents", "api/kernels", "api/sessions", "api/terminals", "api/config/x", "files/x"):
        assert (await raw("GET", address, **shown)).status in (302, 403, 404), address
    assert (await raw("POST", "api/kernels", b"{}", **shown)).status == 403


async def test_only_whose_thread_it_is_makes_sees_and_takes_back_shares(
    raw: Raw, rest: Rest, shared: Shared, new_id: Callable[[], str]
) -> None:
    share = await shared("approve")
    assert is_token(share["token"])
    assert share["url"].endswith(f"/threads/{TARGET}/shared#{share['token']}")
    listed = (await rest("GET", f"/threads/{TARGET}/shares")).json["shares"]
    assert [each["share_id"] for each in listed] == [share["share_id"]]
    assert share["token"] not in json.dumps(listed)
    shown = {"headers": bearer(share["token"]), "is_known": False}
    for method, door in (("GET", ""), ("POST", ""), ("DELETE", f"/{share['share_id']}")):
        answer = await raw(method, f"/threads/{TARGET}/shares{door}", body_of(method), **shown)
        assert answer.refusal == (403, "forbidden")
    other = new_id()
    await rest("POST", "/threads", {"thread_id": other})
    wrong = await rest("DELETE", f"/threads/{other}/shares/{share['share_id']}")
    assert wrong.refusal == (404, "not_found")
    for asked in ({"rights": "manage"}, {"expires_in": 1}, {"expires_in": 10**9}, {"more": 1}):
        assert (await rest("POST", f"/threads/{TARGET}/shares", asked)).refusal == (400, "malformed")


class NoRunning(Authorizer):
    """Allows everything but to run code."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return action != "execute"


@pytest.mark.parametrize("chat_config", [{"ServerApp": {"authorizer_class": NoRunning}}])
async def test_who_may_not_run_code_gives_nobody_else_the_right_to(rest: Rest) -> None:
    await rest("POST", "/threads", {"thread_id": TARGET})
    assert (await rest("POST", f"/threads/{TARGET}/shares", {"rights": "send"})).refusal == (403, "forbidden")


@pytest.mark.parametrize("chat_config", [KEPT_APART])
async def test_where_users_are_kept_apart_a_share_opens_its_givers_thread(raw: Raw) -> None:
    await raw("POST", "/threads", json.dumps({"thread_id": TARGET}).encode(), headers=ANN)
    assert (await raw("POST", f"/threads/{TARGET}/shares", b"{}", headers=BOB)).refusal == (404, "thread_not_found")
    share = (await raw("POST", f"/threads/{TARGET}/shares", b"{}", headers=ANN)).json
    shown = {"headers": {**BOB, **bearer(share["token"])}, "is_known": False}
    assert (await raw("GET", f"/threads/{TARGET}", **shown)).status == 200
    gone = await raw("DELETE", f"/threads/{TARGET}/shares/{share['share_id']}", headers=BOB)
    assert gone.refusal == (404, "thread_not_found")


async def test_on_a_socket_a_visitor_does_what_the_share_allows(
    shared: Shared, visit: Visit, agent: Played, jp_root_dir: Path, rest: Rest
) -> None:
    reader = await visit(bearer((await shared("read"))["token"]))
    writer = await visit(bearer((await shared("send"))["token"]))
    assert (await reader.next())["kind"] == (await writer.next())["kind"] == "hello"
    before = lines_of(jp_root_dir, TARGET)
    for frame in (
        {"kind": "send", "content": "x"}, {"kind": "cancel"}, {"kind": "regenerate", "messageId": "m"},
        {"kind": "withdraw", "messageId": "m"}, {"kind": "answer", "answers": [{}]},
    ):  # fmt: skip
        await reader.say(id="1", **frame)
        assert (await reader.answer("1"))["code"] == "forbidden"
    assert lines_of(jp_root_dir, TARGET) == before
    await writer.say(kind="answer", id="2", answers=[{}])
    assert (await writer.answer("2"))["code"] == "forbidden"
    await writer.send("hello", options={"model": "played"})
    await reader.event("RUN_FINISHED")
    assert "You said hello" in json.dumps(reader.lines())
    for other in ("", "0b0c5a52-6a1e-4a36-9d4e-0c8a4a1f2b3c"):
        with pytest.raises(HTTPClientError) as refused:
            await visit(bearer((await shared("send"))["token"]), other)
        assert refused.value.code == 403


async def test_taking_a_share_back_cuts_its_sockets_and_streams_at_once_and_no_others(
    rest: Rest, shared: Shared, visit: Visit, live: Any, agent: Played,
    jp_serverapp: Any, jp_base_url: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("jupyter_chat_sessions.server.grants.LOOK_S", 3600)  # not by looking now and then
    share, other = await shared("send"), await shared("send")
    cut, left, owner = await visit(bearer(share["token"])), await visit(bearer(other["token"])), await live(TARGET)
    for socket in (cut, left, owner):
        await socket.next()
    told: list[bytes] = []
    url = f"http://127.0.0.1:{jp_serverapp.port}{jp_base_url}chat-sessions/threads/{TARGET}/events"
    request = HTTPRequest(url, headers=bearer(share["token"]), streaming_callback=told.append, request_timeout=30)
    stream = asyncio.ensure_future(AsyncHTTPClient().fetch(request))
    await until(lambda: b"hello" in b"".join(told))
    agent.play = held = Held("heard-by-some", "two")
    await owner.send("go", options={"model": "played"})
    await held.has_begun.wait()

    assert (await rest("DELETE", f"/threads/{TARGET}/shares/{share['share_id']}")).status == 204
    assert await cut.closed() == 4401
    await asyncio.wait_for(stream, 30)
    assert b'"share_revoked"' in b"".join(told)
    held.let(3)
    for socket in (left, owner):
        await socket.event("RUN_FINISHED")
    assert b"heard-by-some" not in b"".join(told)
    with pytest.raises(HTTPClientError) as refused:
        await visit(bearer(share["token"]))
    assert refused.value.code == 401


async def test_who_waits_for_an_answer_when_their_share_is_taken_back_does_not_get_it(
    raw: Raw, rest: Rest, shared: Shared, agent: Played
) -> None:
    share = await shared("send")
    agent.play = held = Held("one")
    body = b'{"content": "go", "model": "played"}'
    waiting = raw("POST", f"/threads/{TARGET}/messages?wait=1", body, headers=bearer(share["token"]), is_known=False)
    asked = asyncio.ensure_future(waiting)
    await held.has_begun.wait()
    await rest("DELETE", f"/threads/{TARGET}/shares/{share['share_id']}")
    held.let(2)
    assert (await asked).refusal == (401, "share_revoked")


async def test_a_share_another_server_took_back_or_whose_time_has_come_ends_its_sockets_too(
    shared: Shared, visit: Visit, grants: Grants, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_chat_sessions.server.grants.LOOK_S", 0.05)
    share = await shared()
    socket = await visit(bearer(share["token"]))
    await socket.next()
    another = Grants(grants._shares._folder.parent)
    assert [each.share_id for each in await another.shares_of(share["thread_id"])] == [share["share_id"]]
    await another.revoke(share["share_id"], share["thread_id"])
    assert await socket.refusal() == ("share_revoked", 4401)
    share = await shared()
    socket = await visit(bearer(share["token"]))
    await socket.next()
    monkeypatch.setattr(grants, "_clock", lambda: "2999-01-01T00:00:00.000Z")
    assert await socket.refusal() == ("share_expired", 4401)


async def test_the_page_trades_the_token_for_a_cookie_that_opens_its_thread_when_the_address_names_the_share(
    raw: Raw, shared: Shared, visit: Visit, new_id: Callable[[], str], jp_base_url: str, jp_serverapp: Any
) -> None:
    share = await shared("send")
    page = await raw("GET", f"/threads/{TARGET}/shared", is_known=False)
    elsewhere = await raw("GET", f"/threads/{new_id()}/shared", is_known=False)
    assert page.body == elsewhere.body, "it does not tell whether there is such a thread"
    for name, value in {"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}.items():
        assert page.headers[name] == value
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]

    by_token = json.dumps({"token": share["token"]}).encode()
    wrong = await raw("POST", f"/threads/{new_id()}/shared", by_token, is_known=False)
    assert wrong.refusal == (403, "forbidden")
    foreign = await raw(
        "POST", f"/threads/{TARGET}/shared", by_token, headers={"Origin": "http://elsewhere.example"}, is_known=False
    )
    assert foreign.status == 404
    entered = await raw("POST", f"/threads/{TARGET}/shared", by_token, is_known=False)
    assert entered.json == {"share_id": share["share_id"], "rights": "send", "expires": share["expires"]}
    (cookie,) = SimpleCookie(entered.headers["Set-Cookie"]).values()
    assert cookie["path"] == f"{jp_base_url}chat-sessions/threads/{TARGET}"
    assert cookie["httponly"]
    assert cookie["samesite"] == "Strict"
    brought = {"Cookie": f"{cookie.key}={cookie.value}"}
    query = f"?share={share['share_id']}"
    assert (await raw("GET", f"/threads/{TARGET}{query}", headers=brought, is_known=False)).status == 200
    assert (await raw("GET", f"/threads/{TARGET}", headers=brought, is_known=False)).status == 403
    assert (await raw("GET", f"/threads/{TARGET}{query}", is_known=False)).refusal == (401, "unauthorized")
    assert (await raw("GET", f"/threads/{TARGET}?share=../x", headers=brought, is_known=False)).status == 401
    for other in ("/threads", f"/threads/{new_id()}", "/health"):
        assert (await raw("GET", f"{other}{query}", headers=brought, is_known=False)).status == 403, other
    # An owner's own token does not widen what the address says one is here as.
    assert (await raw("DELETE", f"/threads/{TARGET}{query}", headers=brought)).status == 403

    home = {**brought, "Origin": f"http://127.0.0.1:{jp_serverapp.port}"}
    assert (await (await visit(home, TARGET, query)).next())["kind"] == "hello"
    with pytest.raises(HTTPClientError) as refused:
        await visit({**brought, "Origin": "http://elsewhere.example"}, TARGET, query)
    assert refused.value.code in (403, 404)
    from_elsewhere = {**brought, "Origin": "http://elsewhere.example"}
    posted = await raw("POST", f"/threads/{TARGET}/messages{query}", b"{}", headers=from_elsewhere, is_known=False)
    assert posted.status == 404


async def test_the_token_is_in_no_log_no_transcript_and_no_file(
    raw: Raw, rest: Rest, shared: Shared, visit: Visit, agent: Played, grants: Grants, jp_root_dir: Path,
    caplog: pytest.LogCaptureFixture, tmp_path: Path,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    for name in ("tornado.access", "tornado.application", "tornado.general", "ServerApp"):
        logging.getLogger(name).addHandler(caplog.handler)
    share = await shared("send")
    token = share["token"]
    entering = json.dumps({"token": token}).encode()
    await raw("POST", f"/threads/{TARGET}/shared", entering, is_known=False)
    await raw("POST", f"/threads/{TARGET}/shared", entering[:-2], is_known=False)
    body = b'{"content": "hello", "model": "played"}'
    await raw("POST", f"/threads/{TARGET}/messages?wait=1", body, headers=bearer(token), is_known=False)
    socket = await visit(bearer(token))
    await socket.next()
    await try_all_doors(raw, token)
    await rest("DELETE", f"/threads/{TARGET}/shares/{share['share_id']}")
    await try_all_doors(raw, token)
    assert f"share:{share['share_id']}" in caplog.text, "the log names who it was"
    assert token not in caplog.text
    file = grants._shares._folder / "shares.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for folder in (jp_root_dir, file.parent, tmp_path):
        written = [path for path in folder.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
        assert written == []


@pytest.mark.parametrize("chat_config", [{"ChatSessions": {"sandbox": "plain"}}])
async def test_the_kernels_that_tools_run_in_get_no_token(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, new_token())
    monkeypatch.setenv(URL, "http://127.0.0.1:1/chat-sessions")
    asked = {"content": "import os; sorted(name for name in os.environ if 'CHAT' in name)"}
    answer = await rest("POST", f"/threads/{TARGET}/messages", asked, query={"wait": "true"})
    assert answer.json["outcome"] == "success"
    assert "JUPYTER_CHAT_SANDBOX" in answer.body.decode()
    assert not re.search(f"{TOKEN}|{URL}", answer.body.decode())


async def test_what_a_visitor_has_done_is_not_allowed_by_the_settings_its_giver_sent_before(
    rest: Rest, raw: Raw, shared: Shared, visit: Visit, agent: Played, jp_root_dir: Path
) -> None:
    (jp_root_dir / "t.csv").write_text("1,2")
    agent.play = calls("import_file", path="t.csv", overwrite=True)
    visitor = bearer((await shared("send"))["token"])
    body, address = {"content": "use it", "model": "played"}, f"/threads/{TARGET}/messages?wait=true"

    async def error_of(answer: Answer) -> Any:
        [result] = [each for each in answer.json["messages"] if each["role"] == "tool"]
        return result.get("error")

    allowing = {**body, "permissions": {"import_file": "allow"}}
    assert await error_of(await raw("POST", address, json.dumps(allowing).encode())) is None
    shown: dict[str, Any] = {"headers": visitor, "is_known": False}
    for asked in (body, allowing):
        assert await error_of(await raw("POST", address, json.dumps(asked).encode(), **shown)) == "not allowed"
    await raw("POST", address, json.dumps(allowing).encode())
    call = {"method": "tools/call", "params": {"name": "import_file", "arguments": {"path": "t.csv"}}}
    message = json.dumps({"jsonrpc": "2.0", "id": 1, **call}).encode()
    assert (await raw("POST", f"/mcp/{TARGET}", message, **shown)).json["result"]["isError"]
    await raw("POST", address, json.dumps(allowing).encode())
    run: dict[str, Any] = {
        "threadId": TARGET,
        "runId": TARGET,
        "messages": [{"id": "m", "role": "user", "content": "use it"}],
    }
    run["forwardedProps"] = {"model": "played"}
    assert (await raw("POST", f"/ag-ui/{TARGET}", json.dumps(run).encode(), **shown)).status == 200
    results = [line["message"] for line in lines_of(jp_root_dir, TARGET) if line["type"] == "message"]
    assert [each.get("error") for each in results if each["role"] == "tool"][-1] == "not allowed"
    await raw("POST", address, json.dumps(allowing).encode())
    socket = await visit(visitor)
    await socket.send("use it", options={"model": "played"})
    await socket.event("RUN_FINISHED")
    lines = [line for line in lines_of(jp_root_dir, TARGET) if line["type"] in ("message", "approval")]
    assert lines[-1]["type"] == "approval" or lines[-2]["message"].get("error") == "not allowed"


async def test_a_visitors_message_reads_the_notebook_only_with_the_owners_word_and_the_visitor_is_not_asked(
    rest: Rest, raw: Raw, shared: Shared, visit: Visit, live: Connect, agent: Played, jp_root_dir: Path
) -> None:
    write_notebook(jp_root_dir / "report.ipynb")
    await rest("POST", "/threads", {"thread_id": TARGET, "notebook": "report.ipynb"})
    agent.play = calls("read_notebook")
    visitor = await visit(bearer((await shared("send"))["token"]))
    await visitor.send("tell me all", options={"model": "played", "permissions": {"read_notebook": "allow"}})
    await visitor.event("RUN_FINISHED")
    [refused] = [line["message"] for line in visitor.lines() if line.get("message", {}).get("role") == "tool"]
    assert refused["error"] == "not allowed"
    assert "needs the owner's word and nobody is there" in refused["content"]

    owner = await live(TARGET)
    await visitor.send("tell me all", options={"model": "played"})
    ended = await owner.event("RUN_FINISHED")
    [interrupt] = ended["outcome"]["interrupts"]
    assert (interrupt["tool"], interrupt["always"], interrupt["visitor"]) == ("read_notebook", False, True)
    run_id, yes = ended["runId"], {"interruptId": interrupt["id"], "status": "resolved", "payload": {"approve": True}}
    await visitor.say(kind="answer", id="1", runId=run_id, answers=[yes])
    assert (await visitor.answer("1"))["code"] == "forbidden"
    await owner.say(kind="answer", id="2", runId=run_id, answers=[yes])
    await owner.event("RUN_FINISHED")
    results = [line["message"] for line in owner.lines() if line.get("message", {}).get("role") == "tool"]
    assert "x = 6 * 7" in results[-1]["content"]

    await owner.send("and for me", options={"model": "played"})
    assert (await owner.event("RUN_FINISHED"))["outcome"]["type"] == "success"
    held = {each["name"]: each["permission"] for each in (await rest("GET", f"/threads/{TARGET}/tools")).json["tools"]}
    theirs = {"headers": bearer((await shared("read"))["token"]), "is_known": False}
    for_them = (await raw("GET", f"/threads/{TARGET}/tools", **theirs)).json["tools"]
    assert (held["read_notebook"], held["read_file"]) == ("allow", "allow")
    assert {(each["name"], each["permission"]) for each in for_them} >= {
        ("read_notebook", "ask"),
        ("read_file", "allow"),
    }
