"""Jupyter's event bus: lists that change, notebooks that are renamed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_events import EventLogger
from jupyter_server.serverapp import ServerApp
from played import Held
from served import Rest, until

from jupyter_chat_sessions.chats.chats import Chats
from jupyter_chat_sessions.core.ids import ThreadId
from jupyter_chat_sessions.server.bus import CHANGED


async def test_a_list_that_changes_is_told_on_the_bus_by_folder_and_version_without_a_title(
    rest: Rest, jp_serverapp: ServerApp, new_id: Callable[[], str]
) -> None:
    heard: list[dict[str, Any]] = []

    async def hear(logger: EventLogger, schema_id: str, data: dict[str, Any]) -> None:
        if schema_id == CHANGED:
            heard.append(data)

    jp_serverapp.event_logger.add_listener(listener=hear)  # as a page does that is there before the first request
    thread = new_id()
    await rest("POST", f"/threads/{thread}/messages", {"content": "/help"}, query={"wait": "true"})
    await rest("PATCH", f"/threads/{thread}", {"title": "A secret title"})
    version = (await rest("GET", "/threads")).json["version"]
    for _ in range(1500):
        if heard and heard[-1]["version"] == version:
            break
        await asyncio.sleep(0.02)
    assert heard[-1]["folder"] == ""
    assert heard[-1]["version"] == version
    assert "secret" not in json.dumps(heard)


async def test_a_notebook_renamed_in_jupyter_keeps_its_threads(
    rest: Rest, jp_fetch: Callable[..., Awaitable[Any]], jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (jp_root_dir / "old.ipynb").write_text(json.dumps(notebook))
    thread = new_id()
    await rest(
        "POST", f"/threads/{thread}/messages", {"content": "/help", "notebook": "old.ipynb"}, query={"wait": "true"}
    )
    await jp_fetch("api", "contents", "old.ipynb", method="PATCH", body=json.dumps({"path": "new.ipynb"}))
    listed: list[str] = []
    for _ in range(1500):
        rows = (await rest("GET", "/threads", query={"notebook": "new.ipynb"})).json["threads"]
        listed = [row["thread_id"] for row in rows]
        if listed:
            break
        await asyncio.sleep(0.02)
    assert listed == [thread]
    assert (await rest("GET", "/threads", query={"notebook": "old.ipynb"})).json["threads"] == []
    lines = (jp_root_dir / ".chats" / thread / "chat.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["type"] == "notebook"


Fetch = Callable[..., Awaitable[Any]]


async def made_notebook(jp_fetch: Fetch, path: str) -> None:
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    body = json.dumps({"type": "notebook", "content": notebook})
    await jp_fetch("api", "contents", *path.split("/"), method="PUT", body=body)


async def renamed(jp_fetch: Fetch, old: str, new: str) -> None:
    await jp_fetch("api", "contents", *old.split("/"), method="PATCH", body=json.dumps({"path": new}))


async def threads_of(rest: Rest, notebook: str) -> list[str]:
    rows = (await rest("GET", "/threads", query={"notebook": notebook})).json["threads"]
    return [row["thread_id"] for row in rows]


async def until_listed(rest: Rest, notebook: str, thread: str) -> None:
    for _ in range(1500):
        if await threads_of(rest, notebook) == [thread]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{thread} is not listed beside {notebook}")


async def test_a_notebook_moved_in_jupyter_takes_its_threads_and_their_files_along(
    rest: Rest, chats: Callable[[], Chats], live: Any, jp_fetch: Fetch, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    (jp_root_dir / "there").mkdir()
    await made_notebook(jp_fetch, "a.ipynb")
    await made_notebook(jp_fetch, "b.ipynb")
    thread, other = new_id(), new_id()
    wait = {"wait": "true"}
    write = "open('kept.txt', 'w').write('x'); kept = 1"
    await rest("POST", f"/threads/{thread}/messages", {"content": write, "notebook": "a.ipynb"}, query=wait)
    await rest("POST", f"/threads/{other}/messages", {"content": "/help", "notebook": "b.ipynb"}, query=wait)
    socket = await live(thread)
    await socket.next()
    await renamed(jp_fetch, "a.ipynb", "there/c.ipynb")
    await until_listed(rest, "there/c.ipynb", thread)
    assert not (jp_root_dir / ".chats" / thread).exists()
    assert (jp_root_dir / "there" / ".chats" / thread / "files" / "kept.txt").read_text() == "x"
    session = chats().sessions.find(ThreadId(thread))
    assert session is not None
    assert session.home.beside == jp_root_dir / "there"
    assert await threads_of(rest, "a.ipynb") == []
    assert await threads_of(rest, "b.ipynb") == [other]
    asked = {"content": "import os; print(os.path.basename(os.path.dirname(os.getcwd())), open('kept.txt').read())"}
    again = await rest("POST", f"/threads/{thread}/messages", asked, query=wait)  # found by its id alone
    assert f"{thread} x" in again.json["messages"][-1]["content"]
    assert (await rest("GET", f"/threads/{thread}/files/kept.txt")).status == 200
    assert "there/.chats" not in json.dumps(again.json)
    await socket.event("RUN_STARTED")  # who watched goes on watching


async def test_a_directory_renamed_in_jupyter_keeps_the_threads_that_are_open_in_it_also_while_one_is_answered(
    rest: Rest, live: Any, jp_fetch: Fetch, jp_root_dir: Path, new_id: Callable[[], str], agent: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("jupyter_chat_sessions.engine.sessions.QUIET_LOOK_S", 0.05)
    (jp_root_dir / "old").mkdir()
    await made_notebook(jp_fetch, "old/a.ipynb")
    held = agent.play = Held("one", "two")
    thread = new_id()
    sent = {"content": "go", "notebook": "old/a.ipynb", "model": "played"}
    await rest("POST", f"/threads/{thread}/messages", sent)
    socket = await live(thread)
    held.let()
    await held.has_begun.wait()
    await socket.until(lambda frame: "one" in json.dumps(frame))
    draft = jp_root_dir / "old" / ".chats" / thread / "draft.jsonl"
    await until(lambda: draft.exists() and "one" in draft.read_text())
    await renamed(jp_fetch, "old", "new")
    assert await socket.closed() == 4500, "which a page comes back after"
    socket = await live(thread, notebook="old/a.ipynb")  # a page knows no better
    await socket.until(lambda _: any(line["type"] == "run" for line in socket.lines()))
    kept = [line["message"]["content"] for line in socket.lines() if line["type"] == "message"]
    assert (kept[0], kept[1].split()[0]) == ("go", "one")
    assert socket.lines()[-1]["outcome"] == "interrupted"
    assert (await rest("GET", f"/threads/{thread}")).json["folder"] == "new"
    assert not (jp_root_dir / "old").exists()


async def test_a_thread_that_runs_moves_when_its_answer_has_ended(
    rest: Rest, chats: Callable[[], Chats], jp_fetch: Fetch, jp_root_dir: Path, new_id: Callable[[], str], agent: Any
) -> None:
    (jp_root_dir / "there").mkdir()
    await made_notebook(jp_fetch, "a.ipynb")
    held = agent.play = Held("one", "two")
    thread = new_id()
    sent = {"content": "go", "notebook": "a.ipynb", "model": "played"}
    await rest("POST", f"/threads/{thread}/messages", sent)
    held.let()
    await held.has_begun.wait()
    await renamed(jp_fetch, "a.ipynb", "there/a.ipynb")
    held.let()
    transcript = jp_root_dir / ".chats" / thread / "chat.jsonl"
    assert transcript.exists()
    session = chats().sessions.find(ThreadId(thread))
    assert session is not None
    assert not await session.move(session.home, lambda: True), "what a run works in stays where it is"
    held.let()
    await until_listed(rest, "there/a.ipynb", thread)
    assert not transcript.exists()
    lines = (jp_root_dir / "there" / ".chats" / thread / "chat.jsonl").read_text()
    assert "onetwo" in lines


async def test_a_notebook_that_takes_the_place_of_a_renamed_one_and_a_copied_one_begin_lists_of_their_own(
    rest: Rest, jp_fetch: Fetch, jp_root_dir: Path
) -> None:
    await made_notebook(jp_fetch, "a.ipynb")
    ask = {"notebook": "a.ipynb", "current": True}
    first = (await rest("POST", "/threads", ask)).json["thread_id"]
    await rest("POST", f"/threads/{first}/messages", {"content": "/help"}, query={"wait": "true"})
    await renamed(jp_fetch, "a.ipynb", "b.ipynb")
    await until_listed(rest, "b.ipynb", first)
    await made_notebook(jp_fetch, "a.ipynb")
    second = (await rest("POST", "/threads", ask)).json["thread_id"]
    assert second != first
    assert (await rest("POST", "/threads", ask)).json["thread_id"] == second
    body = json.dumps({"copy_from": "b.ipynb"})
    copy = json.loads((await jp_fetch("api", "contents", method="POST", body=body)).body)["path"]
    third = (await rest("POST", "/threads", {"notebook": copy, "current": True})).json["thread_id"]
    assert third not in (first, second)
    assert await threads_of(rest, copy) == []


async def test_a_thread_whose_id_is_taken_there_stays_where_it_is_and_is_found(
    rest: Rest, jp_fetch: Fetch, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    await made_notebook(jp_fetch, "a.ipynb")
    thread = new_id()
    await rest(
        "POST", f"/threads/{thread}/messages", {"content": "/help", "notebook": "a.ipynb"}, query={"wait": "true"}
    )
    in_the_way = jp_root_dir / "there" / ".chats" / thread
    in_the_way.mkdir(parents=True)
    await renamed(jp_fetch, "a.ipynb", "there/a.ipynb")
    await asyncio.sleep(0)
    again = await rest("POST", f"/threads/{thread}/messages", {"content": "/help"}, query={"wait": "true"})
    assert again.json["outcome"] == "success"
    assert list(in_the_way.iterdir()) == []


async def test_a_page_that_subscribed_before_anybody_chatted_is_told_of_lists_that_change(
    jp_serverapp: ServerApp, rest: Rest, new_id: Callable[[], str]
) -> None:
    heard: list[str] = []

    async def hear(logger: EventLogger, schema_id: str, data: dict[str, Any]) -> None:
        heard.append(schema_id)

    jp_serverapp.event_logger.add_listener(listener=hear)  # as jupyter_server's own socket does
    await rest("POST", f"/threads/{new_id()}/messages", {"content": "/help"}, query={"wait": "true"})
    for _ in range(1500):
        if CHANGED in heard:
            break
        await asyncio.sleep(0.02)
    assert CHANGED in heard
