from __future__ import annotations

import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_chat_sessions.core.errors import Forbidden
from jupyter_chat_sessions.sandbox.folder import make_folder
from jupyter_chat_sessions.sandbox.memory import has_memory_to_spare
from jupyter_chat_sessions.sandbox.spare_folder import SpareFolder, sweep_spares

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux renames without replacing")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    made = tmp_path / ".chats"
    made.mkdir()
    return made


def test_a_spare_folder_becomes_a_chats_with_all_that_is_in_it(place: Path) -> None:
    spare = SpareFolder(place)
    assert stat.S_IMODE(spare.files.stat().st_mode) == 0o700
    (spare.files / "here").write_text("kept")
    inode = spare.files.stat().st_ino
    spare.move_to(place / "some-thread" / "files")
    assert (place / "some-thread/files/here").read_text() == "kept"
    assert (place / "some-thread/files").stat().st_ino == inode
    assert os.listdir(place) == ["some-thread"]
    spare.remove()  # it is a chat's now
    assert (place / "some-thread/files/here").exists()


def test_a_folder_that_is_there_is_never_replaced_not_even_an_empty_one(place: Path) -> None:
    spare, folder = SpareFolder(place), place / "some-thread" / "files"
    make_folder(folder)
    with pytest.raises(FileExistsError):
        spare.move_to(folder)
    (folder / "uploaded").write_text("theirs")
    with pytest.raises(FileExistsError):
        spare.move_to(folder)
    assert os.listdir(folder) == ["uploaded"]
    spare.move_to(place / "other-thread" / "files")  # it is as it was
    assert os.listdir(place / "other-thread" / "files") == []


def test_of_many_who_want_one_place_at_once_one_gets_it(place: Path) -> None:
    folder, spares = place / "some-thread" / "files", [SpareFolder(place) for _ in range(8)]
    for number, spare in enumerate(spares):
        (spare.files / "number").write_text(str(number))

    def is_moved(spare: SpareFolder) -> bool:
        try:
            spare.move_to(folder)
        except FileExistsError:
            spare.remove()
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        moved = list(pool.map(is_moved, spares))
    assert moved.count(True) == 1
    assert (folder / "number").read_text() == str(moved.index(True))
    assert os.listdir(place) == ["some-thread"]


@pytest.mark.parametrize("swapped", ["files", "some-thread"])
def test_nothing_is_moved_through_a_link(place: Path, tmp_path: Path, swapped: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if swapped == "files":
        (place / "some-thread").mkdir()
    (place / "some-thread" / "files" if swapped == "files" else place / "some-thread").symlink_to(elsewhere)
    spare = SpareFolder(place)
    with pytest.raises(OSError, match=r"exists|symbolic|Not a directory"):
        spare.move_to(place / "some-thread" / "files")
    assert os.listdir(elsewhere) == []
    assert spare.files.is_dir()
    spare.remove()


def test_a_folder_put_in_its_place_is_not_given_to_a_chat(place: Path) -> None:
    spare = SpareFolder(place)
    spare.files.rename(place / "aside")
    spare.files.mkdir()
    (spare.files / "planted").touch()
    with pytest.raises(OSError, match=r"[Ss]tale"):
        spare.move_to(place / "some-thread" / "files")
    assert not (place / "some-thread").exists()
    spare.remove()


def test_there_is_none_where_no_chat_is_or_chats_are_behind_a_link(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SpareFolder(tmp_path / "empty" / ".chats")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / ".chats").symlink_to(tmp_path / "elsewhere")
    with pytest.raises((OSError, Forbidden)):
        SpareFolder(tmp_path / ".chats")
    assert os.listdir(tmp_path / "elsewhere") == []


HOLDER = """
import sys
from pathlib import Path
from jupyter_chat_sessions.sandbox.spare_folder import SpareFolder
spare = SpareFolder(Path(sys.argv[1]))
(spare.files / "inner").mkdir()
print(spare.files, flush=True)
sys.stdin.read()
"""


def test_what_a_killed_server_left_is_swept_and_what_another_holds_is_not(place: Path) -> None:
    (place / "some-thread" / "files").mkdir(parents=True)
    mine = SpareFolder(place)
    command = [sys.executable, "-c", HOLDER, str(place)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        theirs = Path(other.stdout.readline().strip())
        assert sweep_spares(place) == 0
        assert mine.files.is_dir()
        assert theirs.is_dir()
        other.kill()
        other.wait()
    assert sweep_spares(place) == 1
    assert sorted(os.listdir(place)) == sorted([mine.files.parent.name, "some-thread"])
    mine.remove()
    mine.remove()  # a second time is harmless
    assert os.listdir(place) == ["some-thread"]
    assert sweep_spares(place / "nowhere") == 0


GB = 1 << 30


def memory(root: Path, free: int, limit: str | int, used: int, *, is_old: bool = False) -> tuple[Path, Path]:
    """A machine with so much free memory, and a control group with a limit."""
    proc, groups = root / "proc", root / "cgroup"
    group = groups / ("memory/jupyter" if is_old else "user/jupyter")
    names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if is_old else ("memory.max", "memory.current")
    (proc / "self").mkdir(parents=True)
    group.mkdir(parents=True)
    (proc / "meminfo").write_text(f"MemTotal: 99999999 kB\nMemFree: 1 kB\nMemAvailable: {free // 1024} kB\n")
    (proc / "self/cgroup").write_text("3:cpu:/x\n4:memory:/jupyter\n" if is_old else "0::/user/jupyter\n")
    (group / names[0]).write_text(f"{limit}\n")
    (group / names[1]).write_text(f"{used + GB}\n")
    (group / "memory.stat").write_text(f"anon 1\n{'total_' if is_old else ''}inactive_file {GB}\nslab 1\n")
    return proc, groups


@pytest.mark.parametrize("is_old", [False, True])
@pytest.mark.parametrize(
    ("free", "limit", "used", "is_enough"),
    [
        (4 * GB, 8 * GB, 0, True),
        (GB - 4096, 8 * GB, 0, False),
        (4 * GB, 2 * GB - 4096, 0, False),
        (4 * GB, 3 * GB, 2 * GB + 4096, False),
        (4 * GB, 3 * GB, 2 * GB, True),
    ],
)
def test_memory_is_short_below_1_gb_free_or_a_limit_of_2_gb(
    tmp_path: Path, free: int, limit: int, used: int, is_enough: bool, is_old: bool
) -> None:
    assert has_memory_to_spare(*memory(tmp_path, free, limit, used, is_old=is_old)) == is_enough


def test_without_a_limit_the_machine_counts_and_what_cannot_be_known_is_short(tmp_path: Path) -> None:
    assert has_memory_to_spare(*memory(tmp_path, 4 * GB, "max", 0))
    (tmp_path / "proc/meminfo").unlink()
    assert not has_memory_to_spare(tmp_path / "proc", tmp_path / "cgroup")
