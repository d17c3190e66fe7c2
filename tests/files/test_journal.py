"""What a thread's folder promises to whoever writes and reads it."""

from __future__ import annotations

import errno
import json
import os
import shutil
import threading
import time
from pathlib import Path

import pytest
from threads_on_disk import (
    Writer,
    asked,
    header_bytes,
    journal_in,
    older_file,
    run_id,
    started,
    thread_with_bytes,
    titled,
    transcript_of,
    turn,
    writer_in,
)

from jupyter_chat_sessions.core.errors import Malformed, ReadOnly, StorageFailed, ThreadDeleted, Unreadable
from jupyter_chat_sessions.core.ids import new_thread_id
from jupyter_chat_sessions.core.roles import Journal, Writing
from jupyter_chat_sessions.core.transcript import CopiedLine, Line, MessageLine, UnknownLine, encode
from jupyter_chat_sessions.files.journal import FileJournal
from jupyter_chat_sessions.files.locks import LockedFile, LockKind
from jupyter_chat_sessions.files.memory import MemoryJournal


def test_both_journals_play_the_role() -> None:
    def use(journal: Journal) -> Journal:
        return journal

    thread_id = new_thread_id()
    assert use(MemoryJournal(thread_id)).is_saved is False
    assert use(FileJournal(Path(thread_id), thread_id)).is_saved is True


# --- the first write -------------------------------------------------------------------------------------------------


def test_a_journal_that_was_only_read_leaves_nothing_on_disk(chats: Path) -> None:
    journal = journal_in(chats)
    assert journal.header() is None
    assert journal.read() == ()
    assert journal.tail(5).lines == ()
    assert journal.before(None, 5).lines == ()
    assert journal.read_draft() is None
    assert not journal.has_news()
    journal.close()
    assert not chats.exists()


def test_a_decision_to_write_nothing_leaves_nothing_on_disk(chats: Path) -> None:
    journal_in(chats).transact(lambda news: Writing(()))
    assert not chats.exists()


def test_a_refused_first_decision_leaves_nothing_on_disk(chats: Path) -> None:
    def refuse(news: tuple[Line, ...]) -> Writing:
        raise Malformed("no")

    with pytest.raises(Malformed):
        journal_in(chats).transact(refuse)
    assert not chats.exists()


def test_the_first_write_makes_a_private_folder_the_ignore_file_and_the_header_before_the_lines(chats: Path) -> None:
    writer = writer_in(chats)
    (line,) = writer.append(asked("m1"))
    folder = chats / writer.journal.thread_id
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (chats / ".gitignore").read_text().split() == [
        "*/files/",
        "*/requests/",
        "*/draft.jsonl",
        "*/lane",
        "keys/",
        "_default/",
        ".trash/",
        "catalog.json",
    ]
    assert os.listdir(folder) == ["chat.jsonl"]
    first, second = (folder / "chat.jsonl").read_bytes().splitlines(keepends=True)
    assert json.loads(first)["guid"] == writer.journal.thread_id
    assert second == encode(line)


def test_an_ignore_file_that_is_there_stays_as_it_is(chats: Path) -> None:
    chats.mkdir()
    (chats / ".gitignore").write_text("*\n")
    writer_in(chats).append(asked("m1"))
    assert (chats / ".gitignore").read_text() == "*\n"


def test_creating_a_thread_writes_one_header_line_and_is_new_once(chats: Path) -> None:
    journal = journal_in(chats)
    assert journal.create() is True
    assert journal.create() is False
    assert transcript_of(journal, chats).read_bytes().count(b"\n") == 1
    assert os.listdir(chats) == sorted([journal.thread_id, ".gitignore"], key=os.listdir(chats).index)


def test_a_title_given_before_the_first_turn_is_the_first_line(chats: Path) -> None:
    journal = journal_in(chats)
    journal.create("Sales")
    writer = writer_in(chats, journal.thread_id)
    writer.append(asked("m1"))
    assert [getattr(line, "title", None) for line in writer.seen] == ["Sales", None]
    assert [line.seq for line in writer.seen] == [1, 2]


# --- what is written is read again -----------------------------------------------------------------------------------


def test_everything_written_is_read_again_equal_and_numbered_without_a_gap(chats: Path) -> None:
    writer = writer_in(chats)
    text = 'ünï \u2028 \ud83d\ude00 "quoted" \\n \x00'
    for number in range(1, 4):
        writer.append(*turn(number, text))
    again = journal_in(chats, writer.journal.thread_id).read()
    assert list(again) == writer.seen
    assert [line.seq for line in again] == list(range(1, 13))


def test_a_journal_is_never_told_its_own_lines_and_always_those_of_others(chats: Path) -> None:
    first = writer_in(chats)
    second = writer_in(chats, first.journal.thread_id)
    first.append(asked("m1"))
    second.append(asked("m2"))
    first.append(asked("m3"))
    assert [line.seq for line in first.seen] == [1, 2, 3]
    assert second.journal.has_news()
    assert [line.seq for line in second.look()] == [3]
    assert not second.journal.has_news()
    assert not first.journal.has_news()
    assert first.look() == ()


def test_a_journal_knows_of_news_in_a_thread_it_has_never_read(chats: Path) -> None:
    writer = writer_in(chats)
    other = journal_in(chats, writer.journal.thread_id)
    assert not other.has_news()
    writer.append(asked("m1"))
    assert other.has_news()
    other.read()
    assert not other.has_news()


def test_a_decision_that_raises_appends_nothing_and_has_read_the_news(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    other = writer_in(chats, writer.journal.thread_id)
    before = transcript_of(writer.journal, chats).read_bytes()

    def refuse(news: tuple[Line, ...]) -> Writing:
        other.seen += news
        raise Malformed("no")

    with pytest.raises(Malformed):
        other.journal.transact(refuse)
    assert transcript_of(writer.journal, chats).read_bytes() == before
    assert [line.seq for line in other.append(asked("m2"))] == [2]
    assert [line.seq for line in other.seen] == [1, 2]


def test_a_decision_may_take_the_lane_and_read_the_draft_and_the_transcript(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1", run="r"), started("r", "m1"))
    assert writer.journal.take_lane()
    writer.journal.draft(run_id("r"), 2, [{"type": "X"}])
    writer.journal.close()
    other = journal_in(chats, writer.journal.thread_id)
    found: list[object] = []

    def decide(news: tuple[Line, ...]) -> Writing:
        found.extend([other.take_lane(), other.read_draft(), len(other.tail(9).lines), other.header()])
        return Writing(())

    other.transact(decide)
    assert found[0] is True
    assert found[1] is not None
    assert found[2] == 2
    other.close()


def test_the_first_decision_of_a_new_thread_may_take_the_lane(chats: Path) -> None:
    journal = journal_in(chats)
    held: list[bool] = []

    def decide(news: tuple[Line, ...]) -> Writing:
        held.append(journal.take_lane())
        return Writing((asked("m1")(1),))

    journal.transact(decide)
    journal.release_lane()
    assert held == [True]
    assert len(journal.read()) == 1


# --- torn, bad, newer, older -----------------------------------------------------------------------------------------


def test_a_torn_tail_is_healed_by_the_next_append(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(*turn(1))
    path = transcript_of(writer.journal, chats)
    whole = path.read_bytes()
    for cut in (1, 20, 60):
        torn = whole + encode(asked("torn")(5))[:cut]
        path.write_bytes(torn)
        other = writer_in(chats, writer.journal.thread_id)
        other.append(asked("next"))
        assert path.read_bytes().startswith(torn + b"\n{")
        assert [line.seq for line in other.seen] == [1, 2, 3, 4, 5]
        assert list(journal_in(chats, writer.journal.thread_id).read()) == other.seen


def test_a_torn_tail_is_no_news_until_it_is_healed(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    with transcript_of(writer.journal, chats).open("ab") as file:
        file.write(b'{"type":"message","se')
    assert writer.journal.has_news()
    assert writer.look() == ()
    assert not writer.journal.has_news()
    writer_in(chats, writer.journal.thread_id).append(asked("m2"))
    assert [line.seq for line in writer.look()] == [2]
    assert writer.journal.bad_lines == 1


def test_a_line_that_lacks_only_its_newline_keeps_its_number(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    with transcript_of(writer.journal, chats).open("ab") as file:
        file.write(encode(asked("m2")(2)).rstrip(b"\n"))
    other = journal_in(chats, writer.journal.thread_id)
    assert [line.seq for line in other.read()] == [line.seq for line in other.tail(9).lines] == [1, 2]
    assert other.tail(9).bad == 0
    (line,) = writer.append(asked("m3"))
    assert line.seq == 3
    assert [line.seq for line in journal_in(chats, writer.journal.thread_id).read()] == [1, 2, 3]
    assert writer.look() == ()


def test_a_line_that_lacks_only_its_newline_is_told_once_however_it_is_completed(chats: Path) -> None:
    writer, other = (lambda first: (first, writer_in(chats, first.journal.thread_id)))(writer_in(chats))
    writer.append(asked("m1"))
    with transcript_of(writer.journal, chats).open("ab") as file:
        file.write(encode(asked("m2")(2)).rstrip(b"\n"))
    assert [line.seq for line in writer.look()] == [2]
    other.append(asked("m3"))
    assert [line.seq for line in writer.look()] == [3]
    assert writer.journal.bad_lines == 0


@pytest.mark.parametrize("bad", [b"123", b'"x"', b"null", b"[]", b"{}", b"{", b"\xff\xfe", b"[" * 5000, b"\0" * 512])
def test_a_bad_line_is_passed_over_counted_and_kept(chats: Path, bad: bytes) -> None:
    writer = writer_in(chats)
    writer.append(*turn(1))
    path = transcript_of(writer.journal, chats)
    with path.open("ab") as file:
        file.write(bad + b"\n")
    before = path.read_bytes()
    other = writer_in(chats, writer.journal.thread_id)
    assert [line.seq for line in other.journal.read()] == [1, 2, 3, 4]
    assert other.journal.bad_lines == 1
    assert other.journal.tail(9).bad == 1
    other.seen += other.journal.read()
    other.append(asked("next"))
    assert path.read_bytes() == before + encode(other.seen[-1])
    assert other.seen[-1].seq == 5


def test_a_line_of_a_later_version_keeps_its_place_and_its_bytes(chats: Path) -> None:
    thread_id = new_thread_id()
    later = b'{"type":"message","schema_version":2,"seq":1,"created":"","what":{"is":"new"}}\n'
    unknown = b'{"type":"poll","schema_version":1,"seq":2,"created":""}\n'
    data = header_bytes(thread_id) + later + unknown
    writer = Writer(thread_with_bytes(chats, data, thread_id))
    writer.append(asked("m1"))
    assert [type(line) for line in writer.seen] == [UnknownLine, UnknownLine, MessageLine]
    assert writer.seen[-1].seq == 3
    assert transcript_of(writer.journal, chats).read_bytes().startswith(data)


def test_a_thread_of_a_later_version_is_read_and_never_written(chats: Path) -> None:
    thread_id = new_thread_id()
    data = header_bytes(thread_id, schema_version=2) + encode(asked("m1")(1))
    writer = Writer(thread_with_bytes(chats, data, thread_id))
    header = writer.journal.header()
    assert header is not None
    assert header.is_newer
    assert len(writer.look()) == 1
    with pytest.raises(ReadOnly):
        writer.append(asked("m2"))
    assert transcript_of(writer.journal, chats).read_bytes() == data


def test_a_file_of_the_older_layout_opens_with_every_turn_and_goes_on(chats: Path) -> None:
    thread_id = new_thread_id()
    data = older_file(thread_id, 3)
    writer = Writer(thread_with_bytes(chats, data, thread_id))
    lines = writer.journal.read()
    texts = [line.message["content"] for line in lines if isinstance(line, MessageLine)]
    assert texts[:4] == ["question 1", "answer 1.0", "answer 1.1", "answer 1.2"]
    assert len(texts) == 12
    ids = [line.message["id"] for line in lines if isinstance(line, MessageLine)]
    assert len(set(ids)) == 12
    assert [line.message["id"] for line in journal_in(chats, thread_id).read() if isinstance(line, MessageLine)] == ids
    writer.seen += lines
    writer.append(asked("m1"))
    assert writer.seen[-1].seq == 4
    assert transcript_of(writer.journal, chats).read_bytes() == data + encode(writer.seen[-1])


# --- headers that are none -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"garbage\n",
        b'{"type":"header"',
        b'{"type":"header","schema_version":1}\n',
        header_bytes("7f7f7f7f-0000-4000-8000-000000000001"),
        header_bytes("../../etc"),
        b"x" * 100_000,
    ],
)
def test_a_transcript_without_its_own_header_is_unreadable_everywhere_and_left_untouched(
    chats: Path, data: bytes
) -> None:
    journal = thread_with_bytes(chats, data)
    uses = [
        journal.header,
        journal.read,
        lambda: journal.tail(1),
        lambda: journal.before(None, 1),
        lambda: journal.transact(lambda news: Writing((asked("m1")(1),))),
        journal.create,
    ]
    for use in uses:
        with pytest.raises(Unreadable) as refusal:
            use()
        assert refusal.value.code == "unreadable"
    assert transcript_of(journal, chats).read_bytes() == data


def test_an_unreadable_thread_can_be_deleted(chats: Path) -> None:
    journal = thread_with_bytes(chats, b"garbage\n")
    journal.remove()
    assert (chats / ".trash" / journal.thread_id / "chat.jsonl").read_bytes() == b"garbage\n"


def test_a_copied_line_explains_a_header_that_names_another_thread(chats: Path) -> None:
    original, copy, copy_of_copy = new_thread_id(), new_thread_id(), new_thread_id()
    data = older_file(original, 2) + encode(CopiedLine(3, "", original)) + encode(CopiedLine(4, "", copy))
    journal = thread_with_bytes(chats, data, copy_of_copy)
    header = journal.header()
    assert header is not None
    assert header.guid == copy_of_copy
    older = thread_with_bytes(chats, older_file(original, 2), original)
    assert journal.read()[: len(older.read())] == older.read(), "ids that later lines may name stay what they were"


def test_an_empty_folder_is_a_thread_yet_to_be_written(chats: Path) -> None:
    journal = journal_in(chats)
    (chats / journal.thread_id / "files").mkdir(parents=True)
    assert journal.header() is None
    Writer(journal).append(asked("m1"))
    assert len(journal.read()) == 1


# --- what is not plain is not followed -------------------------------------------------------------------------------


def _elsewhere(tmp_path: Path) -> Path:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    return elsewhere


@pytest.mark.parametrize("what", ["transcript", "thread", "chats", "fifo", "folder"])
def test_what_is_no_plain_file_in_a_plain_folder_is_refused_and_untouched(
    chats: Path, tmp_path: Path, what: str
) -> None:
    journal = journal_in(chats)
    thread = chats / journal.thread_id
    original = writer_in(_elsewhere(tmp_path), journal.thread_id)
    original.append(asked("m1"))
    there = tmp_path / "elsewhere" / journal.thread_id
    before = (there / "chat.jsonl").read_bytes()
    if what == "chats":
        chats.symlink_to(there.parent)
    elif what == "thread":
        chats.mkdir()
        thread.symlink_to(there)
    else:
        thread.mkdir(parents=True)
        if what == "transcript":
            (thread / "chat.jsonl").symlink_to(there / "chat.jsonl")
        elif what == "fifo":
            os.mkfifo(thread / "chat.jsonl")
        else:
            (thread / "chat.jsonl").mkdir()
    uses = [journal.header, journal.read, journal.create, lambda: journal.transact(lambda news: Writing(()))]
    uses += [journal.remove] if what != "fifo" else []
    for use in uses:
        with pytest.raises(Unreadable):
            use()
    if what in ("thread", "chats"):
        with pytest.raises(Unreadable):
            journal.take_lane()
    assert os.listdir(there) == ["chat.jsonl"]
    assert (there / "chat.jsonl").read_bytes() == before


# --- what goes, and what takes its place -----------------------------------------------------------------------------


def test_a_journal_that_knew_a_thread_never_makes_it_again(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    shutil.rmtree(chats / writer.journal.thread_id)
    assert writer.journal.has_news()
    for use in (writer.look, writer.journal.read, writer.journal.header, writer.journal.take_lane):
        with pytest.raises(ThreadDeleted):
            use()
    with pytest.raises(ThreadDeleted):
        writer.append(asked("m2"))
    assert not (chats / writer.journal.thread_id).exists()


def test_a_deleted_thread_is_not_begun_again_while_it_is_in_the_trash(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    other = writer_in(chats, writer.journal.thread_id)
    other.look()
    writer.journal.remove()
    fresh = writer_in(chats, writer.journal.thread_id)
    for late in (writer, other, fresh):
        with pytest.raises(ThreadDeleted):
            late.append(asked("m2"))
        with pytest.raises(ThreadDeleted):
            late.journal.take_lane()
    with pytest.raises(ThreadDeleted):
        fresh.journal.create()
    with pytest.raises(ThreadDeleted):
        other.journal.remove()
    assert not (chats / writer.journal.thread_id).exists()


def test_a_transcript_replaced_by_one_that_goes_on_from_it_is_followed(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(*turn(1))
    path = transcript_of(writer.journal, chats)
    longer = path.with_name("new")
    longer.write_bytes(path.read_bytes() + encode(asked("m2")(5)))
    longer.rename(path)
    assert [line.seq for line in writer.look()] == [5]


def test_a_transcript_replaced_by_another_history_is_not_mixed_with_it(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(*turn(1), *turn(2))
    path = transcript_of(writer.journal, chats)
    first_lines = b"".join(path.read_bytes().splitlines(keepends=True)[:3])
    for place, other in enumerate((first_lines, path.read_bytes().replace(b"words", b"WORDS"))):
        path.rename(path.with_name(f"old-{place}"))
        path.write_bytes(other)
        with pytest.raises(Unreadable):
            writer.append(asked("m3"))
        assert path.read_bytes() == other
    writer.seen = list(writer.journal.read())
    writer.append(titled("goes on after everything was read again"))


def _wait_until_somebody_waits_for(path: Path) -> None:
    """Until the kernel knows of a lock on this file that is waited for."""
    inode, deadline = f":{path.stat().st_ino} ", time.monotonic() + 10
    while not any("->" in line and inode in line for line in Path("/proc/locks").read_text().splitlines()):
        assert time.monotonic() < deadline


@pytest.mark.parametrize("what", ["transcript", "folder"])
def test_who_waited_for_a_transcript_that_went_meanwhile_does_not_write_into_the_old_one(
    chats: Path, what: str
) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    other = writer_in(chats, writer.journal.thread_id)
    other.look()
    path = transcript_of(writer.journal, chats)
    refusals: list[ThreadDeleted] = []

    def wait_for_the_lock() -> None:
        try:
            other.append(asked("m3"))
        except ThreadDeleted as refusal:
            refusals.append(refusal)

    waiting = threading.Thread(target=wait_for_the_lock)

    def replace_it_meanwhile(news: tuple[Line, ...]) -> Writing:
        waiting.start()
        _wait_until_somebody_waits_for(path)
        if what == "folder":
            path.parent.rename(chats / "moved")
        else:
            path.with_name("new").write_bytes(path.read_bytes() + encode(asked("m2")(2)))
            path.with_name("new").rename(path)
        return Writing(())

    writer.journal.transact(replace_it_meanwhile)
    waiting.join()
    if what == "folder":
        assert len(refusals) == 1
        assert (chats / "moved" / "chat.jsonl").read_bytes().count(b"\n") == 2
    else:
        assert [line.seq for line in journal_in(chats, writer.journal.thread_id).read()] == [1, 2, 3]


def test_what_is_written_and_not_yet_settled_is_never_read(chats: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    path = transcript_of(writer.journal, chats)
    seen: list[int] = []
    reading = threading.Thread(target=lambda: seen.append(len(journal_in(chats, writer.journal.thread_id).read())))

    def refuse_while_somebody_reads(fd: int) -> None:
        assert path.read_bytes().count(b"\n") == 3
        reading.start()
        _wait_until_somebody_waits_for(path)
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", refuse_while_somebody_reads)
    with pytest.raises(StorageFailed):
        writer.append(asked("m2"), is_synced=True)
    reading.join()
    assert seen == [1]


def test_what_is_begun_after_a_reader_unlocked_is_not_read_by_it(chats: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = writer_in(chats)
    writer.append(asked("m1"))
    whole = LockedFile.unlock

    def unlock_and_somebody_begins(file: LockedFile) -> None:
        whole(file)
        with transcript_of(writer.journal, chats).open("ab") as unsettled:
            unsettled.write(encode(asked("m2")(2)))

    monkeypatch.setattr(LockedFile, "unlock", unlock_and_somebody_begins)
    assert len(journal_in(chats, writer.journal.thread_id).read()) == 1


def test_a_folder_given_up_while_another_waited_for_it_is_made_again(
    chats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = writer_in(chats)
    whole = LockedFile.lock
    gone: list[Path] = []

    def lock_too_late(file: LockedFile, kind: LockKind) -> None:
        if not gone:
            gone.append(chats / writer.journal.thread_id)
            gone[0].rmdir()
        whole(file, kind)

    monkeypatch.setattr(LockedFile, "lock", lock_too_late)
    writer.append(asked("m1"))
    assert len(gone) == 1
    assert len(writer.journal.read()) == 1


def test_renaming_a_thread_appends_one_line_and_changes_no_byte_before_it(chats: Path) -> None:
    writer = writer_in(chats)
    writer.append(*turn(1))
    before = transcript_of(writer.journal, chats).read_bytes()
    (line,) = writer.append(titled("Sales"))
    assert transcript_of(writer.journal, chats).read_bytes() == before + encode(line)


def test_what_is_kept_only_in_memory_behaves_the_same_and_touches_no_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    journal = MemoryJournal(new_thread_id(), "report.ipynb")
    assert journal.header() is None
    journal.transact(lambda news: Writing(tuple(make(seq) for seq, make in enumerate([*turn(1), *turn(2)], 1))))
    header = journal.header()
    assert header is not None
    assert header.notebook == "report.ipynb"
    assert [line.seq for line in journal.read()] == list(range(1, 9))
    assert [line.seq for line in journal.tail(2).lines] == [7, 8]
    assert journal.tail(2).more
    assert [line.seq for line in journal.before(5, 9).lines] == [1, 2, 3, 4]
    assert journal.take_lane()
    journal.draft(run_id(2), 8, [{"type": "X"}])
    draft = journal.read_draft()
    assert draft is not None
    assert draft.events == ({"type": "X"},)
    journal.remove()
    with pytest.raises(ThreadDeleted):
        journal.transact(lambda news: Writing(()))
    assert os.listdir(tmp_path) == []


def test_a_lane_that_is_given_back_leaves_the_one_another_made_where_its_folder_stood(chats: Path) -> None:
    thread_id = new_thread_id()
    folder = chats / thread_id
    first, second, third = (FileJournal(folder, thread_id) for _ in range(3))
    assert first.take_lane()
    folder.rename(chats / new_thread_id())
    assert second.take_lane()
    first.close()
    assert (folder / "lane").exists()
    assert not third.take_lane(), "one holds it"
    second.close()
    assert not folder.exists(), "it was made for nothing"
