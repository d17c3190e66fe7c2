"""The client that a notebook's kernel has, against a real server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.serverapp import ServerApp
from played import Played, calls
from served import Rest
from traitlets import TraitError

from jupyter_chat_sessions import ChatPanel
from jupyter_chat_sessions.core.errors import ChatError
from jupyter_chat_sessions.core.roles import AgentEvent, Done, Request, TextDelta
from jupyter_chat_sessions.kernel.client import HttpService
from jupyter_chat_sessions.kernel.service import Place, Unreachable
from jupyter_chat_sessions.kernel.showing import plain_of
from jupyter_chat_sessions.kernel.thread import Thread

Made = Callable[[], HttpService]


@pytest.fixture
def service(jp_serverapp: ServerApp, jp_base_url: str, rest: Rest) -> HttpService:
    base = f"http://127.0.0.1:{jp_serverapp.port}{jp_base_url}chat-sessions"
    return HttpService(base, jp_serverapp.identity_provider.token, "the server")


async def test_a_kernel_shares_the_notebooks_current_thread_with_the_sidebar(
    service: HttpService, rest: Rest, jp_root_dir: Path
) -> None:
    (jp_root_dir / "a.ipynb").touch()
    place = Place("a.ipynb")
    thread = await asyncio.to_thread(lambda: Thread(service.current(place)["thread_id"], chats=service))
    answer = await asyncio.to_thread(lambda: thread.send("/help", model="direct").wait(20))
    sidebar = await rest("POST", "/threads", {"notebook": "a.ipynb", "current": True})
    assert sidebar.json["thread_id"] == answer.thread_id == thread.id
    messages = await asyncio.to_thread(lambda: thread.messages)
    assert [message["role"] for message in messages] == ["user", "assistant"]
    listed = await asyncio.to_thread(service.threads, place)
    assert [row["thread_id"] for row in listed] == [thread.id]


async def test_words_arrive_while_they_are_said_and_cancel_stops_that_run_alone(
    service: HttpService, agent: Played, new_id: Callable[[], str]
) -> None:
    more = asyncio.Event()

    async def speak(request: Request) -> AsyncGenerator[AgentEvent, None]:
        yield TextDelta("begun")
        await more.wait()
        yield Done()

    agent.play = speak
    thread = await asyncio.to_thread(Thread, new_id(), chats=service)
    answer = await asyncio.to_thread(lambda: thread.send("go", model="played"))
    waiting = await asyncio.to_thread(lambda: thread.send("then", model="played"))
    for _ in range(1500):
        if answer.text:
            break
        await asyncio.to_thread(answer.wait_for_news, answer.version, 0.05)
    assert (answer.text, answer.outcome) == ("begun", None)
    await asyncio.to_thread(answer.cancel)
    assert (await asyncio.to_thread(answer.wait, 20)).outcome == "cancelled"
    assert answer.text == "begun"
    more.set()
    assert (await asyncio.to_thread(waiting.wait, 20)).outcome == "success"


@pytest.mark.parametrize("chat_config", [{"ChatSessions": {"tool_permissions": {"*": "ask"}}}])
async def test_who_only_listens_is_asked_nothing_and_who_decides_is(
    service: HttpService, agent: Played, new_id: Callable[[], str]
) -> None:
    agent.play = calls("run_python", code="print(6 * 7)")
    thread = await asyncio.to_thread(Thread, new_id(), chats=service)
    refused = await asyncio.to_thread(lambda: thread.send("go", model="played").wait(20))
    assert "nobody is there" in plain_of(refused)

    def decide() -> str:
        with thread.deciding():
            answer = thread.send("go", model="played")
            while answer.outcome != "waiting":
                answer.wait_for_news(answer.version, 0.1)
            yes = [
                {"interruptId": each["id"], "status": "resolved", "payload": {"approve": True}} for each in answer.asked
            ]
            thread.answer(answer.run_id, yes)
            return plain_of(answer.wait(30))

    assert "\n42\n" in await asyncio.to_thread(decide)


@pytest.mark.parametrize("chat_config", [{"ChatSessions": {"tool_permissions": {"*": "ask"}}}])
async def test_stop_of_a_run_that_asks_declines_it(
    service: HttpService, agent: Played, new_id: Callable[[], str]
) -> None:
    agent.play = calls("run_python", code="print(6 * 7)")
    thread = await asyncio.to_thread(Thread, new_id(), chats=service)

    def stop() -> str | None:
        with thread.deciding():
            answer = thread.send("go", model="played")
            while answer.outcome != "waiting":
                answer.wait_for_news(answer.version, 0.1)
            answer.cancel()
            return answer.wait(20).outcome

    assert await asyncio.to_thread(stop) == "cancelled"


async def test_files_go_there_and_come_back_by_the_servers_own_address(
    service: HttpService, new_id: Callable[[], str]
) -> None:
    thread = await asyncio.to_thread(Thread, new_id(), chats=service)
    await asyncio.to_thread(thread.put_file, "a b.csv", b"x\n1\n")
    answer = await asyncio.to_thread(lambda: thread.send("open('c.txt', 'w').write(open('a b.csv').read())").wait(30))
    assert [(each.path, each.size) for each in answer.artifacts] == [("c.txt", 4)]
    assert await asyncio.to_thread(answer.artifacts[0].read) == b"x\n1\n"


async def test_a_refusal_is_the_servers_own_and_a_server_that_is_not_there_says_so(service: HttpService) -> None:
    with pytest.raises(ChatError, match="UUID") as refused:
        await asyncio.to_thread(service.thread, "no-id")
    assert refused.value.code == "invalid_thread_id"
    nobody = HttpService("http://127.0.0.1:9/chat-sessions", None, "nowhere")
    with pytest.raises(Unreachable, match="does not answer"):
        await asyncio.to_thread(nobody.check)
    with pytest.raises(ChatError):
        await asyncio.to_thread(HttpService(service.base, "wrong", "x").check)


async def test_a_callback_hears_what_others_send_and_a_deleted_thread_ends_the_listening(
    service: HttpService, rest: Rest, new_id: Callable[[], str]
) -> None:
    thread = await asyncio.to_thread(Thread, new_id(), chats=service)
    heard: list[str] = []
    await asyncio.to_thread(thread.on_message, lambda message: heard.append(json.dumps(message["content"])))
    await rest(
        "POST", f"/threads/{thread.id}/messages", {"content": "/help", "model": "direct"}, query={"wait": "true"}
    )
    for _ in range(1500):
        if len(heard) == 2:
            break
        await asyncio.sleep(0.02)
    assert heard[0] == '"/help"'
    await rest("DELETE", f"/threads/{thread.id}")
    for _ in range(1500):
        if thread._watcher is None:
            break
        await asyncio.sleep(0.02)
    assert thread._watcher is None


async def test_a_panels_messages_and_running_follow_its_thread_for_whoever_observes_them(
    service: HttpService, rest: Rest, new_id: Callable[[], str]
) -> None:
    thread = await asyncio.to_thread(Thread, new_id(), chats=service)
    panel = await asyncio.to_thread(lambda: ChatPanel(thread=thread, height="9em"))
    assert (panel.thread_id, panel.height, panel.thread) == (thread.id, "9em", thread)
    seen: list[tuple[str, Any]] = []
    await asyncio.to_thread(panel.observe, lambda change: seen.append((change["name"], change["new"])), ["messages"])
    await asyncio.to_thread(panel.observe, lambda change: seen.append((change["name"], change["new"])), "running")
    await rest("POST", f"/threads/{thread.id}/messages", {"content": "/help"}, query={"wait": "true"})
    for _ in range(1500):
        if len(panel.messages) == 2 and not panel.running:
            break
        await asyncio.sleep(0.02)
    assert [message["role"] for message in panel.messages] == ["user", "assistant"]
    assert ("messages", panel.messages) in seen
    answer = await asyncio.to_thread(lambda: panel.send("import time; time.sleep(60)"))
    for _ in range(1500):
        if panel.running:
            break
        await asyncio.sleep(0.02)
    assert ("running", True) in seen
    assert await asyncio.to_thread(panel.cancel) == [answer.run_id]
    assert (await asyncio.to_thread(answer.wait, 20)).outcome == "cancelled"
    await asyncio.to_thread(panel.close)
    with pytest.raises(TraitError):
        panel.messages = []
