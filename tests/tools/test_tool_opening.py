from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from jupyter_chat_sessions.core.errors import ChatError, FileNotFound, Forbidden, InvalidPath
from jupyter_chat_sessions.tools.opening import open_file, opened_folder, parse_path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    (made / "data").mkdir(parents=True)
    (made / "data" / "a.txt").write_text("inside")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a.txt").write_text("outside")
    return made


def read(folder: Path, path: str) -> str:
    with os.fdopen(open_file(folder, parse_path(path))) as file:
        return file.read()


def test_a_file_is_found_by_its_path_from_the_folder(folder: Path) -> None:
    assert read(folder, "data/a.txt") == read(folder, "./data//a.txt") == "inside"


@pytest.mark.parametrize("path", ["../secret/a.txt", "/etc/passwd", "data/../../secret", "a\0b", "..\\x", "C:/x", ""])
def test_a_path_that_leads_elsewhere_is_refused_before_anything_is_opened(folder: Path, path: str) -> None:
    with pytest.raises(InvalidPath):
        read(folder, path)


@pytest.mark.parametrize("at", ["link.txt", "dir/a.txt"])
def test_no_symlink_is_followed_at_any_step(folder: Path, at: str) -> None:
    (folder / "link.txt").symlink_to(folder / "data" / "a.txt")
    (folder / "dir").symlink_to(folder.parent / "secret")
    with pytest.raises((Forbidden, InvalidPath)):
        read(folder, at)
    with pytest.raises((Forbidden, InvalidPath)), opened_folder(folder, ["dir"]):
        pass


def test_a_folder_replaced_by_a_symlink_is_refused(folder: Path) -> None:
    folder.rename(folder.parent / "aside")
    folder.symlink_to(folder.parent / "secret")
    with pytest.raises((Forbidden, InvalidPath)):
        read(folder, "a.txt")


def test_only_plain_files_of_one_name_are_read(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    os.link(folder.parent / "secret" / "a.txt", folder / "hard.txt")
    for path in ("pipe", "hard.txt", "data"):
        with pytest.raises(InvalidPath):
            read(folder, path)


@pytest.mark.parametrize("path", ["nope", "nope/a.txt", "\udcff"])
def test_what_is_not_there_is_told_so(folder: Path, path: str) -> None:
    with pytest.raises(FileNotFound):
        read(folder, path)


def test_nothing_leaks_while_names_are_swapped(folder: Path) -> None:
    """A folder and a symlink to a secret change places as fast as they can while the file below is read."""
    done = threading.Event()

    def swap() -> None:
        (folder / "link").symlink_to(folder.parent / "secret")
        while not done.is_set():
            os.rename(folder / "data", folder / "aside")
            os.rename(folder / "link", folder / "data")
            os.rename(folder / "data", folder / "link")
            os.rename(folder / "aside", folder / "data")

    swapper = threading.Thread(target=swap)
    swapper.start()
    seen = set()
    try:
        for _ in range(5000):
            try:
                seen.add(read(folder, "data/a.txt"))
            except ChatError:
                seen.add("refused")
    finally:
        done.set()
        swapper.join()
    assert "outside" not in seen
    assert {"inside", "refused"} <= seen


def test_no_descriptor_is_left_open(folder: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for path in ("data/a.txt", "nope/x", "data/nope", "data", "data/a.txt/x"):
        for _ in range(20):
            try:
                read(folder, path)
            except ChatError:
                continue
    assert len(os.listdir("/proc/self/fd")) == before
