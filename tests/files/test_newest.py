"""A page of many threads without a catalog: the same as with one, and little is read for it."""

from __future__ import annotations

import os
import random
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from threads_on_disk import AT, header_bytes, turn

from jupyter_chat_sessions.core.ids import ThreadId, new_thread_id
from jupyter_chat_sessions.core.transcript import encode
from jupyter_chat_sessions.files import chats_folder as chats_folder_module
from jupyter_chat_sessions.files.catalog import Entry, updated
from jupyter_chat_sessions.files.chats_folder import ChatsFolder
from jupyter_chat_sessions.files.newest import newest

BEGAN = datetime(2026, 1, 1, tzinfo=timezone.utc)


def _thread(chats: Path, hour: int, changed_hour: int) -> ThreadId:
    """A thread last heard in at one hour, whose file was changed at another."""
    thread_id = new_thread_id()
    when = (BEGAN + timedelta(hours=hour)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    lines = b"".join(encode(make(seq)) for seq, make in enumerate(turn(1, f"hour {hour}"), 1))
    path = chats / thread_id / "chat.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes((header_bytes(thread_id) + lines).replace(AT.encode(), when.encode()))
    changed = (BEGAN + timedelta(hours=changed_hour)).timestamp()
    os.utime(path, (changed, changed))
    return thread_id


@pytest.fixture
def folder(chats: Path, monkeypatch: pytest.MonkeyPatch) -> ChatsFolder:
    monkeypatch.setattr(chats_folder_module, "_MANY", 20)
    return ChatsFolder(chats)


def test_a_page_is_the_catalogs_whatever_was_done_to_the_files_after_their_last_words(folder: ChatsFolder) -> None:
    order = random.Random(1)
    for hour in order.sample(range(60), 60):
        _thread(folder.path, hour, hour + order.choice((0, 0, 3, 100)))
    shown = folder.newest()
    assert shown is not None
    found = list(shown)
    assert [entry["title"] for entry in found] == [f"hour {hour}" for hour in reversed(range(60))]
    assert found == list(folder.list().chats)
    assert folder.newest() is None, "there is a catalog now"


def test_a_page_of_files_as_old_as_their_words_reads_no_thread_but_its_own(folder: ChatsFolder) -> None:
    there = [_thread(folder.path, hour, hour) for hour in range(60)]
    read = list[ThreadId]()

    def entry(thread_id: ThreadId) -> Entry:
        read.append(thread_id)
        return {"guid": thread_id, "updated": updated(entries[thread_id])}

    entries = {each["guid"]: each for each in folder.newest() or ()}
    page = newest(folder.path, there, entry)
    assert [next(page)["guid"] for _ in range(10)] == there[:-11:-1]
    assert read == there[:-11:-1]


def test_few_threads_are_listed_whole(folder: ChatsFolder) -> None:
    for hour in range(3):
        _thread(folder.path, hour, hour)
    assert folder.newest() is None
    assert len(folder.list().chats) == 3


def test_threads_that_go_while_they_are_listed_are_left_out(folder: ChatsFolder) -> None:
    there = [_thread(folder.path, hour, hour) for hour in range(30)]
    shown = folder.newest()
    assert shown is not None
    first = next(shown)
    assert first["guid"] == there[-1]
    for thread_id in there[:10]:
        (folder.path / thread_id / "chat.jsonl").unlink()
    assert [entry["guid"] for entry in shown] == there[-2:9:-1]
