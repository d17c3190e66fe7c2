"""Pages: the newest lines, and the path of the conversation, read from the end."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from threads_on_disk import (
    Make,
    Writer,
    asked,
    ended,
    headed,
    older_file,
    run_id,
    said,
    started,
    thread_with_bytes,
    titled,
    turn,
    writer_in,
)

from jupyter_chat_sessions.core.ids import RunId, new_thread_id
from jupyter_chat_sessions.core.roles import Page
from jupyter_chat_sessions.core.transcript import (
    FOLLOWS_HEAD,
    HeadLine,
    Line,
    MessageLine,
    RunLine,
    StartLine,
    WithdrawnLine,
)
from jupyter_chat_sessions.files.backwards import BLOCK


def _texts(page: Page) -> list[str]:
    return [line.message["content"] for line in page.lines if isinstance(line, MessageLine)]


def _seqs(page: Page) -> list[int]:
    return [line.seq for line in page.lines]


# --- tail ------------------------------------------------------------------------------------------------------------


def test_the_tail_is_the_last_lines_and_says_whether_there_are_older_ones(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(*turn(1), *turn(2))
    assert (_seqs(writer.journal.tail(3)), writer.journal.tail(3).more) == ([6, 7, 8], True)
    assert (_seqs(writer.journal.tail(8)), writer.journal.tail(8).more) == (list(range(1, 9)), False)
    assert (_seqs(writer.journal.tail(99)), writer.journal.tail(99).more) == (list(range(1, 9)), False)
    assert (_seqs(writer.journal.tail(0)), writer.journal.tail(0).more) == ([], True)


def test_the_tail_never_cuts_an_older_turn_in_two(chats: Path) -> None:
    thread_id = new_thread_id()
    page = thread_with_bytes(chats, older_file(thread_id, 3), thread_id).tail(2)
    assert _seqs(page) == [3] * 6
    assert page.more


@given(
    lengths=st.lists(st.sampled_from([0, 1, BLOCK - 200, BLOCK, BLOCK + 1, 3 * BLOCK]), max_size=5),
    limit=st.integers(0, 7),
)
@settings(max_examples=40, deadline=None)
def test_lines_of_any_length_come_out_whole_across_the_blocks(lengths: list[int], limit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        writer = writer_in(Path(folder, ".chats"))
        writer.append(*(titled("x" * length) for length in lengths))
        page = writer.journal.tail(limit)
        assert list(page.lines) == writer.seen[len(writer.seen) - min(limit, len(lengths)) :]
        assert page.more == (limit < len(lengths))


# --- the path --------------------------------------------------------------------------------------------------------


def test_regenerating_shows_the_question_once_with_the_newer_answer(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(*turn(1), *turn(2), started("again", "question-2", 1), said("again", "better"), ended("again"))
    assert _texts(writer.journal.before(None, 9)) == ["words", "answer-1", "words", "better"]


def test_an_edited_question_hides_the_one_it_replaces(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(*turn(1), *turn(2), asked("edited", run="e"), started("e", "edited", 1), said("e", "other"))
    assert _texts(writer.journal.before(None, 9)) == ["words", "answer-1", "edited", "other"]


def test_a_head_line_goes_back_to_another_branch_or_to_the_root(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(*turn(1), *turn(2), headed(1))
    assert _texts(writer.journal.before(None, 9)) == ["words", "answer-1"]
    writer.append(headed(None))
    page = writer.journal.before(None, 9)
    assert (page.lines, page.more) == ((), False)


def test_each_page_brings_the_lines_of_its_runs(chats: Path) -> None:
    writer = writer_in(chats)
    for number in range(1, 6):
        writer.append(*turn(number))
    page = writer.journal.before(None, 2)
    assert _seqs(page) == [17, 18, 19, 20]
    assert page.more
    page = writer.journal.before(17, 3)
    assert [line.seq for line in page.lines if isinstance(line, MessageLine)] == [11, 13, 15]
    assert {line.run_id for line in page.lines if isinstance(line, StartLine)} == {run_id(3), run_id(4)}


def test_a_long_run_is_paged_through_with_its_start_on_every_page(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m", run="r"), started("r", "m"), *(said("r", str(each)) for each in range(10)), ended("r"))
    page = writer.journal.before(None, 4)
    assert _texts(page) == ["6", "7", "8", "9"]
    assert [type(line) for line in page.lines if not isinstance(line, MessageLine)] == [StartLine, RunLine]


def test_waiting_messages_stand_at_the_end_of_the_newest_page_only(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(*turn(1), asked("m2", run=2), asked("m3", run=3), asked("m4", run=4))
    writer.append(lambda seq: WithdrawnLine(seq, "", "m3"), started(2, "m2", 1), said(2, "yes"))  # type: ignore[arg-type]
    assert _texts(writer.journal.before(None, 9)) == ["words", "answer-1", "m2", "yes", "m4"]
    assert _texts(writer.journal.before(None, 1)) == ["yes", "m4"]
    assert _texts(writer.journal.before(99, 9)) == ["words", "answer-1", "m2", "yes"]


def test_only_waiting_messages_make_a_page_too(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"), asked("m2"))
    page = writer.journal.before(None, 1)
    assert (_texts(page), page.more) == (["m1", "m2"], False)


def test_older_turns_follow_one_another_and_newer_runs_follow_them(chats: Path) -> None:
    thread_id = new_thread_id()
    writer = Writer(thread_with_bytes(chats, older_file(thread_id, 3), thread_id))
    last = [line for line in writer.look() if isinstance(line, StartLine)][-1].run_id
    writer.append(asked("m", run="r"), lambda seq: StartLine(seq, "", run_id("r"), "m", last))  # type: ignore[arg-type]
    page = writer.journal.before(None, 5)
    assert _texts(page) == ["question 3", "answer 3.0", "answer 3.1", "answer 3.2", "m"]
    page = writer.journal.before(3, 2)
    assert _texts(page) == ["question 2", "answer 2.0", "answer 2.1", "answer 2.2"], "one line of the file is not cut"
    assert page.more
    page = writer.journal.before(2, 99)
    assert (_texts(page)[0], page.more) == ("question 1", False)


# --- any history, against reading everything -------------------------------------------------------------------------


def _whole_path(lines: list[Line]) -> tuple[list[Line], list[Line]]:
    """The path's messages in file order, and what is waiting, found by reading forwards."""
    parents: dict[RunId, RunId | None] = {}
    questions: dict[RunId, str] = {}
    head: RunId | None = None
    withdrawn = {line.message_id for line in lines if isinstance(line, WithdrawnLine)}
    for line in lines:
        if isinstance(line, StartLine):
            parents[line.run_id] = head if line.parent_run_id == FOLLOWS_HEAD else line.parent_run_id
            questions[line.run_id] = line.message_id
            head = line.run_id
        elif isinstance(line, HeadLine):
            head = line.run_id
    path: set[RunId] = set()
    while head is not None and head not in path:
        path.add(head)
        head = parents.get(head)
    shown = {questions[run] for run in path if run in questions}
    messages = [line for line in lines if isinstance(line, MessageLine)]
    on_path: list[Line] = [
        line
        for line in messages
        if (line.message["id"] in shown if line.message["role"] == "user" else line.run_id in path)
    ]
    waiting: list[Line] = [
        line
        for line in messages
        if line.message["role"] == "user"
        and line.run_id not in parents
        and line.message["id"] not in {*withdrawn, *questions.values()}
    ]
    return on_path, waiting


@st.composite
def _histories(draw: st.DrawFn) -> list[Make]:
    """What one lane can have written: one run at a time, messages accepted at any moment, started in their order."""
    makes: list[Make] = []
    queue: list[int] = []
    begun: list[tuple[object, str]] = []
    parents: list[object] = [None]
    count = 0
    for _ in range(draw(st.integers(0, 25))):
        act = draw(st.sampled_from(["send", "run", "run", "regenerate", "head", "withdraw", "title"]))
        if act == "send":
            count += 1
            makes.append(asked(f"m{count}", run=f"m{count}"))
            queue.append(count)
        elif (act == "run" and queue) or (act == "regenerate" and begun and not queue):
            question = f"m{queue.pop(0)}" if act == "run" else draw(st.sampled_from(begun))[1]
            run = question if act == "run" else f"again-{len(makes)}"
            parent = draw(st.sampled_from([parents[-1], parents[-1], *parents]))
            makes.append(started(run, question, parent))
            for answer in range(draw(st.integers(0, 3))):
                makes.append(said(run, str(answer)))
                if draw(st.booleans()):
                    count += 1
                    makes.append(asked(f"m{count}", run=f"m{count}"))
                    queue.append(count)
            makes.append(ended(run))
            begun.append((run, question))
            parents.append(run)
        elif act == "head":
            makes.append(headed(draw(st.sampled_from(parents))))
        elif act == "withdraw" and queue:
            name = f"m{queue.pop(draw(st.integers(0, len(queue) - 1)))}"
            makes.append(lambda seq, name=name: WithdrawnLine(seq, "", name))
        elif act == "title":
            makes.append(titled("t"))
    return makes


@given(makes=_histories(), limit=st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_the_pages_of_any_history_are_its_path_without_gap_or_double(makes: list[Make], limit: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        writer = writer_in(Path(folder, ".chats"))
        writer.append(*makes)
        on_path, waiting = _whole_path(writer.seen)
        page = writer.journal.before(None, limit)
        messages = [line for line in page.lines if isinstance(line, MessageLine)]
        assert messages[len(messages) - len(waiting) :] == waiting
        shown = messages[: len(messages) - len(waiting)]
        pages = [shown]
        while page.more:
            page = writer.journal.before(pages[0][0].seq, limit)
            messages = [line for line in page.lines if isinstance(line, MessageLine)]
            assert 0 < len(messages) <= limit
            assert all(each.run_id in _started(page) for each in messages if each.message["role"] != "user")
            pages.insert(0, messages)
        assert [line for each in pages for line in each] == on_path


def _started(page: Page) -> set[RunId]:
    return {line.run_id for line in page.lines if isinstance(line, StartLine)}
