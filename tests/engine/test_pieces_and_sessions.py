"""Words on their way out, and the registry of open threads."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from stage_kit import Held, Seen, a_message, echoes, house, until

from jupyter_chat_sessions.core.errors import Busy, Unreadable
from jupyter_chat_sessions.core.ids import ThreadId, new_thread_id
from jupyter_chat_sessions.engine import sessions as sessions_module
from jupyter_chat_sessions.engine.house import Home
from jupyter_chat_sessions.engine.pieces import Pieces
from jupyter_chat_sessions.engine.session import Session
from jupyter_chat_sessions.engine.sessions import Sessions
from jupyter_chat_sessions.engine.stage import Perform
from jupyter_chat_sessions.files.journal import FileJournal
from jupyter_chat_sessions.files.memory import MemoryJournal


def delta(words: str, message_id: str = "a") -> dict[str, Any]:
    return {"type": "TEXT_MESSAGE_CONTENT", "messageId": message_id, "delta": words}


async def test_the_first_piece_goes_out_at_once_and_those_of_one_tick_go_as_one() -> None:
    out: list[Any] = []
    pieces = Pieces(out.append)
    for word in ("one ", "two ", "three"):
        pieces.add(delta(word))
    assert out == [delta("one ")]
    await asyncio.sleep(0)
    assert out == [delta("one "), delta("two three")]


async def test_pieces_are_never_joined_across_messages_or_other_events() -> None:
    out: list[Any] = []
    pieces = Pieces(out.append)
    events = [
        delta("a1"),
        delta("a2"),
        delta("b1", "b"),
        {"type": "TEXT_MESSAGE_END", "messageId": "b"},
        delta("b2", "b"),
    ]
    for event in events:
        pieces.add(event)
    pieces.flush()
    await asyncio.sleep(0)
    assert out == events


def a_session(thread_id: ThreadId, perform: Perform = echoes, folder: Path | None = None) -> Session:
    home = Home(folder="", files=Path("files"), file_url=str)
    journal = MemoryJournal(thread_id) if folder is None else FileJournal(folder / ".chats" / thread_id, thread_id)
    return Session(journal, house(perform), home)


async def test_callers_that_come_at_once_get_one_session_a_thread() -> None:
    registry = Sessions()
    thread_id = new_thread_id()
    made: list[Session] = []

    def make() -> Session:
        made.append(a_session(thread_id))
        return made[-1]

    got = await asyncio.gather(*(registry.get(thread_id, make) for _ in range(20)))
    assert len(made) == 1
    assert set(got) == set(made)
    await registry.close()


async def test_a_thread_that_cannot_be_opened_is_not_kept(tmp_path: Path) -> None:
    registry = Sessions()
    thread_id = new_thread_id()
    (tmp_path / thread_id).mkdir()
    (tmp_path / thread_id / "chat.jsonl").write_text("no header\n")
    home = Home(folder="", files=Path("files"), file_url=str)
    with pytest.raises(Unreadable):
        await registry.get(
            thread_id, lambda: Session(FileJournal(tmp_path / thread_id, thread_id), house(echoes), home)
        )
    assert registry.find(thread_id) is None
    await registry.close()


async def test_an_idle_session_is_closed_and_one_that_is_watched_or_running_is_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sessions_module, "QUIET_LOOK_S", 0.01)
    monkeypatch.setattr(sessions_module, "BUSY_LOOK_S", 0.01)
    activity: list[None] = []
    registry = Sessions(on_activity=lambda: activity.append(None), idle_close_s=0.05)
    idle, watched, running = (new_thread_id() for _ in range(3))
    await registry.get(idle, lambda: a_session(idle))
    (await registry.get(watched, lambda: a_session(watched))).watch(Seen())
    held = Held("x")
    busy = await registry.get(running, lambda: a_session(running, held, tmp_path))
    await busy.send(a_message())
    await until(lambda: registry.find(idle) is None)
    assert registry.find(watched) is not None
    assert registry.find(running) is not None
    await until(lambda: bool(activity))
    held.let_go.set()
    await until(lambda: registry.find(running) is None)
    await registry.close()


async def test_a_chat_that_is_kept_in_memory_only_is_never_closed_as_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions_module, "QUIET_LOOK_S", 0.01)
    registry = Sessions(idle_close_s=0.0)
    kept, empty = new_thread_id(), new_thread_id()
    session = await registry.get(kept, lambda: a_session(kept))
    await session.send(a_message())
    await until(lambda: not session.conversation.is_busy)
    await registry.get(empty, lambda: a_session(empty))
    await until(lambda: registry.find(empty) is None)
    assert registry.find(kept) is session
    await registry.close()


async def test_a_session_that_has_been_closed_refuses_at_once() -> None:
    session = a_session(new_thread_id())
    await session.open()
    await session.close()
    with pytest.raises(Busy):
        await session.send(a_message())


async def test_a_thread_that_is_asked_for_while_the_server_stops_is_not_opened() -> None:
    registry = Sessions()
    made: list[Session] = []

    def make() -> Session:
        made.append(a_session(new_thread_id()))
        return made[-1]

    opening = asyncio.ensure_future(registry.get(new_thread_id(), make))
    await asyncio.sleep(0)
    await registry.close()
    await asyncio.gather(opening, return_exceptions=True)
    with pytest.raises(Busy):
        await registry.get(new_thread_id(), make)
    assert len(made) <= 1
    tasks = {task.get_name() for task in asyncio.all_tasks()}
    assert not tasks & {f"session {session.thread_id}" for session in made}
