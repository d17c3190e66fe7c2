"""The catalog: an index that can be lost, and a folder that knows its threads."""

from __future__ import annotations

import json
import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from threads_on_disk import AT, Writer, asked, fixed_clock, header_bytes, run_id, said, started, titled, turn, writer_in

from jupyter_chat_sessions.core.conversation import begin
from jupyter_chat_sessions.core.errors import ChatError, Conflict, ReadOnly, ThreadNotFound, Unreadable
from jupyter_chat_sessions.core.ids import new_thread_id
from jupyter_chat_sessions.core.transcript import DeletedLine, MessageLine, NotebookLine, RestoredLine
from jupyter_chat_sessions.files.chats_folder import ChatsFolder


@pytest.fixture
def folder(chats: Path) -> ChatsFolder:
    return ChatsFolder(chats, fixed_clock)


def _note(folder: ChatsFolder, writer: Writer) -> int | None:
    """Notes what the writer knows, as a session does."""
    header = writer.journal.header()
    return folder.note(begin(writer.journal.thread_id, header, writer.seen), header.created if header else "")


def _thread(folder: ChatsFolder, words: str = "plot it") -> Writer:
    writer = Writer(folder.journal(new_thread_id(), "report.ipynb"))
    writer.append(*turn(1, words))
    _note(folder, writer)
    return writer


def _file(folder: ChatsFolder) -> dict[str, Any]:
    record = json.loads((folder.path / "catalog.json").read_bytes())
    assert isinstance(record, dict)
    return record


# --- entries ---------------------------------------------------------------------------------------------------------


def test_a_thread_without_a_message_is_not_in_the_catalog(folder: ChatsFolder) -> None:
    assert folder.create(new_thread_id(), "report.ipynb", "owner", "A title") is True
    assert folder.list().chats == ()
    assert sorted(os.listdir(folder.path))[0] == ".gitignore"
    assert not (folder.path / "catalog.json").exists()


def test_the_first_turn_enters_the_thread_with_exactly_these_fields(folder: ChatsFolder) -> None:
    writer = Writer(folder.journal(new_thread_id(), "report.ipynb"))
    writer.append(asked("m1", "  plot\n\tthe   " + "mean " * 40, run="r"), started("r", "m1"))
    writer.append(
        lambda seq: MessageLine(
            seq, "2026-11-21T11:00:00.000Z", {"id": "a", "role": "assistant", "content": "w " * 99}, run_id("r")
        )
    )
    assert _note(folder, writer) == 1
    record = _file(folder)
    assert list(record) == ["schema_version", "version", "chats"]
    (entry,) = record["chats"]
    assert entry == {
        "guid": writer.journal.thread_id,
        "title": ("plot the " + "mean " * 40)[:59].rstrip() + "…",
        "created": AT,
        "updated": "2026-11-21T11:00:00.000Z",
        "message_count": 2,
        "preview": ("w " * 99)[:79].rstrip() + "…",
        "notebook": "report.ipynb",
    }
    assert len(entry["title"]) <= 60
    assert len(entry["preview"]) <= 80


def test_titles_are_the_given_one_or_the_first_words_or_untitled(folder: ChatsFolder) -> None:
    writer = _thread(folder)
    titles = []
    for title in ("Sales", "", "x" * 90):
        writer.append(titled(title))
        _note(folder, writer)
        titles.append(folder.list().chats[0]["title"])
    assert titles == ["Sales", "Untitled chat", "x" * 90]


def test_a_title_given_before_the_first_turn_is_in_the_first_entry(folder: ChatsFolder) -> None:
    thread_id = new_thread_id()
    folder.create(thread_id, title="Sales")
    writer = Writer(folder.journal(thread_id))
    writer.append(*turn(1))
    _note(folder, writer)
    assert folder.list().chats[0]["title"] == "Sales"


def test_a_notebook_line_moves_the_thread_to_its_new_name(folder: ChatsFolder) -> None:
    writer = _thread(folder)
    writer.append(lambda seq: NotebookLine(seq, AT, "renamed.ipynb"))
    _note(folder, writer)
    assert folder.list().chats[0]["notebook"] == "renamed.ipynb"


# --- versions --------------------------------------------------------------------------------------------------------


def test_each_change_is_one_version_and_another_etag_and_no_change_is_none(folder: ChatsFolder) -> None:
    writer = _thread(folder)
    seen = [folder.list()]
    for title in ("a", "b"):
        writer.append(titled(title))
        _note(folder, writer)
        seen.append(folder.list())
    assert _note(folder, writer) == 3
    folder.forget(writer.journal.thread_id)
    seen.append(folder.list())
    assert [listing.version for listing in seen[:3]] == [1, 2, 3]
    assert len({listing.etag for listing in seen}) == len(seen)


def test_who_has_not_seen_another_servers_lines_does_not_bring_back_what_they_changed(folder: ChatsFolder) -> None:
    ours = _thread(folder, "first words")
    theirs = Writer(folder.journal(ours.journal.thread_id))
    theirs.append(titled("Sales"))
    _note(folder, theirs)
    _note(folder, ours)
    assert [entry["title"] for entry in folder.list().chats] == ["Sales"]
    theirs.append(lambda seq: DeletedLine(seq, fixed_clock()))
    _note(folder, theirs)
    _note(folder, ours)
    assert folder.list().chats == ()


def test_what_this_version_does_not_know_is_kept(folder: ChatsFolder) -> None:
    writer = _thread(folder)
    record = _file(folder)
    record["pinned"] = ["x"]
    record["chats"][0]["colour"] = "blue"
    (folder.path / "catalog.json").write_text(json.dumps(record))
    writer.append(titled("Sales"))
    _note(folder, writer)
    after = _file(folder)
    assert after["pinned"] == ["x"]
    assert after["chats"][0]["colour"] == "blue"
    assert after["chats"][0]["title"] == "Sales"


def test_forgetting_a_thread_nobody_entered_changes_nothing(folder: ChatsFolder) -> None:
    assert folder.forget(new_thread_id()) is None
    assert not folder.path.exists()
    _thread(folder)
    assert folder.forget(new_thread_id()) == 1


def test_the_catalog_is_never_synced(folder: ChatsFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = _thread(folder)
    writer.append(titled("Sales"))
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    monkeypatch.setattr(os, "fdatasync", synced.append)
    assert _note(folder, writer) == 2
    assert synced == []


# --- lost, torn, behind ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage", [None, b"", b"[]", b"garbage", b'{"version":1}', b'{"version":1,"chats":[7]}', "torn"]
)
def test_a_catalog_that_is_none_is_made_again_with_every_chat_and_its_title(
    folder: ChatsFolder, damage: bytes | str | None
) -> None:
    writers = [_thread(folder, f"question {number}") for number in range(3)]
    writers[0].append(titled("Sales"))
    _note(folder, writers[0])
    folder.create(new_thread_id())
    before = _file(folder)
    path = folder.path / "catalog.json"
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-40] if isinstance(damage, str) else damage)
    listing = ChatsFolder(folder.path).list()
    assert sorted(listing.chats, key=str) == sorted(before["chats"], key=str)
    assert _file(folder)["chats"] == list(listing.chats)
    if damage == "torn":
        assert listing.version == before["version"] + 1


def test_a_first_listing_opens_each_transcript_once_however_many_list_at_once(
    folder: ChatsFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {_thread(folder, f"question {number}").journal.thread_id for number in range(8)}
    (folder.path / "catalog.json").unlink()
    opened, opening = list[str](), os.open

    def noted(name: Any, *arguments: Any, **options: Any) -> int:
        if name == "chat.jsonl":
            opened.append(name)
        return opening(name, *arguments, **options)

    monkeypatch.setattr(os, "open", noted)
    anew = ChatsFolder(folder.path)
    with ThreadPoolExecutor(4) as workers:
        for listing in [workers.submit(anew.list) for _ in range(4)]:
            assert listing.result(20).guids == there
    assert len(opened) == len(there)


def test_a_change_to_a_lost_catalog_brings_every_other_chat_back(folder: ChatsFolder) -> None:
    first, second = _thread(folder), _thread(folder)
    (folder.path / "catalog.json").write_bytes(b"")
    second.append(titled("Sales"))
    _note(folder, second)
    assert {entry["guid"] for entry in _file(folder)["chats"]} == {first.journal.thread_id, second.journal.thread_id}


def test_threads_that_came_or_went_behind_the_catalog_are_listed_as_they_are(
    folder: ChatsFolder, tmp_path: Path
) -> None:
    kept, gone = _thread(folder), _thread(folder)
    shutil.rmtree(folder.path / gone.journal.thread_id)
    pulled = writer_in(folder.path)
    pulled.append(*turn(1, "from a colleague"))
    assert {entry["guid"] for entry in folder.list().chats} == {kept.journal.thread_id, pulled.journal.thread_id}
    version = folder.list().version
    assert folder.list().version == version


def test_what_is_no_thread_is_not_listed(folder: ChatsFolder, tmp_path: Path) -> None:
    writer = _thread(folder)
    (folder.path / "_default" / "x" / "files").mkdir(parents=True)
    (folder.path / "notes.txt").write_text("x")
    bad = new_thread_id()
    (folder.path / bad).mkdir()
    (folder.path / bad / "chat.jsonl").write_text("garbage\n")
    (folder.path / new_thread_id()).symlink_to(folder.path / writer.journal.thread_id)
    (folder.path / "catalog.json").unlink()
    assert [entry["guid"] for entry in folder.list().chats] == [writer.journal.thread_id]


def test_listing_a_folder_that_is_not_there_makes_nothing(folder: ChatsFolder) -> None:
    listing = folder.list()
    assert (listing.version, listing.chats) == (0, ())
    assert not folder.has(new_thread_id())
    assert not folder.path.exists()


def test_a_chats_folder_that_is_a_link_is_refused(chats: Path, tmp_path: Path) -> None:
    elsewhere = ChatsFolder(tmp_path / ".chats")
    thread_id = _thread(elsewhere).journal.thread_id
    chats.symlink_to(elsewhere.path)
    before = sorted(os.listdir(elsewhere.path))
    folder = ChatsFolder(chats)
    uses = [
        folder.list,
        lambda: folder.create(new_thread_id()),
        lambda: folder.trash(thread_id),
        lambda: folder.restore(thread_id),
        lambda: folder.forget(thread_id),
        folder.sweep_trash,
    ]
    for use in uses:
        with pytest.raises(Unreadable):
            use()
    assert sorted(os.listdir(elsewhere.path)) == before


def test_a_catalog_that_is_a_link_is_refused(folder: ChatsFolder, tmp_path: Path) -> None:
    writer = _thread(folder)
    (tmp_path / "precious").write_text("precious")
    (folder.path / "catalog.json").unlink()
    (folder.path / "catalog.json").symlink_to(tmp_path / "precious")
    writer.append(titled("Sales"))
    with pytest.raises(ChatError):
        _note(folder, writer)
    assert (tmp_path / "precious").read_text() == "precious"


# --- deleted and restored --------------------------------------------------------------------------------------------


def test_a_deleted_thread_leaves_the_list_and_comes_back_whole_with_a_line_that_says_so(folder: ChatsFolder) -> None:
    writer = _thread(folder, "keep me")
    writer.append(lambda seq: DeletedLine(seq, AT))
    folder.trash(writer.journal.thread_id)
    assert folder.list().chats == ()
    assert not folder.has(writer.journal.thread_id)
    with pytest.raises(ThreadNotFound):
        folder.trash(writer.journal.thread_id)
    folder.restore(writer.journal.thread_id)
    lines = folder.journal(writer.journal.thread_id).read()
    assert lines[:-1] == tuple(writer.seen)
    assert isinstance(lines[-1], RestoredLine)
    assert lines[-1].seq == len(lines)
    assert folder.list().chats[0]["preview"] == "answer-1"
    assert writer.look() == lines[-1:], "who knew the thread before goes on with it"


def test_a_thread_that_says_it_is_deleted_is_not_listed_while_it_still_stands_there(folder: ChatsFolder) -> None:
    writer = _thread(folder)
    writer.append(lambda seq: DeletedLine(seq, AT))
    _note(folder, writer)
    assert folder.list().chats == ()
    (folder.path / "catalog.json").unlink()
    assert folder.list().chats == ()


def test_restoring_never_replaces_a_thread_that_is_there(folder: ChatsFolder) -> None:
    writer = _thread(folder)
    thread_id = writer.journal.thread_id
    folder.trash(thread_id)
    shutil.copytree(folder.path / ".trash" / thread_id, folder.path / thread_id)
    with pytest.raises(Conflict):
        folder.restore(thread_id)
    folder.trash(thread_id)
    assert len(os.listdir(folder.path / ".trash")) == 2
    folder.restore(thread_id)
    assert folder.has(thread_id)
    with pytest.raises(ThreadNotFound):
        folder.restore(new_thread_id())


def test_a_thread_that_cannot_be_read_stays_in_the_trash(folder: ChatsFolder) -> None:
    writer = _thread(folder)
    thread_id = writer.journal.thread_id
    folder.trash(thread_id)
    (folder.path / ".trash" / thread_id / "chat.jsonl").write_bytes(header_bytes(thread_id, schema_version=9))
    with pytest.raises(ReadOnly):
        folder.restore(thread_id)
    assert not folder.has(thread_id)
    assert (folder.path / ".trash" / thread_id).is_dir()


def test_a_thread_replaced_by_a_link_is_neither_deleted_nor_listed_nor_followed(
    folder: ChatsFolder, tmp_path: Path
) -> None:
    thread_id = _thread(folder).journal.thread_id
    elsewhere = tmp_path / "elsewhere"
    (folder.path / thread_id).rename(elsewhere)
    (folder.path / thread_id).symlink_to(elsewhere)
    before = sorted(os.listdir(elsewhere))
    with pytest.raises(Unreadable):
        folder.trash(thread_id)
    with pytest.raises(Unreadable):
        folder.journal(thread_id).read()
    (folder.path / "catalog.json").unlink()
    assert folder.list().chats == ()
    assert sorted(os.listdir(elsewhere)) == before


def test_a_tools_result_is_neither_counted_nor_shown_as_the_last_words(folder: ChatsFolder) -> None:
    writer = _thread(folder)
    writer.append(said(1, "a tool's result", role="tool"))
    _note(folder, writer)
    assert folder.list().chats[0]["preview"] == "answer-1"
    assert folder.list().chats[0]["message_count"] == 2


def test_threads_that_come_and_go_are_seen_whether_the_folder_changed_long_ago_or_just_now(folder: ChatsFolder) -> None:
    def listed() -> set[str]:
        return {entry["guid"] for entry in folder.list().chats}

    elsewhere = ChatsFolder(folder.path, fixed_clock)
    there = {_thread(folder).journal.thread_id}
    for age in (0, 60, 0, 60):
        os.utime(folder.path, (time.time() - age, time.time() - age))
        assert listed() == listed() == there
        writer = Writer(elsewhere.journal(new_thread_id(), "report.ipynb"))
        writer.append(*turn(1, "not in the catalog"))
        there.add(writer.journal.thread_id)
        assert listed() == there
    os.utime(folder.path, (time.time() - 60, time.time() - 60))
    assert listed() == there
    shutil.rmtree(folder.path / there.pop())
    assert listed() == there


def test_a_list_is_the_newest_first(folder: ChatsFolder) -> None:
    for number in (2, 3, 1):
        writer = _thread(folder)
        writer.append(
            lambda seq, at=f"2026-11-21T1{number}:00:00.000Z": MessageLine(
                seq, at, {"id": "z", "role": "user", "content": "."}
            )
        )
        _note(folder, writer)
    assert [entry["updated"][11:13] for entry in folder.list().chats] == ["13", "12", "11"]
