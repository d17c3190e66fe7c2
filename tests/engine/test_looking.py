"""Looking for what other servers did: few errands, and a turn only for the thread in which something is new."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from stage_kit import Held, a_message, house, until

from jupyter_chat_sessions.core.ids import new_thread_id
from jupyter_chat_sessions.engine import sessions as sessions_module
from jupyter_chat_sessions.engine.house import Home
from jupyter_chat_sessions.engine.session import Session
from jupyter_chat_sessions.engine.sessions import Sessions
from jupyter_chat_sessions.files.journal import FileJournal


class NamedDisk:
    """Worker threads, and what they were sent for."""

    def __init__(self) -> None:
        self.errands: list[str] = []

    async def __call__(self, function: Callable[..., Any], *arguments: Any) -> Any:
        self.errands.append(getattr(function, "__name__", type(function).__name__))
        return await asyncio.to_thread(function, *arguments)


async def test_busy_threads_are_looked_at_together_and_only_news_takes_a_turn_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions_module, "BUSY_LOOK_S", 0.01)
    disk = NamedDisk()
    registry = Sessions(disk=disk)
    held = Held("x")

    def make(journal: FileJournal) -> Session:
        return Session(journal, house(held), Home(folder="", files=Path("files"), file_url=str))

    journals = [FileJournal(tmp_path / ".chats" / each, each) for each in (new_thread_id() for _ in range(20))]
    sessions = [await registry.get(each.thread_id, partial(make, each)) for each in journals]
    for session in sessions:
        await session.send(a_message())
    turns = list[Session]()
    for session in sessions:
        monkeypatch.setattr(session, "look", partial(turns.append, session))
    seen = len(disk.errands)
    await until(lambda: len(disk.errands) >= seen + 5)
    assert set(disk.errands) == {"_with_news"}, "no errand of a single thread"
    assert not turns
    with (tmp_path / ".chats" / sessions[7].thread_id / "chat.jsonl").open("ab") as transcript:
        transcript.write(b"\n")
    await until(lambda: bool(turns))
    assert set(turns) == {sessions[7]}
    monkeypatch.undo()
    held.let_go.set()
    await registry.close()
