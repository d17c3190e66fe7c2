"""The draft: what a run had said when its process died."""

from __future__ import annotations

import os
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from threads_on_disk import Make, Writer, asked, ended, journal_in, run_id, said, started, writer_in

from jupyter_chat_sessions.core.errors import ChatError
from jupyter_chat_sessions.core.transcript import CancelLine

_EVENTS = [{"type": "TEXT_MESSAGE_CONTENT", "delta": piece} for piece in ("The ", "mean ü ", "\ud83d is")]


def _running(chats: Path) -> Writer:
    writer = _with_lane(chats, asked("m1", run="r"), started("r", "m1"))
    writer.journal.draft(run_id("r"), 2, _EVENTS[:2])
    writer.journal.draft(run_id("r"), 2, _EVENTS[2:])
    return writer


def _with_lane(chats: Path, *lines: Make) -> Writer:
    writer = writer_in(chats)
    writer.append(*lines)
    assert writer.journal.take_lane()
    return writer


def test_another_process_reads_what_a_run_had_said(chats: Path) -> None:
    writer = _running(chats)
    draft = journal_in(chats, writer.journal.thread_id).read_draft()
    assert draft is not None
    assert (draft.run_id, draft.after_seq, list(draft.events)) == (run_id("r"), 2, _EVENTS)


@pytest.mark.parametrize("line", [said("r", "The mean is 42"), ended("r")])
def test_a_draft_is_ignored_when_the_transcript_says_more_of_its_run(chats: Path, line: object) -> None:
    writer = _running(chats)
    writer.append(line)  # type: ignore[arg-type]
    assert journal_in(chats, writer.journal.thread_id).read_draft() is None


def test_a_draft_outlives_what_others_write_about_other_things(chats: Path) -> None:
    writer = _running(chats)
    writer.append(asked("m2", run="next"), lambda seq: CancelLine(seq, "", run_id("r")))
    assert journal_in(chats, writer.journal.thread_id).read_draft() is not None


def test_a_draft_begun_again_forgets_what_was_said_before(chats: Path) -> None:
    writer = _running(chats)
    writer.append(said("r", "The mean is"))
    writer.journal.draft(run_id("r"), 3, _EVENTS[1:2])
    draft = writer.journal.read_draft()
    assert draft is not None
    assert (draft.after_seq, list(draft.events)) == (3, _EVENTS[1:2])


def test_who_has_no_lane_leaves_the_draft_to_whoever_has(chats: Path) -> None:
    ours = _running(chats)
    ours.journal.release_lane()
    theirs = journal_in(chats, ours.journal.thread_id)
    assert theirs.take_lane()
    theirs.draft(run_id("theirs"), 2, _EVENTS[:1])
    ours.journal.draft(run_id("r"), 2, _EVENTS)
    draft = theirs.read_draft()
    assert draft is not None
    assert (draft.run_id, list(draft.events)) == (run_id("theirs"), _EVENTS[:1])


def test_a_lane_is_given_back_only_when_what_is_being_drafted_is_written(
    chats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer, whole = _running(chats), os.write
    is_writing, may_go_on = threading.Event(), threading.Event()

    def slow(fd: int, data: bytes) -> int:
        is_writing.set()
        assert may_go_on.wait(10)
        return whole(fd, data)

    with ThreadPoolExecutor() as threads, monkeypatch.context() as patch:
        patch.setattr(os, "write", slow)
        drafting = threads.submit(writer.journal.draft, run_id("r"), 2, _EVENTS)
        assert is_writing.wait(10)
        releasing = threads.submit(writer.journal.release_lane)
        assert not journal_in(chats, writer.journal.thread_id).take_lane()
        assert not releasing.done()
        may_go_on.set()
        drafting.result(10)
        releasing.result(10)
    assert journal_in(chats, writer.journal.thread_id).take_lane()


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_torn_draft_gives_what_came_before_the_tear(chats: Path, cut: int) -> None:
    writer = _running(chats)
    path = chats / writer.journal.thread_id / "draft.jsonl"
    path.write_bytes(path.read_bytes()[:-cut])
    draft = writer.journal.read_draft()
    assert draft is not None
    assert list(draft.events) == _EVENTS[: len(draft.events)]
    assert len(draft.events) >= 2


@pytest.mark.parametrize("content", [b"", b"[]\n", b'{"run_id":1,"after_seq":2}\n', b'{"run_id":"r"}\n', b"\xff\n{}\n"])
def test_a_draft_that_is_none_is_no_draft(chats: Path, content: bytes) -> None:
    writer = _running(chats)
    (chats / writer.journal.thread_id / "draft.jsonl").write_bytes(content)
    assert writer.journal.read_draft() is None


def test_where_a_link_a_pipe_or_a_folder_stands_nothing_is_drafted_and_nothing_was_left(
    chats: Path, tmp_path: Path
) -> None:
    writer = _with_lane(chats, asked("m1"))
    path = chats / writer.journal.thread_id / "draft.jsonl"
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ChatError):
        writer.journal.draft(run_id("r"), 2, _EVENTS)
    assert writer.journal.read_draft() is None
    path.unlink()
    for make in (os.mkfifo, os.mkdir):
        make(path)
        with pytest.raises(ChatError):
            writer.journal.draft(run_id("r"), 2, _EVENTS)
        assert writer.journal.read_draft() is None
        (path.unlink if path.is_fifo() else path.rmdir)()
    assert not (tmp_path / "elsewhere").exists()


def test_a_draft_is_never_synced(chats: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    writer = _with_lane(chats, asked("m1"))
    monkeypatch.setattr(os, "fdatasync", synced.append)
    monkeypatch.setattr(os, "fsync", synced.append)
    writer.journal.draft(run_id("r"), 1, _EVENTS)
    assert synced == []


def test_a_draft_whose_write_was_refused_is_as_before(chats: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = _running(chats)
    whole = os.write

    def full(fd: int, data: bytes) -> int:
        whole(fd, bytes(data)[:7])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(ChatError):
            writer.journal.draft(run_id("r"), 2, _EVENTS)
    writer.journal.draft(run_id("r"), 2, _EVENTS[:1])
    draft = writer.journal.read_draft()
    assert draft is not None
    assert list(draft.events) == [*_EVENTS, _EVENTS[0]]


def test_a_draft_without_its_thread_is_refused_and_makes_none(chats: Path) -> None:
    writer = _running(chats)
    shutil.rmtree(chats)
    with pytest.raises(ChatError):
        writer.journal.draft(run_id("r"), 3, _EVENTS)
    assert not chats.exists()
