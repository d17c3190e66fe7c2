"""Known folders: a thread is found by its id, and a copy is told from its original."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from threads_on_disk import asked, fixed_clock, turn, writer_in

from jupyter_chat_sessions.core.ids import ThreadId, new_thread_id
from jupyter_chat_sessions.core.transcript import CopiedLine, encode
from jupyter_chat_sessions.files.chats_folder import ChatsFolder
from jupyter_chat_sessions.files.journal import FileJournal
from jupyter_chat_sessions.files.known_folders import KnownFolders


@pytest.fixture
def known(tmp_path: Path) -> KnownFolders:
    return KnownFolders(tmp_path / "data")


def _folder(tmp_path: Path, name: str, *, threads: int = 1) -> tuple[Path, list[ThreadId]]:
    chats = tmp_path / name / ".chats"
    chats.parent.mkdir()
    writers = [writer_in(chats) for _ in range(threads)]
    for writer in writers:
        writer.append(*turn(1))
    return chats, [writer.journal.thread_id for writer in writers]


def test_a_thread_is_found_in_a_folder_seen_before_also_by_a_later_server(tmp_path: Path, known: KnownFolders) -> None:
    chats, (thread_id,) = _folder(tmp_path, "a")
    assert known.find(thread_id) is None
    assert known.remember(chats) == {}
    assert known.find(thread_id) == chats
    assert KnownFolders(tmp_path / "data").find(thread_id) == chats
    assert known.find(new_thread_id()) is None


def test_a_hint_is_tried_first_and_is_enough(tmp_path: Path, known: KnownFolders) -> None:
    chats, (thread_id,) = _folder(tmp_path, "a")
    assert known.find(thread_id, [tmp_path / "none" / ".chats", chats]) == chats


def test_finding_costs_one_stat_a_folder_and_never_a_walk(
    tmp_path: Path, known: KnownFolders, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        known.remember(_folder(tmp_path, name)[0])
    looks: list[object] = []
    whole = os.path.lexists

    def count(path: Path) -> bool:
        looks.append(path)
        return whole(path)

    known.all()
    monkeypatch.setattr(os.path, "lexists", count)
    for walk in ("listdir", "scandir", "walk"):
        monkeypatch.setattr(os, walk, None)
    assert known.find(new_thread_id(), [tmp_path]) is None
    assert len(looks) == 4


def test_remembering_twice_writes_once_and_a_folder_that_is_not_there_is_not_remembered(
    tmp_path: Path, known: KnownFolders
) -> None:
    chats, _ = _folder(tmp_path, "a")
    known.remember(chats)
    known.remember(chats)
    known.remember(tmp_path / "none" / ".chats")
    assert known.all() == (chats,)
    assert (tmp_path / "data" / "chat_sessions" / "folders.jsonl").read_bytes().count(b"\n") == 1


def test_garbage_in_the_list_is_passed_over_and_the_list_may_be_deleted(tmp_path: Path, known: KnownFolders) -> None:
    chats, (thread_id,) = _folder(tmp_path, "a")
    path = tmp_path / "data" / "chat_sessions" / "folders.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(b'123\nnull\n{}\n\xff\n{"folder":7}\n{"folder":"relative"}\n{"folder":"/a\\u0000b"}\n{"fol')
    known.remember(chats)
    assert KnownFolders(tmp_path / "data").find(thread_id) == chats
    path.unlink()
    assert known.find(thread_id) is None
    known.remember(chats)
    assert known.find(thread_id) == chats


def test_a_copied_folder_takes_new_ids_and_both_go_on(tmp_path: Path, known: KnownFolders) -> None:
    original, ids = _folder(tmp_path, "original", threads=2)
    ChatsFolder(original).list()
    (original / ids[0] / "files").mkdir()
    (original / ids[0] / "files" / "plot.png").write_text("x")
    copy = tmp_path / "copy" / ".chats"
    shutil.copytree(original.parent, copy.parent)
    assert known.remember(original) == {}
    renamed = known.remember(copy)
    assert set(renamed) == set(ids)
    for old, new in renamed.items():
        assert known.find(old) == original
        assert known.find(new) == copy
        lines = ChatsFolder(copy).journal(new).read()
        assert lines[:-1] == ChatsFolder(original).journal(old).read()
        assert isinstance(lines[-1], CopiedLine)
        assert (lines[-1].from_, lines[-1].seq) == (old, 5)
        for chats, thread_id in ((original, old), (copy, new)):
            writer_in(chats, thread_id).append(asked("next"))
    assert (copy / renamed[ids[0]] / "files" / "plot.png").read_text() == "x"
    assert {entry["guid"] for entry in ChatsFolder(copy).list().chats} == set(renamed.values())
    assert {entry["guid"] for entry in ChatsFolder(original).list().chats} == set(ids)


def test_a_copy_of_a_copy_is_a_third_thread(tmp_path: Path, known: KnownFolders) -> None:
    original, (first,) = _folder(tmp_path, "a")
    known.remember(original)
    shutil.copytree(original, tmp_path / "b" / ".chats")
    second = known.remember(tmp_path / "b" / ".chats")[first]
    shutil.copytree(tmp_path / "b" / ".chats", tmp_path / "c" / ".chats")
    third = known.remember(tmp_path / "c" / ".chats")[second]
    assert len({first, second, third}) == 3
    assert len(ChatsFolder(tmp_path / "c" / ".chats").journal(third).read()) == 6


def test_a_moved_folder_and_one_seen_by_another_way_are_no_copies(tmp_path: Path, known: KnownFolders) -> None:
    chats, (thread_id,) = _folder(tmp_path, "a")
    known.remember(chats)
    (tmp_path / "way").symlink_to(tmp_path / "a")
    assert known.remember(tmp_path / "way" / ".chats") == {}
    assert len(known.all()) == 1
    (tmp_path / "a").rename(tmp_path / "moved")
    assert known.remember(tmp_path / "moved" / ".chats") == {}
    assert known.find(thread_id) == tmp_path / "moved" / ".chats"


def test_a_folder_that_moved_and_left_a_link_behind_is_no_copy(tmp_path: Path, known: KnownFolders) -> None:
    chats, (thread_id,) = _folder(tmp_path, "a")
    known.remember(chats)
    (tmp_path / "a").rename(tmp_path / "moved")
    (tmp_path / "a").symlink_to(tmp_path / "moved")
    assert known.remember(tmp_path / "moved" / ".chats") == {}
    assert ChatsFolder(chats).thread_ids() == {thread_id}


def test_a_copied_thread_that_another_server_renamed_first_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy, (thread_id,) = _folder(tmp_path, "copy")
    whole = FileJournal.take_lane

    def take_too_late(journal: FileJournal) -> bool:
        (copy / thread_id).rename(copy / new_thread_id())
        return whole(journal)

    monkeypatch.setattr(FileJournal, "take_lane", take_too_late)
    assert not ChatsFolder(copy).give_new_id(thread_id, new_thread_id())
    assert thread_id not in ChatsFolder(copy).thread_ids()
    assert len(ChatsFolder(copy).thread_ids()) == 1


def test_a_copied_thread_that_is_running_keeps_its_id(tmp_path: Path, known: KnownFolders) -> None:
    original, (thread_id,) = _folder(tmp_path, "a")
    copy = tmp_path / "b" / ".chats"
    shutil.copytree(original, copy)
    known.remember(original)
    runner = ChatsFolder(copy).journal(thread_id)
    assert runner.take_lane()
    assert known.remember(copy) == {}
    assert len(runner.read()) == 4
    runner.close()


def test_a_renaming_that_was_cut_short_is_finished_without_saying_it_twice(tmp_path: Path, known: KnownFolders) -> None:
    original, (thread_id,) = _folder(tmp_path, "a")
    copy = tmp_path / "b" / ".chats"
    shutil.copytree(original, copy)
    with (copy / thread_id / "chat.jsonl").open("ab") as file:
        file.write(encode(CopiedLine(5, "", thread_id)))
    known.remember(original)
    new = known.remember(copy)[thread_id]
    assert [line.seq for line in ChatsFolder(copy, fixed_clock).journal(new).read()] == [1, 2, 3, 4, 5]
