from __future__ import annotations

import itertools
import os
import stat
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from jupyter_chat_sessions.core.errors import Forbidden
from jupyter_chat_sessions.core.roles import Artifact
from jupyter_chat_sessions.sandbox.epochs import read_epoch, write_epoch
from jupyter_chat_sessions.sandbox.folder import changed, create_file, look, make_folder, media_type, save_numbered
from jupyter_chat_sessions.sandbox.owners import hand_over
from jupyter_chat_sessions.sandbox.usage import disk_use


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "notebooks" / ".chats" / "some-thread" / "files"
    make_folder(made)
    return made


def test_a_new_folder_is_its_owners_alone(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    make_folder(folder)  # a second time is harmless


@pytest.mark.parametrize("swapped", ["files", "some-thread", ".chats"])
def test_a_folder_at_or_below_a_symlink_is_refused(folder: Path, tmp_path: Path, swapped: str) -> None:
    target = tmp_path / "elsewhere"
    target.mkdir()
    path = next(each for each in (folder, *folder.parents) if each.name == swapped)
    path.rename(tmp_path / "aside")
    path.symlink_to(target)
    with pytest.raises(Forbidden, match="symbolic link"):
        make_folder(folder)
    assert list(target.iterdir()) == []


def test_a_symlink_above_the_chats_is_the_users_own(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "work").symlink_to(tmp_path / "notebooks")
    make_folder(tmp_path / "work" / ".chats" / "other-thread" / "files")
    assert (tmp_path / "notebooks/.chats/other-thread/files").is_dir()


def test_saved_files_take_the_next_free_number(folder: Path) -> None:
    (folder / "plot-1.png").write_bytes(b"theirs")
    (folder / "plot-2.png").symlink_to(folder / "nowhere")
    assert save_numbered(folder, "plot", ".png", b"ours") == ("plot-3.png", 3)
    assert (folder / "plot-1.png").read_bytes() == b"theirs"
    assert (folder / "plot-3.png").read_bytes() == b"ours"


def test_a_symlink_in_place_of_an_inner_folder_is_not_written_through(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (folder / ".outputs").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"\[Errno"):
        create_file(folder, "text.txt", ".outputs")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_only_plain_visible_files_are_seen(folder: Path, tmp_path: Path) -> None:
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "a.csv").write_text("1")
    (folder / "b.png").write_bytes(b"12")
    (folder / ".hidden").write_text("x")
    (folder / ".jupyter").mkdir()
    (folder / ".jupyter" / "x").write_text("x")
    (folder / "link").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    assert {path: state.size for path, state in look(folder, 100).items()} == {"b.png": 2, "deep/er/a.csv": 1}


def test_no_more_files_are_looked_at_than_the_limit(folder: Path) -> None:
    for n in range(30):
        (folder / f"{n}.txt").touch()
    assert len(look(folder, 10)) == 10


def test_files_that_are_new_or_changed_are_told_with_their_type(folder: Path) -> None:
    for name in ("kept.txt", "changed.csv"):
        (folder / name).write_text("1")
    before = look(folder, 100)
    (folder / "changed.csv").write_text("22")
    (folder / "new.bin").write_bytes(b"333")
    (folder / os.fsdecode(b"\xff.txt")).touch()  # cannot be written as JSON
    assert changed(before, look(folder, 100)) == [
        Artifact("changed.csv", 2, "text/csv"),
        Artifact("new.bin", 3, "application/octet-stream"),
    ]


def test_a_folder_that_is_swapped_for_a_symlink_all_the_time_leads_nowhere(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (outside / "shut").mkdir(mode=0o300)
    before = {path: (path.stat().st_uid, path.stat().st_mode) for path in (outside, *outside.iterdir())}
    stopping = Event()
    (tmp_path / "aside").mkdir()

    def swap() -> None:
        for number in itertools.count():
            with suppress(OSError):  # the folder may not be there, or may have been made again
                os.rename(folder / "inner", tmp_path / "aside" / str(number))
            with suppress(OSError):
                (folder / "inner").symlink_to(outside)
            if stopping.is_set():
                return

    swapping = Thread(target=swap)
    swapping.start()
    try:
        deadline, written = time.monotonic() + 0.5, 0
        while time.monotonic() < deadline:
            with suppress(OSError):
                os.close(create_file(folder, f"{written}.txt", "inner"))
                written += 1
            disk_use(folder, 1000)
            if os.geteuid() == 0:
                hand_over(folder, 60_600)
    finally:
        stopping.set()
        swapping.join()
    assert written
    assert {path: (path.stat().st_uid, path.stat().st_mode) for path in (outside, *outside.iterdir())} == before


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("plot.png", "image/png"),
        ("data.csv", "text/csv"),
        ("x.svg", "image/svg+xml"),
        ("x.html", "text/html"),
        ("data.csv.gz", "application/octet-stream"),
        ("noname", "application/octet-stream"),
    ],
)
def test_the_media_type_follows_from_the_name_on_every_machine(name: str, expected: str) -> None:
    assert media_type(name) == expected


def test_the_number_of_kernels_is_remembered_and_nonsense_is_none(folder: Path) -> None:
    assert read_epoch(folder) == 0
    write_epoch(folder, 3)
    assert read_epoch(folder) == 3
    (folder / ".jupyter" / "epoch").write_text("x" * 100)
    assert read_epoch(folder) == 0
    (folder / ".jupyter" / "epoch").unlink()
    os.mkfifo(folder / ".jupyter" / "epoch")
    assert read_epoch(folder) == 0
