"""Session keys: one name, one thread, however many ask at once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_chat_sessions.core.errors import ChatError
from jupyter_chat_sessions.core.ids import OWNER, SessionKey, Subject, ThreadId, new_thread_id
from jupyter_chat_sessions.files import locks
from jupyter_chat_sessions.files.session_keys import SessionKeys

_KEY = SessionKey("report")


@pytest.fixture
def keys(chats: Path) -> SessionKeys:
    return SessionKeys(chats)


def _never() -> ThreadId:
    raise AssertionError("an established key needs no new thread")


def test_a_key_leads_to_the_thread_it_was_first_given(keys: SessionKeys) -> None:
    thread_id, is_new = keys.resolve(OWNER, _KEY, new_thread_id)
    assert is_new
    assert keys.resolve(OWNER, _KEY, _never) == (thread_id, False)
    assert keys.find(OWNER, _KEY) == thread_id


def test_two_subjects_with_one_key_have_two_threads(keys: SessionKeys) -> None:
    mine, _ = keys.resolve(Subject("user:a"), _KEY, new_thread_id)
    theirs, is_new = keys.resolve(Subject("user:b"), _KEY, new_thread_id)
    assert is_new
    assert mine != theirs


def test_subject_and_key_are_told_apart_where_they_meet(keys: SessionKeys) -> None:
    first, _ = keys.resolve(Subject("user:a"), SessionKey("b:c"), new_thread_id)
    second, _ = keys.resolve(Subject("user:ab"), SessionKey(":c"), new_thread_id)
    assert first != second


def test_looking_for_a_key_makes_nothing(keys: SessionKeys, chats: Path) -> None:
    assert keys.find(OWNER, _KEY) is None
    assert not chats.exists()


def test_a_holder_that_raises_leaves_the_key_free(keys: SessionKeys) -> None:
    def fail() -> ThreadId:
        raise RuntimeError("the first holder fails")

    with pytest.raises(RuntimeError):
        keys.resolve(OWNER, _KEY, fail)
    assert keys.resolve(OWNER, _KEY, new_thread_id)[1]


def test_who_comes_too_late_takes_what_the_first_one_chose(keys: SessionKeys, chats: Path) -> None:
    first: list[ThreadId] = []

    def mint_while_another_is_faster() -> ThreadId:
        first.append(SessionKeys(chats).resolve(OWNER, _KEY, new_thread_id)[0])
        return new_thread_id()

    assert keys.resolve(OWNER, _KEY, mint_while_another_is_faster) == (first[0], False)


@pytest.mark.parametrize("content", [b"", b"garbage", b"0" * 37, b"\0" * 37, "torn"])
def test_a_torn_key_is_replaced_once(keys: SessionKeys, chats: Path, content: bytes | str) -> None:
    thread_id, _ = keys.resolve(OWNER, _KEY, new_thread_id)
    (name,) = os.listdir(chats / "keys")
    (chats / "keys" / name).write_bytes(f"{thread_id}\n".encode()[:-1] if isinstance(content, str) else content)
    again, is_new = keys.resolve(OWNER, _KEY, new_thread_id)
    assert is_new
    assert keys.resolve(OWNER, _KEY, _never) == (again, False)


def test_a_rebound_key_leads_to_the_other_thread(keys: SessionKeys) -> None:
    keys.resolve(OWNER, _KEY, new_thread_id)
    other = new_thread_id()
    keys.rebind(OWNER, _KEY, other)
    assert keys.resolve(OWNER, _KEY, _never) == (other, False)
    keys.rebind(OWNER, SessionKey("fresh"), other)
    assert keys.find(OWNER, SessionKey("fresh")) == other


def test_a_key_that_is_a_link_is_refused(keys: SessionKeys, chats: Path, tmp_path: Path) -> None:
    keys.resolve(OWNER, _KEY, new_thread_id)
    (name,) = os.listdir(chats / "keys")
    (tmp_path / "else").write_text(f"{new_thread_id()}\n")
    (chats / "keys" / name).unlink()
    (chats / "keys" / name).symlink_to(tmp_path / "else")
    with pytest.raises(ChatError):
        keys.resolve(OWNER, _KEY, new_thread_id)


def test_an_established_key_takes_no_lock_and_costs_one_small_read(
    keys: SessionKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys.resolve(OWNER, _KEY, new_thread_id)
    read: list[int] = []
    whole = os.read

    def count(fd: int, size: int) -> bytes:
        data = whole(fd, size)
        read.append(len(data))
        return data

    def no_lock(*_: object) -> None:
        raise AssertionError("a lock was taken")

    monkeypatch.setattr(os, "read", count)
    monkeypatch.setattr(locks.fcntl, "flock", no_lock)
    keys.resolve(OWNER, _KEY, _never)
    assert read == [37]


def test_many_keys_leave_no_descriptor_open(keys: SessionKeys) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for number in range(500):
        keys.resolve(OWNER, SessionKey(f"key-{number}"), new_thread_id)
        keys.resolve(OWNER, SessionKey(f"key-{number}"), _never)
    assert len(os.listdir("/proc/self/fd")) == before
