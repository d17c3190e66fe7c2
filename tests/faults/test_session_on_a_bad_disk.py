"""A session whose disk fails at one call after another: no answer is lost that was told, and the thread goes on."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

import pytest
from bad_disk import Mode, bad_disk
from stage_kit import Seen, a_message, opened, until

from jupyter_chat_sessions.core.errors import ChatError
from jupyter_chat_sessions.core.ids import RunId, new_thread_id
from jupyter_chat_sessions.core.transcript import Line, MessageLine, RunLine, StartLine
from jupyter_chat_sessions.engine import draft, performance
from jupyter_chat_sessions.engine.session import Session
from jupyter_chat_sessions.engine.stage import Ending, Stage
from jupyter_chat_sessions.files.journal import FileJournal


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performance, "DISK_RETRY_S", 0.01)
    monkeypatch.setattr(draft, "EVERY_S", 0.001)


async def _slowly(stage: Stage) -> Ending:
    """Says a few words, with time for a draft between them, and completes the message."""
    message_id = f"msg_{stage.run_id}"
    stage.say({"type": "TEXT_MESSAGE_START", "messageId": message_id, "role": "assistant"})
    for word in ("some ", "words"):
        stage.say({"type": "TEXT_MESSAGE_CONTENT", "messageId": message_id, "delta": word})
        await asyncio.sleep(0.004)
    await stage.contribute({"id": message_id, "role": "assistant", "content": "some words"})
    return Ending("success")


async def _talk(session: Session) -> tuple[set[str], set[RunId]]:
    """Two messages at once, then one more: those that were acknowledged, and the runs that were told to have ended."""
    told: set[str] = set()
    ended: set[RunId] = set()

    async def say(name: str) -> None:
        with contextlib.suppress(ChatError, asyncio.TimeoutError):
            receipt = await session.send(a_message(name, message_id=name))
            told.add(name)
            await asyncio.wait_for(session.ended(receipt.run_id), 0.2)  # on a full disk it cannot end yet
            ended.add(receipt.run_id)

    await asyncio.gather(say("one"), say("two"))
    await say("three")
    return told, ended


def _check(lines: tuple[Line, ...], told: set[str], ended: set[RunId]) -> None:
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    asked = [line.message["id"] for line in lines if isinstance(line, MessageLine) and line.message["role"] == "user"]
    assert told <= set(asked)
    assert len(asked) == len(set(asked))
    ends = Counter(line.run_id for line in lines if isinstance(line, RunLine))
    assert ends == Counter(line.run_id for line in lines if isinstance(line, StartLine))
    assert ended <= set(ends)
    assert set(ends.values()) == {1}


async def _live(folder: Path, fails_at: int, mode: Mode) -> int:
    """One life of a session on a disk that fails there; how many calls were made until it was cured."""
    thread_id = new_thread_id()
    with bad_disk(fails_at, mode) as disk:
        try:
            opening = opened(_slowly, folder=folder, thread_id=thread_id)
            session = await opening.__aenter__()
        except ChatError:
            return len(disk.calls)
        seen = Seen()
        session.watch(seen)
        told, ended = await _talk(session)
        made = len(disk.calls)
        disk.cure()
        await until(lambda: session.look() or not session.conversation.is_busy)
        receipt = await session.send(a_message("later", message_id="later"))
        assert await asyncio.wait_for(session.ended(receipt.run_id), 30) == "success"
        _check(session.journal.tail(99).lines, told, ended)
        assert session._audience.live is None
        kept = [line["seq"] for line in seen.lines()]
        assert kept == list(range(1, session.conversation.seq + 1)), "a viewer was told a line twice, or not at all"
        await opening.__aexit__(None, None, None)
    fresh = FileJournal(folder / ".chats" / thread_id, thread_id)
    assert fresh.take_lane(), "the lane is stuck"
    _check(fresh.read(), told, ended)
    fresh.close()
    return made


async def _live_through_each(folder: Path, mode: Mode, step: int) -> None:
    (folder / "0").mkdir()
    whole = await _live(folder / "0", 0, mode)
    assert whole > 200
    faults = []
    for number in range(1 + step // 2, whole, step):
        (folder / str(number)).mkdir()
        try:
            await _live(folder / str(number), number, mode)
        except Exception as fault:
            faults.append(f"call {number}: {fault!r:.300}")
    assert not faults, "\n".join([f"{len(faults)} of {whole // step}", *faults])


@pytest.mark.parametrize("mode", ["once", "done", "full"])
async def test_a_session_goes_on_after_these_calls_fail(tmp_path: Path, mode: Mode) -> None:
    await _live_through_each(tmp_path, mode, 61)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["once", "done", "full"])
async def test_a_session_goes_on_whichever_call_fails(tmp_path: Path, mode: Mode) -> None:
    await _live_through_each(tmp_path, mode, 3)
