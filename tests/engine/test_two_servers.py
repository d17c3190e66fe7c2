"""Two servers with one folder: sessions of their own over one transcript."""

from __future__ import annotations

import asyncio
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stage_kit import Held, Seen, a_message, echoes, opened, until

from jupyter_chat_sessions.core.ids import new_run_id, new_thread_id
from jupyter_chat_sessions.core.roles import Writing
from jupyter_chat_sessions.core.transcript import MessageLine, RunLine
from jupyter_chat_sessions.files.journal import FileJournal


async def test_what_one_accepts_the_other_that_runs_the_thread_answers_in_order(tmp_path: Path) -> None:
    thread_id = new_thread_id()
    held = Held("first")
    async with (
        opened(held, folder=tmp_path, thread_id=thread_id) as ours,
        opened(echoes, folder=tmp_path, thread_id=thread_id) as theirs,
    ):
        first = await ours.send(a_message("one"))
        await held.began.wait()
        second = await theirs.send(a_message("two"))
        assert (second.is_queued, second.queue_depth) == (True, 1)
        held.let_go.set()
        await ours.ended(first.run_id)
        ours.look()
        await until(lambda: (theirs.look() or True) and not theirs.conversation.is_busy)  # they look to the very end
        assert await theirs.ended(second.run_id) == "success"


async def test_stop_pressed_on_one_server_stops_the_run_of_the_other(tmp_path: Path) -> None:
    thread_id = new_thread_id()
    held = Held("x")
    async with (
        opened(held, folder=tmp_path, thread_id=thread_id) as ours,
        opened(echoes, folder=tmp_path, thread_id=thread_id) as theirs,
    ):
        first = await ours.send(a_message())
        await held.began.wait()
        assert await theirs.cancel() == (first.run_id,)
        ours.look()
        assert await asyncio.wait_for(ours.ended(first.run_id), 30) == "cancelled"
        assert held.was_cancelled


async def test_a_viewer_of_the_server_that_does_not_run_the_thread_sees_its_lines(tmp_path: Path) -> None:
    thread_id = new_thread_id()
    async with (
        opened(echoes, folder=tmp_path, thread_id=thread_id) as ours,
        opened(echoes, folder=tmp_path, thread_id=thread_id) as theirs,
    ):
        seen = Seen()
        theirs.watch(seen)
        await ours.ended((await ours.send(a_message("hello"))).run_id)
        await until(lambda: (theirs.look() or True) and len(seen.lines()) == 4)
        assert [line["seq"] for line in seen.lines()] == [1, 2, 3, 4]


async def test_who_asks_what_stands_in_a_thread_is_told_what_another_server_wrote(
    tmp_path: Path,
) -> None:
    thread_id = new_thread_id()
    async with (
        opened(echoes, folder=tmp_path, thread_id=thread_id) as ours,
        opened(echoes, folder=tmp_path, thread_id=thread_id) as theirs,
    ):
        await ours.ended((await ours.send(a_message())).run_id)
        await theirs.whole()
        await theirs.rename("Sales")
        await ours.whole()
        assert ours.conversation.title == "Sales"


class Interrupted:
    """A journal beside which another server begins the thread, right after so many looks at it."""

    def __init__(self, journal: FileJournal, after: int, begin: Callable[[], None]) -> None:
        self._journal = journal
        self._left = after
        self._begin = begin

    def __getattr__(self, name: str) -> Any:
        given = getattr(self._journal, name)
        return self._looking(given) if name in ("header", "tail", "read") else given

    def _looking(self, look: Callable[..., Any]) -> Callable[..., Any]:
        def looking(*arguments: Any) -> Any:
            seen = look(*arguments)
            self._left -= 1
            if self._left == 0:
                self._begin()
            return seen

        return looking


@pytest.mark.parametrize("after", [1, 2, 3])
async def test_who_opens_a_thread_while_another_begins_it_misses_none_of_its_lines(tmp_path: Path, after: int) -> None:
    thread_id = new_thread_id()
    words = {"id": "theirs", "role": "user", "content": "words"}

    def begin() -> None:
        line = MessageLine(1, "2026-11-21T10:00:00.000Z", words, new_run_id())
        FileJournal(tmp_path / ".chats" / thread_id, thread_id).transact(lambda _: Writing((line,)))

    journal = Interrupted(FileJournal(tmp_path / ".chats" / thread_id, thread_id), after, begin)
    async with opened(echoes, journal) as session:  # type: ignore[arg-type]
        await session.ended((await session.send(a_message("ours"))).run_id)
        lines = session.journal.tail(99).lines
        assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
        assert [line.message["content"] for line in lines if isinstance(line, MessageLine)][-1] == "ours"
        assert sum(isinstance(line, RunLine) for line in lines) == 2


async def test_deleted_on_one_server_is_deleted_on_the_other(tmp_path: Path) -> None:
    thread_id = new_thread_id()
    async with (
        opened(echoes, folder=tmp_path, thread_id=thread_id) as ours,
        opened(echoes, folder=tmp_path, thread_id=thread_id) as theirs,
    ):
        await ours.ended((await ours.send(a_message())).run_id)
        await until(lambda: (theirs.look() or True) and theirs.conversation.seq == 4)
        seen = Seen()
        theirs.watch(seen)
        await ours.delete()
        await until(lambda: (theirs.look() or True) and seen.dismissed is not None)
        assert theirs.conversation.is_deleted


DIES = """
    import asyncio, sys
    from pathlib import Path
    sys.path.insert(0, sys.argv[3])
    from stage_kit import Held, a_message, opened

    async def main():
        held = Held("half ", "an ", "answer")
        async with opened(held, folder=Path(sys.argv[1]), thread_id=sys.argv[2]) as session:
            await session.send(a_message("one", message_id="q1"))
            await session.send(a_message("two", message_id="q2"))
            await held.began.wait()
            draft = Path(sys.argv[1], ".chats", sys.argv[2], "draft.jsonl")
            while not (draft.exists() and "answer" in draft.read_text()):
                await asyncio.sleep(0.01)
            print("half said", flush=True)
            await asyncio.sleep(60)

    asyncio.run(main())
"""


async def test_after_a_kill_the_next_server_keeps_the_words_says_interrupted_and_answers_the_queue(
    tmp_path: Path,
) -> None:
    thread_id = new_thread_id()
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", textwrap.dedent(DIES), str(tmp_path), thread_id, here]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    assert await process.stdout.readline() == b"half said\n"
    process.kill()
    await process.wait()

    async with opened(echoes, folder=tmp_path, thread_id=thread_id) as session:
        await until(lambda: session.conversation.seq > 2 and not session.conversation.is_busy)
    lines = FileJournal(tmp_path / ".chats" / thread_id, thread_id).read()
    said = [line.message["content"] for line in lines if isinstance(line, MessageLine)]
    assert said == ["one", "two", "half an answer", "two"]
    assert [line.outcome for line in lines if isinstance(line, RunLine)] == ["interrupted", "success"]
