"""Anything that may happen to a folder, in any order, and what stays true through all of it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule
from threads_on_disk import Writer, asked, fixed_clock, titled, turn

from jupyter_chat_sessions.core.conversation import begin
from jupyter_chat_sessions.core.errors import Replaced, ThreadDeleted
from jupyter_chat_sessions.core.ids import ThreadId, new_thread_id
from jupyter_chat_sessions.core.transcript import CopiedLine, Line, RestoredLine, TitleLine, encode
from jupyter_chat_sessions.files.chats_folder import ChatsFolder
from jupyter_chat_sessions.files.known_folders import KnownFolders


class Thread:
    """What must be on disk: the lines somebody was told are there, and every byte that ever stood there."""

    def __init__(self, folder: ChatsFolder, thread_id: ThreadId) -> None:
        self.folder = folder
        self.thread_id = thread_id
        self.acknowledged: list[Line] = []
        self.bytes = b""
        self.is_deleted = False
        self.writers = [Writer(folder.journal(thread_id)) for _ in range(2)]
        self.was_put_back = [False, False]
        """For each writer, whether what it has read may stand on disk no more."""

    @property
    def path(self) -> Path:
        return self.folder.path / self.thread_id / "chat.jsonl"

    def reopen(self) -> None:
        """As after a restart of both servers."""
        for writer in self.writers:
            writer.journal.close()
        self.writers = [Writer(self.folder.journal(self.thread_id)) for _ in range(2)]


class Disk(RuleBasedStateMachine):
    threads = Bundle("threads")

    @initialize()
    def begin(self) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="disk-machine-"))
        self.known = KnownFolders(self.root / "data", clock=fixed_clock)
        self.all: list[Thread] = []
        self.folders = [ChatsFolder(self._notebook_folder() / ".chats", fixed_clock)]

    def _notebook_folder(self) -> Path:
        folder = self.root / f"folder-{len(list(self.root.iterdir()))}"
        folder.mkdir()
        return folder

    def teardown(self) -> None:
        if hasattr(self, "root"):
            for thread in self.all:
                thread.reopen()
            shutil.rmtree(self.root)

    @rule(target=threads, where=st.integers(0, 3), has_title=st.booleans())
    def make(self, where: int, has_title: bool) -> Thread:
        thread = Thread(self.folders[where % len(self.folders)], new_thread_id())
        assert thread.folder.create(thread.thread_id, title="Given" if has_title else None)
        if has_title:
            thread.acknowledged.append(TitleLine(1, fixed_clock(), "Given"))
        self.all.append(thread)
        return thread

    @rule(thread=threads, who=st.integers(0, 1), count=st.integers(0, 3), is_synced=st.booleans())
    def append(self, thread: Thread, who: int, count: int, is_synced: bool) -> None:
        makes = [asked(f"m-{len(thread.acknowledged)}-{each}", "w" * each) for each in range(count)]
        self._write(thread, who, lambda writer: writer.append(*makes, is_synced=is_synced))

    @rule(thread=threads, who=st.integers(0, 1), title=st.text(max_size=5))
    def rename(self, thread: Thread, who: int, title: str) -> None:
        self._write(thread, who, lambda writer: writer.append(titled(title)))

    def _write(self, thread: Thread, who: int, write: object) -> None:
        writer = thread.writers[who]
        try:
            written = write(writer)  # type: ignore[operator]
        except ThreadDeleted:
            assert thread.is_deleted
            return
        except Replaced:
            assert thread.was_put_back[who], "only who had read more is told"
            thread.was_put_back[who] = False
            writer.seen = list(writer.journal.read())
            assert writer.seen == thread.acknowledged
            written = write(writer)  # type: ignore[operator]
        assert not thread.is_deleted
        thread.acknowledged += written
        assert thread.writers[who].seen == thread.acknowledged, "each line told once, in order, own ones included"

    @rule(thread=threads, cut=st.integers(1, 200), is_restarted=st.booleans())
    def crash_in_a_write(self, thread: Thread, cut: int, is_restarted: bool) -> None:
        if thread.is_deleted:
            return
        line = asked("never acknowledged")(len(thread.acknowledged) + 1)
        torn = encode(line)[: -min(cut, len(encode(line)) - 1)]
        ends_torn = not thread.path.read_bytes().endswith(b"\n")
        with thread.path.open("ab") as file:
            file.write(b"\n" + torn if ends_torn else torn)  # as a journal would have begun to
        if torn == encode(line)[:-1]:
            thread.acknowledged.append(line)  # it lacks only its newline: nobody was told, and it counts
        if is_restarted:
            thread.reopen()

    @rule(thread=threads, count=st.integers(0, 12), is_in_place=st.booleans())
    def put_an_older_one_back(self, thread: Thread, count: int, is_in_place: bool) -> None:
        """As programs do that sync folders or check out, heeding no lock; with many lines it is the same one again."""
        if thread.is_deleted:
            return
        header, *lines = thread.path.read_bytes().splitlines(keepends=True)
        kept = lines[:count]
        told = [line for line in thread.acknowledged if encode(line)[:-1] in b"".join(kept)]
        if any(isinstance(line, CopiedLine) for line in thread.acknowledged[len(told) :]):
            return  # without the line that tells why its header names another, it is not its transcript
        if not begin(thread.thread_id, None, told).message_count:
            return  # lists show it as it was until somebody says something in it
        thread.acknowledged, thread.bytes = told, header + b"".join(kept)
        if kept != lines:
            thread.was_put_back = [True, True]
        if not is_in_place:
            thread.path.rename(thread.path.with_name("chat (1).jsonl"))
        thread.path.write_bytes(thread.bytes)

    @rule(thread=threads)
    def delete(self, thread: Thread) -> None:
        if not thread.is_deleted:
            thread.folder.trash(thread.thread_id)
            thread.is_deleted = True

    @rule(thread=threads)
    def restore(self, thread: Thread) -> None:
        if thread.is_deleted:
            thread.folder.restore(thread.thread_id)
            thread.is_deleted = False
            thread.acknowledged.append(RestoredLine(len(thread.acknowledged) + 1, fixed_clock()))

    @rule(where=st.integers(0, 3))
    def copy(self, where: int) -> None:
        if len(self.folders) > 3:
            return
        original = self.folders[where % len(self.folders)]
        if not original.path.exists():
            return
        self.known.remember(original.path)
        copy = ChatsFolder(self._notebook_folder() / ".chats", fixed_clock)
        shutil.copytree(original.path, copy.path)
        renamed = self.known.remember(copy.path)
        there = [thread for thread in self.all if thread.folder is original and not thread.is_deleted]
        assert set(renamed) == {thread.thread_id for thread in there}
        for thread in there:
            copied = Thread(copy, renamed[thread.thread_id])
            seq = len(thread.acknowledged) + 1
            copied.acknowledged = [*thread.acknowledged, CopiedLine(seq, fixed_clock(), thread.thread_id)]
            copied.bytes = thread.bytes
            self.all.append(copied)
        self.folders.append(copy)

    @rule(who=st.integers(0, 1))
    def append_to_the_newest(self, who: int) -> None:
        if self.all:
            thread = self.all[-1]
            makes = turn(len(thread.acknowledged) + 1)
            self._write(thread, who, lambda writer: writer.append(*makes))

    @rule(where=st.integers(0, 3), damage=st.sampled_from([None, b"", b"[]", b'{"version":3,"ch']))
    def lose_the_catalog(self, where: int, damage: bytes | None) -> None:
        path = self.folders[where % len(self.folders)].path / "catalog.json"
        if path.exists():
            path.unlink()
        if damage is not None and path.parent.exists():
            path.write_bytes(damage)

    @precondition(lambda self: self.all)
    @rule(data=st.data())
    def note(self, data: st.DataObject) -> None:
        thread = data.draw(st.sampled_from(self.all))
        if not thread.is_deleted:
            thread.folder.note(begin(thread.thread_id, None, thread.acknowledged), fixed_clock())

    @invariant()
    def no_acknowledged_line_is_lost_or_doubled(self) -> None:
        for thread in getattr(self, "all", []):
            if not thread.is_deleted:
                lines = thread.folder.journal(thread.thread_id).read()
                assert list(lines) == thread.acknowledged
                assert [line.seq for line in lines] == list(range(1, len(lines) + 1))

    @invariant()
    def no_byte_that_stood_there_ever_changes(self) -> None:
        for thread in getattr(self, "all", []):
            if not thread.is_deleted:
                now = thread.path.read_bytes()
                assert now.startswith(thread.bytes)
                thread.bytes = now

    @invariant()
    def the_list_shows_every_chat_with_a_message_and_no_other(self) -> None:
        for folder in getattr(self, "folders", []):
            shown = {entry["guid"]: entry for entry in folder.list().chats}
            mine = [thread for thread in self.all if thread.folder is folder and not thread.is_deleted]
            expected = {
                thread.thread_id for thread in mine if begin(thread.thread_id, None, thread.acknowledged).message_count
            }
            assert set(shown) == expected


Disk.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestDisk = Disk.TestCase
