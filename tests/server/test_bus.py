"""Jupyter's event bus: lists that change, notebooks that are renamed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jupyter_events import EventLogger
from jupyter_server.serverapp import ServerApp
from served import Rest

from jupyter_chat_sessions.server.bus import CHANGED


async def test_a_list_that_changes_is_told_on_the_bus_by_folder_and_version_without_a_title(
    rest: Rest, jp_serverapp: ServerApp, new_id: Callable[[], str]
) -> None:
    heard: list[dict[str, Any]] = []

    async def hear(logger: EventLogger, schema_id: str, data: dict[str, Any]) -> None:
        heard.append(data)

    await rest("GET", "/health")
    jp_serverapp.event_logger.add_listener(schema_id=CHANGED, listener=hear)
    thread = new_id()
    await rest("POST", f"/threads/{thread}/messages", {"content": "/help"}, query={"wait": "true"})
    await rest("PATCH", f"/threads/{thread}", {"title": "A secret title"})
    version = (await rest("GET", "/threads")).json["version"]
    for _ in range(100):
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
    for _ in range(100):
        rows = (await rest("GET", "/threads", query={"notebook": "new.ipynb"})).json["threads"]
        listed = [row["thread_id"] for row in rows]
        if listed:
            break
        await asyncio.sleep(0.02)
    assert listed == [thread]
    assert (await rest("GET", "/threads", query={"notebook": "old.ipynb"})).json["threads"] == []
    lines = (jp_root_dir / ".chats" / thread / "chat.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["type"] == "notebook"
