"""Files between the notebook's folder and a thread's: plain, visible ones; no link followed, none overwritten."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from jupyter_chat_sessions.core.errors import ChatError, FileExists, FileNotFound, Forbidden, InvalidPath, TooLarge
from jupyter_chat_sessions.files.persons_files import copy_in, copy_out
from jupyter_chat_sessions.files.safe_open import OpenFile


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    folder = tmp_path / "analysis"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "table.csv").write_bytes(b"a,b\n1,2\n")
    return folder


@pytest.fixture
def files(beside: Path) -> Path:
    folder = beside / ".chats" / "thread" / "files"
    folder.mkdir(parents=True)
    return folder


def names(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file())


def test_a_file_is_copied_in_under_the_path_a_notebook_would_read_it_by(beside: Path, files: Path) -> None:
    copied = copy_in(beside, "data/table.csv", files)
    assert (copied.path, copied.size) == ("data/table.csv", 8)
    assert (files / "data" / "table.csv").read_bytes() == b"a,b\n1,2\n"
    assert copy_in(beside, "data/table.csv", files, "t.csv").path == "t.csv"


def test_what_a_thread_has_is_overwritten_only_when_that_is_said(beside: Path, files: Path) -> None:
    copy_in(beside, "data/table.csv", files)
    (beside / "data" / "table.csv").write_bytes(b"new")
    with pytest.raises(FileExists):
        copy_in(beside, "data/table.csv", files)
    copy_in(beside, "data/table.csv", files, overwrites=True)
    assert (files / "data" / "table.csv").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        (".chats/thread/chat.jsonl", Forbidden),
        (".env", Forbidden),
        ("data/.git/config", Forbidden),
        ("../outside.txt", InvalidPath),
        ("/etc/passwd", InvalidPath),
        ("data\\table.csv", InvalidPath),
        ("data", FileNotFound),
        ("nothing.csv", FileNotFound),
        ("link.txt", FileNotFound),
        ("linked/table.csv", FileNotFound),
        ("pipe", FileNotFound),
        ("chats/thread/chat.jsonl", FileNotFound),
    ],
)
def test_nothing_hidden_linked_or_outside_is_copied_in(
    beside: Path, files: Path, tmp_path: Path, path: str, error: type[ChatError]
) -> None:
    (tmp_path / "outside.txt").write_text("secret")
    (files.parent / "chat.jsonl").write_text("secret")
    (beside / ".env").write_text("secret")
    (beside / "data" / ".git").mkdir()
    (beside / "data" / ".git" / "config").write_text("secret")
    (beside / "link.txt").symlink_to(tmp_path / "outside.txt")
    (beside / "linked").symlink_to(beside / "data")
    (beside / "chats").symlink_to(beside / ".chats")
    os.mkfifo(beside / "pipe")
    with pytest.raises(error):
        copy_in(beside, path, files, "got.txt")
    assert names(files) == []


def test_a_file_beyond_the_limit_is_refused_with_its_size_and_the_limit(beside: Path, files: Path) -> None:
    with pytest.raises(TooLarge, match=r"has 8 bytes; at most 7"):
        copy_in(beside, "data/table.csv", files, most=7)
    assert names(files) == []


def test_links_that_lead_to_the_notebook_are_the_persons_own_but_not_into_chats(
    beside: Path, files: Path, tmp_path: Path
) -> None:
    (tmp_path / "work").symlink_to(beside)
    assert copy_in(tmp_path / "work", "data/table.csv", files).size == 8
    (tmp_path / "sly").symlink_to(files.parent)
    (files.parent / "chat.jsonl").write_text("secret")
    with pytest.raises(Forbidden):
        copy_in(tmp_path / "sly", "chat.jsonl", files)


def test_a_saved_file_takes_the_next_free_name_and_overwrites_nothing(beside: Path, files: Path) -> None:
    (files / "out").mkdir()
    (files / "out" / "plot.png").write_bytes(b"new")
    (beside / "plot.png").write_bytes(b"mine")
    (beside / "plot-1.png").symlink_to("nowhere")
    assert copy_out(files, "out/plot.png", beside).path == "plot-2.png"
    assert (beside / "plot.png").read_bytes() == b"mine"
    assert (beside / "plot-2.png").read_bytes() == b"new"
    assert not (beside / "nowhere").exists()
    with pytest.raises(FileExists):
        copy_out(files, "out/plot.png", beside, "plot.png")
    assert [name for name in os.listdir(beside) if name.startswith(".new-")] == []


@pytest.mark.parametrize("name", [".bashrc", ".chats", "data/plot.png", "../plot.png", "/plot.png", "a\nb"])
def test_a_saved_file_is_visible_and_in_the_notebooks_folder_itself(beside: Path, files: Path, name: str) -> None:
    (files / "plot.png").write_bytes(b"new")
    before = names(beside)
    with pytest.raises((Forbidden, InvalidPath)):
        copy_out(files, "plot.png", beside, name)
    assert names(beside) == before


def test_a_tools_link_is_not_saved_as_what_it_leads_to(beside: Path, files: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (files / "plot.png").symlink_to(tmp_path / "secret")
    with pytest.raises(FileNotFound):
        copy_out(files, "plot.png", beside)


def test_a_saved_file_may_be_read_by_whom_the_umask_lets(beside: Path, files: Path) -> None:
    (files / "plot.png").write_bytes(b"new")
    (files / "plot.png").chmod(0o600)
    copy_out(files, "plot.png", beside)
    mask = os.umask(0o077)
    os.umask(mask)
    assert (beside / "plot.png").stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_file_that_shrinks_while_it_is_copied_leaves_nothing_behind(
    beside: Path, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (files / "big.bin").write_bytes(b"x" * 600_000)
    read = OpenFile.read

    def shrinking(self: OpenFile, start: int, count: int) -> bytes:
        if start:
            os.truncate(files / "big.bin", 10)
        return read(self, start, count)

    monkeypatch.setattr(OpenFile, "read", shrinking)
    before = names(beside)
    with pytest.raises(ChatError, match="became shorter"):
        copy_out(files, "big.bin", beside)
    assert names(beside) == before


def test_files_saved_at_once_under_one_name_all_get_one_of_their_own(beside: Path, files: Path) -> None:
    for number in range(8):
        (files / f"{number}").mkdir()
        (files / f"{number}" / "plot.png").write_text(str(number))
    threads = [threading.Thread(target=copy_out, args=(files, f"{n}/plot.png", beside)) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(path.read_text() for path in beside.glob("plot*.png")) == [str(n) for n in range(8)]


def test_a_name_swapped_for_a_link_all_the_time_gives_no_secret_away(beside: Path, files: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "table.csv").write_text("secret")
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            os.rename(beside / "data", beside / "kept")
            os.symlink(tmp_path / "secret", beside / "data")
            os.unlink(beside / "data")
            os.rename(beside / "kept", beside / "data")

    swapping = threading.Thread(target=swap)
    swapping.start()
    got = 0
    try:
        for number in range(300):
            try:
                copy_in(beside, "data/table.csv", files, f"{number}.csv")
            except FileNotFound:
                continue
            got += 1
    finally:
        stop.set()
        swapping.join()
    assert {path.read_bytes() for path in files.iterdir()} <= {b"a,b\n1,2\n"}
    assert got == len(names(files))
