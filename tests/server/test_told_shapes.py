"""What the doors say has the shape their description gives it; what a run says is AG-UI."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from ag_ui.core import Event
from jsonschema import Draft202012Validator
from played import Played, calls
from pydantic import TypeAdapter
from served import Answer, Connect, Rest
from test_who_may_enter import methods_of

from jupyter_chat_sessions.server.addresses import DOORS
from jupyter_chat_sessions.server.live import Live
from jupyter_chat_sessions.server.openapi import PATHS, description

WAIT = {"wait": "true"}


def test_every_door_and_method_is_described_and_nothing_else_is() -> None:
    described = {(re.sub(r"\{\w+\}", "{}", path), method.upper()) for path, item in PATHS.items() for method in item}
    there = {
        (re.sub(r"\([^)]*\)", "{}", pattern).replace("\\", ""), method)
        for pattern, handler in DOORS
        if handler is not Live
        for method in methods_of(handler)
    }
    assert described == there


class Walk:
    """Asks at the doors and holds every answer against the description."""

    def __init__(self, rest: Rest, described: dict[str, Any]) -> None:
        self._rest = rest
        self._described = described
        self.seen: set[tuple[str, str, int]] = set()

    async def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        answer = await self._rest(method, path, body, **more)
        template = self._template(path)
        responses = self._described["paths"][template][method.lower()]["responses"]
        assert str(answer.status) in responses, f"{method} {path}: {answer.status}"
        self.seen.add((method, template, answer.status))
        content = responses[str(answer.status)].get("content", {})
        if "application/json" in content and method != "HEAD":
            assert answer.headers["Content-Type"] == "application/json; charset=UTF-8"
            schema = content["application/json"].get("schema", {})
            Draft202012Validator({**schema, "components": self._described["components"]}).validate(answer.json)
        return answer

    def _template(self, path: str) -> str:
        fitting = [
            template
            for template in self._described["paths"]
            if re.fullmatch(
                re.sub(r"\\{path\\}", ".+", re.sub(r"\\{(?!path)\w+\\}", "[^/]+", re.escape(template))), path
            )
        ]
        return max(fitting, key=lambda template: (template.count("{") == 0, len(template)))


async def walk_openai(walk: Walk, thread_id: str) -> None:
    hello, here = [{"role": "user", "content": "hi"}], {"X-Thread-Id": thread_id}
    for name in ("", "/default", "/nobody"):
        await walk("GET", f"/v1/models{name}")
    await walk("POST", "/v1/chat/completions", {"messages": hello, "model": "played"}, headers=here)
    await walk("POST", "/v1/chat/completions", {"messages": hello, "model": "nobody"})
    for binding in (here, {}):
        said = (await walk("POST", "/v1/responses", {"input": "hi", "model": "played"}, headers=binding)).json
        await walk("GET", f"/v1/responses/{said['id']}")
        await walk("POST", f"/v1/responses/{said['id']}/cancel", {})
        await walk("DELETE", f"/v1/responses/{said['id']}")
    await walk("GET", "/v1/responses/resp_nobody")
    talk = (await walk("POST", "/v1/conversations", {})).json["id"]
    await walk("GET", f"/v1/conversations/{talk}")
    await walk("GET", f"/v1/conversations/{talk}/items")
    await walk("DELETE", f"/v1/conversations/{talk}")


async def walk_mcp(walk: Walk, thread_id: str) -> None:
    for path in ("/mcp", f"/mcp/{thread_id}"):
        await walk("POST", path, {"jsonrpc": "2.0", "id": 1, "method": "tools/list"})
        await walk("POST", path, {"jsonrpc": "2.0", "method": "notifications/initialized"})
        await walk("POST", path, {"nonsense": True})


async def test_every_answer_on_a_walk_through_the_doors_is_as_described(
    rest: Rest, agent: Played, new_id: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    described = (await rest("GET", "/openapi.json")).json
    assert described == description("/a%40b/chat-sessions")
    Draft202012Validator.check_schema({"components": described["components"]})
    walk = Walk(rest, described)
    thread_id = (await walk("POST", "/threads", {"title": "Walk", "notebook": "a.ipynb"})).json["thread_id"]
    here = f"/threads/{thread_id}"
    await walk("POST", "/threads", {"thread_id": thread_id})
    said = (await walk("POST", f"{here}/messages", {"content": "hi", "model": "played"}, query=WAIT)).json
    await walk("POST", f"{here}/head", {"run_id": said["run_id"]})
    await walk("POST", f"{here}/messages", {"content": "hi", "model": "played"})
    await walk("POST", f"{here}/regenerate", {"message_id": said["message_id"]})
    await walk("POST", f"{here}/cancel", {})
    for path in (
        "/threads",
        here,
        f"{here}/messages",
        f"{here}/files",
        f"{here}/export",
        f"{here}/tools",
        f"{here}/runs/{said['run_id']}/requests",
        "/variables",
        "/commands",
        "/models",
        "/sandbox",
        "/health",
        "/openapi.json",
    ):
        await walk("GET", path)
    await walk("PATCH", here, {"title": "x"})
    await walk("PATCH", here, {"title": "x"}, headers={"If-Match": '"title-99"'})
    await walk("PUT", f"{here}/files/a/b.txt", b"content")
    await walk("PUT", f"{here}/files/a/b.txt", b"content")
    for piece, asked in ((b"ab", "bytes 0-1/3"), (None, "bytes */3"), (b"c", "bytes 2-2/3"), (b"x", "bytes 9-9/99")):
        await walk("PUT", f"{here}/files/a/c.txt", piece, headers={"Content-Range": asked})
    for method in ("GET", "HEAD"):
        await walk(method, f"{here}/files/a/b.txt")
        await walk(method, f"{here}/files/a/b.txt", headers={"Range": "bytes=1-2"})
        await walk(method, f"{here}/files/a/b.txt", headers={"Range": "bytes=70-"})
        await walk(method, f"/runs/{new_id()}/files/a.txt")
    await walk("PUT", f"{here}/consent", {"notebook_folder": False})
    await walk("POST", f"{here}/save", {"path": "a/b.txt"})
    await walk("POST", f"{here}/save", {"path": "a/b.txt", "name": "b.txt"})
    await walk("POST", f"{here}/import", {"path": "b.txt"})
    await walk("POST", f"{here}/import", {"path": ".chats"})
    await walk("DELETE", f"{here}/files/a/b.txt")
    await walk("POST", f"{here}/kernel/restart", {})
    await walk("PUT", "/keys/openai", {"key": "sk-typed-0123456789"})
    await walk("PUT", "/keys/nobody", {"key": "sk-typed-0123456789"})
    await walk("DELETE", "/keys/openai")
    await walk("POST", f"{here}/answer", {"answers": [{}]})
    await walk("DELETE", f"{here}/messages/nobody")
    await walk("GET", f"{here}/messages", query={"limit": "x"})
    await walk("GET", f"{here}/events", query={"after": "x"})
    share = (await walk("POST", f"{here}/shares", {"rights": "send"})).json
    await walk("GET", f"{here}/shares")
    await walk("GET", f"{here}/shared")
    await walk("POST", f"{here}/shared", {"token": share["token"]})
    await walk("POST", f"{here}/shared", {"token": "nonsense"})
    await walk("GET", "/shared/nothing.js")
    await walk("DELETE", f"{here}/shares/{share['share_id']}")
    await walk_openai(walk, thread_id)
    await walk_mcp(walk, thread_id)
    for chat in ([{"role": "user", "content": "hi"}], {"nonsense": True}):
        await walk("POST", "/imports", chat)
    for path in ("/ag-ui", f"/ag-ui/{thread_id}"):
        await walk("POST", path, {"threadId": thread_id, "runId": "r", "messages": []})
        await walk("POST", path, {"nonsense": True})
    await walk("DELETE", here)
    await walk("GET", "/deleted")
    await walk("GET", here)
    await walk("POST", f"{here}/restore", {})
    assert {(method, path) for method, path, _ in walk.seen} == {
        (method.upper(), path) for path, item in PATHS.items() for method in item
    }


@pytest.mark.parametrize("chat_config", [{"ChatSessions": {"tool_permissions": {"*": "allow"}}}])
async def test_every_event_of_a_run_is_ag_uis(live: Connect, agent: Played, new_id: Callable[[], str]) -> None:
    known: TypeAdapter[Any] = TypeAdapter(Event)
    thread_id = new_id()
    socket = await live(thread_id)
    agent.play = calls("list_files")
    await socket.send("go", options={"model": "played"})
    await socket.event("RUN_FINISHED")

    async def fails(request: Any) -> Any:
        raise OSError("x")
        yield

    agent.play = fails
    await socket.send("fail", options={"model": "played"})
    await socket.event("RUN_ERROR")
    events = [frame["event"] for frame in socket.frames if "n" in frame]
    for event in events:
        if event["type"] == "RUN_FINISHED" and event["outcome"]["type"] not in ("success", "interrupt"):
            assert set(event) <= {"type", "threadId", "runId", "outcome", "usage"}
            event = {**event, "outcome": {"type": "success"}}
        parsed = known.validate_python(event)
        assert parsed.type == event["type"]
        assert not parsed.model_extra or set(parsed.model_extra) <= {"usage"}, event
    kinds = {event["type"] for event in events}
    assert kinds >= {
        "RUN_STARTED", "REASONING_MESSAGE_START", "REASONING_MESSAGE_CONTENT", "REASONING_MESSAGE_END",
        "TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_END", "TOOL_CALL_START", "TOOL_CALL_ARGS",
        "TOOL_CALL_END", "TOOL_CALL_RESULT", "RUN_FINISHED", "RUN_ERROR",
    }  # fmt: skip
