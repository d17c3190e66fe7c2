"""Files of a thread: nothing outside its folder is ever opened, whatever is named and whatever moves."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from jupyter_chat_sessions.core.errors import ChatError, FileNotFound, InvalidPath, TooLarge
from jupyter_chat_sessions.core.ids import new_thread_id
from jupyter_chat_sessions.files import safe_open
from jupyter_chat_sessions.files.file_names import media_type_of, parts_of, served_type_of
from jupyter_chat_sessions.files.folder_files import list_files, remove_file, remove_unfinished_files, write_new
from jupyter_chat_sessions.files.safe_open import opened_file


@pytest.fixture(params=["openat2", "walking"])
def files(request: pytest.FixtureRequest, chats: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A thread's `files/`, opened in each of the two ways."""
    if request.param == "walking":
        monkeypatch.setattr(safe_open, "best_way", lambda: safe_open.open_by_walking)
    elif safe_open.best_way() is safe_open.open_by_walking:
        pytest.skip("this kernel has no openat2")
    folder = chats / new_thread_id() / "files"
    folder.mkdir(parents=True)
    return folder


def _read(folder: Path, name: str) -> bytes:
    with opened_file(folder, name) as file:
        return file.read(0, file.size)


# --- names -----------------------------------------------------------------------------------------------------------

_BAD = [
    "",
    ".",
    "..",
    "/",
    "/etc/passwd",
    "a/",
    "a//b",
    "a/./b",
    "../x",
    "a/../../x",
    "a\0b",
    "ok.txt\0.png",
    "a\\b",
    "..\\x",
    "a\nb",
    "a\x7fb",
    "a\x85b",
    "\udc80",
    "x" * 256,
    "é" * 128,
    "/".join(["d" * 100] * 11),
]


@pytest.mark.parametrize("name", _BAD, ids=ascii)
def test_a_bad_name_is_refused_before_any_system_call(chats: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for call in ("open", "stat", "mkdir", "unlink", "rename", "link"):
        monkeypatch.setattr(os, call, None)
    for use in (lambda: _read(chats, name), lambda: remove_file(chats, name), lambda: write_new(chats, name, [])):
        with pytest.raises(InvalidPath):
            use()


@pytest.mark.parametrize(
    "name", ["a", "..b", "b..", "...", "%2e%2e", "con", "a b/ü 图.png", "x" * 255, "~", "-rf", ".x"]
)
def test_an_odd_name_is_a_name(files: Path, name: str) -> None:
    write_new(files, name, [b"x"])
    assert _read(files, name) == b"x"
    assert parts_of(name) == tuple(name.split("/"))


def test_what_a_file_is_called_is_shown_and_only_harmless_kinds_are_served_as_such() -> None:
    shown = {
        name: media_type_of(name) for name in ("a.PNG", "b/c.csv", "x.svg", "x.html", "x", "png", "a.tar.gz", ".png")
    }
    assert shown == {
        "a.PNG": "image/png",
        "b/c.csv": "text/csv",
        "x.svg": "image/svg+xml",
        "x.html": "text/html",
        "x": "application/octet-stream",
        "png": "application/octet-stream",
        "a.tar.gz": "application/octet-stream",
        ".png": "image/png",
    }
    inline = {"png", "jpg", "jpeg", "gif", "webp", "txt", "log"}
    for ending in (*inline, "svg", "html", "csv", "pdf", "ipynb", "xhtml", "js", "xml"):
        assert (served_type_of(f"a.{ending}") != "application/octet-stream") == (ending in inline)


# --- reading ---------------------------------------------------------------------------------------------------------


def test_a_file_is_read_in_ranges_and_its_tag_changes_with_it(files: Path) -> None:
    write_new(files, "a/b/data.csv", [b"0123", b"456789"])
    with opened_file(files, "a/b/data.csv") as file:
        assert (file.size, file.read(2, 3), file.read(8, 99), file.read(10, 1)) == (10, b"234", b"89", b"")
        assert file.served_type == "application/octet-stream"
        first = file.etag
        there = os.stat(files / "a/b/data.csv")
        assert first == f'"{there.st_ino:x}-{there.st_mtime_ns:x}-{there.st_size:x}"'
    write_new(files, "a/b/data.csv", [b"other"], overwrites=True)
    with opened_file(files, "a/b/data.csv") as file:
        assert file.etag != first


def test_links_folders_pipes_and_files_of_two_names_are_not_there(files: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (files / "sub").mkdir()
    (files / "sub" / "x").write_text("x")
    (files / "link").symlink_to(secret)
    (files / "inner").symlink_to("sub/x")
    (files / "way").symlink_to("sub")
    (files / "folder").symlink_to(tmp_path)
    (files / "proc").symlink_to("/proc/self/root")
    os.link(secret, files / "hard")
    os.mkfifo(files / "pipe")
    names = [
        "link",
        "inner",
        "way/x",
        "folder/secret",
        f"proc{secret}",
        "hard",
        "pipe",
        "sub",
        "none",
        "sub/x/y",
        "sub/none",
    ]
    for name in names:
        with pytest.raises(FileNotFound):
            _read(files, name)
    assert _read(files, "sub/x") == b"x"


@pytest.mark.parametrize("level", ["files", "thread", "chats"])
def test_a_folder_replaced_by_a_link_gives_nothing_away(files: Path, tmp_path: Path, level: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / files.parent.name / "files").mkdir(parents=True)
    target = {
        "files": elsewhere / files.parent.name / "files",
        "thread": elsewhere / files.parent.name,
        "chats": elsewhere,
    }
    place = {"files": files, "thread": files.parent, "chats": files.parent.parent}
    (target["files"] / "passwd").write_text("secret")
    place[level].rename(tmp_path / "aside")
    place[level].symlink_to(target[level])
    with pytest.raises(FileNotFound):
        _read(files, "passwd")
    with pytest.raises(FileNotFound):
        remove_file(files, "passwd")
    with pytest.raises(ChatError):
        list_files(files, 9)
    with pytest.raises(ChatError):
        write_new(files, "new", [b"x"])
    assert os.listdir(target["files"]) == ["passwd"]


def test_links_above_the_chats_folder_are_the_persons_own(files: Path, tmp_path: Path) -> None:
    write_new(files, "a.txt", [b"x"])
    (tmp_path / "way").symlink_to(files.parents[2])
    assert _read(tmp_path / "way" / files.relative_to(files.parents[2]), "a.txt") == b"x"


def test_an_unknown_thread_has_no_files_and_gets_no_folder(chats: Path) -> None:
    folder = chats / new_thread_id() / "files"
    assert list_files(folder, 9) == ()
    for use in (lambda: _read(folder, "a"), lambda: remove_file(folder, "a"), lambda: write_new(folder, "a", [b"x"])):
        with pytest.raises(FileNotFound):
            use()
    assert not chats.exists()


def test_no_secret_is_read_while_a_folder_is_swapped_for_a_link(files: Path, tmp_path: Path) -> None:
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "x").write_text("secret")
    (files / "d").mkdir()
    (files / "d" / "x").write_text("plain")
    (files / "l").symlink_to(secret)
    is_over = threading.Event()

    def swap() -> None:
        while not is_over.is_set():
            for names in (("d", "t"), ("l", "d"), ("d", "l"), ("t", "d")):
                os.rename(files / names[0], files / names[1])

    swapping = threading.Thread(target=swap)
    swapping.start()
    seen: dict[bytes, int] = {}
    deadline = time.monotonic() + 0.5
    try:
        while time.monotonic() < deadline:
            try:
                content = _read(files, "d/x")
            except FileNotFound:
                content = b"refused"
            seen[content] = seen.get(content, 0) + 1
    finally:
        is_over.set()
        swapping.join()
    assert set(seen) <= {b"plain", b"refused"}
    assert seen.get(b"plain", 0) > 0


# --- writing, listing, removing --------------------------------------------------------------------------------------


def test_a_file_that_is_there_is_only_overwritten_when_asked(files: Path) -> None:
    write_new(files, "a.txt", [b"first"])
    with pytest.raises(ChatError) as refusal:
        write_new(files, "a.txt", [b"second"])
    assert refusal.value.code == "file_exists"
    assert _read(files, "a.txt") == b"first"
    write_new(files, "a.txt", [b"second"], overwrites=True)
    assert _read(files, "a.txt") == b"second"
    (files / "folder").mkdir()
    for overwrites in (False, True):
        with pytest.raises(ChatError):
            write_new(files, "folder", [b"x"], overwrites=overwrites)
    with pytest.raises(ChatError):
        write_new(files, "a.txt/below", [b"x"])
    assert sorted(os.listdir(files)) == ["a.txt", "folder"]


def test_an_interrupted_upload_leaves_nothing_to_see(files: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"half"
        assert list_files(files, 9) == ()
        raise TooLarge("more than the limit")

    with pytest.raises(TooLarge):
        write_new(files, "big.png", chunks())
    assert os.listdir(files) == []


def test_what_a_killed_upload_left_is_swept_later(files: Path) -> None:
    write_new(files, "whole.txt", [b"x"])
    (files / ".new-0123").write_bytes(b"half")
    assert remove_unfinished_files(files, older_than_s=60) == 0
    os.utime(files / ".new-0123", (0, 0))
    assert remove_unfinished_files(files, older_than_s=60) == 1
    assert os.listdir(files) == ["whole.txt"]


def test_writing_makes_the_folder_and_the_ones_below_but_never_through_a_link(files: Path, tmp_path: Path) -> None:
    files.rmdir()
    write_new(files, "a/b.txt", [b"x"])
    assert files.stat().st_mode & 0o777 == 0o700
    (files / "link").symlink_to(tmp_path)
    with pytest.raises(ChatError):
        write_new(files, "link/x", [b"x"])
    assert not (tmp_path / "x").exists()


def test_a_link_in_a_files_place_is_replaced_and_not_written_through(files: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (files / "a").symlink_to(tmp_path / "precious")
    with pytest.raises(ChatError):
        write_new(files, "a", [b"x"])
    write_new(files, "a", [b"x"], overwrites=True)
    assert (tmp_path / "precious").read_text() == "precious"
    assert _read(files, "a") == b"x"


def test_a_listing_has_the_plain_files_and_only_those_that_can_be_opened(files: Path, tmp_path: Path) -> None:
    for name in ("b.csv", "a/c.txt", "a/b/d.png"):
        write_new(files, name, [b"12345"])
    for name in (".hidden", ".cache/x", "a/.x"):
        write_new(files, name, [b"x"])
    (files / "link").symlink_to(files / "b.csv")
    (files / "loop").symlink_to(files)
    os.mkfifo(files / "pipe")
    (tmp_path / "secret").write_text("secret")
    os.link(tmp_path / "secret", files / "hard.txt")
    (files / "bad\nname").write_text("x")
    os.close(os.open(os.fsencode(files) + b"/bad\xff", os.O_CREAT))
    found = list_files(files, 99)
    assert [(file.path, file.size, file.media_type) for file in found] == [
        ("a/b/d.png", 5, "image/png"),
        ("a/c.txt", 5, "text/plain"),
        ("b.csv", 5, "text/csv"),
    ]
    assert all(_read(files, file.path) == b"12345" for file in found)
    assert [file.path for file in list_files(files, 2)] == ["a/c.txt", "b.csv"]
    assert list_files(files, 0) == ()


def test_a_listing_of_a_tree_without_end_ends(files: Path) -> None:
    fd = os.open(files, os.O_RDONLY)
    for _ in range(700):
        os.mkdir("deep", dir_fd=fd)
        inner = os.open("deep", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)
    write_new(files, "top.txt", [b"x"])
    assert [file.path for file in list_files(files, 9)] == ["top.txt"]


def test_removing_takes_one_file_and_never_what_a_link_leads_to(files: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (files / "link").symlink_to(tmp_path / "precious")
    (files / "folder").mkdir()
    write_new(files, "a/b.txt", [b"x"])
    remove_file(files, "a/b.txt")
    remove_file(files, "link")
    for name in ("a/b.txt", "link", "folder", "none", "none/none"):
        with pytest.raises(FileNotFound):
            remove_file(files, name)
    assert (tmp_path / "precious").read_text() == "precious"
    assert sorted(os.listdir(files)) == ["a", "folder"]
