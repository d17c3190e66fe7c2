"""A kernel that waited is what a cold one is, in a folder that is the chat's own from its first call on."""

from __future__ import annotations

import asyncio
import errno
import itertools
import json
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sandbox_calls import eventually, make_runner, start, told_by

from jupyter_chat_sessions.core.errors import Forbidden
from jupyter_chat_sessions.core.ids import ThreadId, new_thread_id
from jupyter_chat_sessions.sandbox import SandboxRunner, spare_folder
from jupyter_chat_sessions.sandbox import spare as spare_module
from jupyter_chat_sessions.sandbox.connection import Connection
from jupyter_chat_sessions.sandbox.folder import make_folder
from jupyter_chat_sessions.sandbox.pauses import Pauses
from jupyter_chat_sessions.sandbox.provisioner import SandboxProvisioner
from jupyter_chat_sessions.sandbox.spare import Spare
from jupyter_chat_sessions.sandbox.spare_folder import PREFIX, SpareFolder, sweep_spares

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="kernels wait on Linux only"),
]


@pytest.fixture(autouse=True)
def plenty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory enough, wherever the tests run."""
    monkeypatch.setattr(spare_module, "has_memory_to_spare", lambda: True)


@asynccontextmanager
async def a_runner(root: Path, backend: str, **limits: Any) -> AsyncIterator[SandboxRunner]:
    (root / ".chats").mkdir(exist_ok=True)
    runner = make_runner(root, backend=backend, **limits)
    try:
        yield runner
    finally:
        await runner.shutdown()


def spares(root: Path) -> list[str]:
    """The folders that wait."""
    return [name for name in os.listdir(root / ".chats") if name.startswith(PREFIX)]


async def waiting_pid(runner: SandboxRunner) -> int:
    """The process of a kernel that waits, made ready now."""
    runner.prepare(new_thread_id())
    spare = runner.kernels.spare
    await spare.settled()
    assert spare._waiting is not None
    pid = spare._waiting.start.result().provisioner.kernel_pid
    assert pid is not None
    return pid


def is_there(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


def is_ready(spare: Spare) -> bool:
    return spare._waiting is not None and spare._waiting.start.done()


def processes(runner: SandboxRunner) -> list[str]:
    """The kernels the runner has, by their ids."""
    running = runner.kernels._running
    return running.list_kernel_ids() if running else []


def pid_of(runner: SandboxRunner, thread_id: ThreadId) -> int | None:
    kernel = runner.kernels.slot(thread_id).kernel
    return kernel.provisioner.kernel_pid if kernel else None


LOOKS = """
import glob, json, os, subprocess, sys, tempfile
open("plot.csv", "w").write("made")
print(json.dumps({
    "places": [
        os.getcwd(), os.environ["HOME"], os.path.expanduser("~"), os.path.dirname(tempfile.gettempdir()),
        os.path.realpath(os.environ["IPYTHONDIR"] + "/../.."), os.path.realpath(get_ipython().ipython_dir + "/../.."),
        os.path.dirname(os.path.abspath("plot.csv")), *map(str, _dh),
        subprocess.run(["pwd"], capture_output=True, text=True).stdout.strip(),
        *[os.path.realpath(path) for path in glob.glob("/mnt/data")],
    ],
    "odd": {name: value for name, value in os.environ.items() if ".spare-" in value or "/home" in value},
    "names": sorted(name for name in globals() if not name.startswith("_")),
    "count": len(In),
}))
"""


async def test_a_new_chat_gets_the_kernel_that_waited_in_a_folder_of_its_own(tmp_path: Path, backend: str) -> None:
    async with a_runner(tmp_path, backend) as runner:
        waited, thread_id = await waiting_pid(runner), new_thread_id()
        told = await told_by(runner, LOOKS, thread_id)
        assert pid_of(runner, thread_id) == waited
        folder = tmp_path / ".chats" / thread_id / "files"
        seen = json.loads(told.result.content)
        assert set(seen["places"]) == {str(folder)}
        assert seen["odd"] == {}
        assert seen["count"] == 2, "it begins at In[1]"
        assert told.artifacts == {"plot.csv": "text/csv"}
        assert (folder / "plot.csv").read_text() == "made"
        assert told.result.metadata["kernel"] == {"epoch": 1, "fresh": True, "reason": "first"}
        assert os.listdir(tmp_path / ".chats") == [thread_id]
        await told_by(runner, "import os; os.environ['PWD'] = 'mine'", thread_id)
        told = await told_by(runner, "os.environ['PWD']", thread_id)
        assert told.result.content == "'mine'", "what code has changed is left to it"


# --- the longer ones -------------------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_cold_kernel_of_the_same_chat_shows_nothing_else(tmp_path: Path, backend: str) -> None:
    async with a_runner(tmp_path, backend) as runner:
        waited, thread_id = await waiting_pid(runner), new_thread_id()
        seen = await told_by(runner, LOOKS, thread_id)
        await runner.restart(thread_id)
        cold = await told_by(runner, LOOKS, thread_id)
        assert pid_of(runner, thread_id) != waited
        assert cold.result.metadata["kernel"] == {"epoch": 2, "fresh": True, "reason": "user"}
        assert json.loads(cold.result.content.splitlines()[-1]) == json.loads(seen.result.content)


@pytest.mark.slow
async def test_a_chat_with_a_folder_starts_cold_and_the_next_new_one_gets_what_waits(
    tmp_path: Path, backend: str
) -> None:
    older, newer = new_thread_id(), new_thread_id()
    async with a_runner(tmp_path, backend) as runner:
        waited = await waiting_pid(runner)
        make_folder(tmp_path / ".chats" / older / "files")
        (tmp_path / ".chats" / older / "files" / "uploaded.csv").write_text("theirs")
        told = await told_by(runner, "print(open('uploaded.csv').read())", older)
        assert told.result.content == "theirs"
        assert pid_of(runner, older) != waited
        assert pid_of(runner, newer) is None
        await asyncio.gather(told_by(runner, "x = 1", newer), told_by(runner, "y = 2", older))
        assert pid_of(runner, newer) == waited
        assert "uploaded.csv" in os.listdir(tmp_path / ".chats" / older / "files")


@pytest.mark.slow
async def test_a_file_that_is_uploaded_in_the_very_moment_is_kept_and_the_chat_starts_cold(
    tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    thread_id, move_to = new_thread_id(), SpareFolder.move_to

    def move_too_late(spare: SpareFolder, folder: Path) -> None:
        make_folder(folder)
        (folder / "uploaded.csv").write_text("theirs")
        move_to(spare, folder)

    async with a_runner(tmp_path, backend) as runner:
        waited = await waiting_pid(runner)
        monkeypatch.setattr(SpareFolder, "move_to", move_too_late)
        assert (await told_by(runner, "print(open('uploaded.csv').read())", thread_id)).result.content == "theirs"
        assert pid_of(runner, thread_id) != waited
        assert spares(tmp_path) == []
        assert runner.kernels.room._held == 1
        monkeypatch.setattr(SpareFolder, "move_to", move_to)
        waited, other = await waiting_pid(runner), new_thread_id()
        await told_by(runner, "1", other)
        assert pid_of(runner, other) == waited, "one race does not end it all"


@pytest.mark.slow
async def test_what_ends_while_it_waits_leaves_nothing_and_the_chat_starts_cold(tmp_path: Path, backend: str) -> None:
    async with a_runner(tmp_path, backend) as runner:
        waited, thread_id = await waiting_pid(runner), new_thread_id()
        assert runner.kernels.spare._waiting is not None
        kernel = runner.kernels.spare._waiting.start.result()
        os.kill(waited, 9)
        assert await eventually(lambda: not kernel.is_alive)
        assert (await told_by(runner, "1 + 1", thread_id)).result.content == "2"
        assert spares(tmp_path) == []


@pytest.mark.slow
async def test_a_fault_on_the_way_to_a_chat_leaves_no_process_and_the_chat_starts_cold(
    tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no more sockets")

    def fails_to_follow(*_: Any) -> None:
        raise OSError(errno.EACCES, "the name cannot be changed")

    async with a_runner(tmp_path, backend) as runner:
        spare, room = runner.kernels.spare, runner.kernels.room
        spare.pauses = Pauses(lambda: 0.0)
        with monkeypatch.context() as patched:
            patched.setattr(Connection, "told", fails)
            runner.prepare(new_thread_id())
            await spare.settled()
        assert await eventually(lambda: (spares(tmp_path), room._held, len(processes(runner))) == ([], 0, 0))
        runner.prepare(new_thread_id())
        await spare.settled()
        assert spares(tmp_path) == [], "not at once again"
        spare.pauses = Pauses()
        assert is_there(await waiting_pid(runner))
    async with a_runner(tmp_path, backend) as runner:
        waited, thread_id = await waiting_pid(runner), new_thread_id()
        monkeypatch.setattr(SandboxProvisioner, "follow", fails_to_follow)
        assert (await told_by(runner, "1 + 1", thread_id)).result.content == "2"
        assert await eventually(lambda: not is_there(waited))
        assert (spares(tmp_path), runner.kernels.room._held) == ([], 1)


async def test_where_it_failed_it_is_tried_again_after_a_pause_that_grows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, tried = [1000.0], []

    def refuses(*_: Any) -> None:
        tried.append(now[0])
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    async def prepare(runner: SandboxRunner) -> list[str]:
        runner.prepare(new_thread_id())
        await runner.kernels.spare.settled()
        return spares(tmp_path)

    async with a_runner(tmp_path, "plain") as runner:
        runner.kernels.spare.pauses = Pauses(lambda: now[0])
        with monkeypatch.context() as patched:
            patched.setattr(spare_folder, "_rename", refuses)
            for _ in range(1000):
                assert await prepare(runner) == []
                now[0] += 1.0
        assert [later - earlier for earlier, later in itertools.pairwise(tried)] == [10, 20, 40, 80, 160, 240, 240]
        assert (runner.kernels.room._held, await prepare(runner)) == (0, []), "it would work now, and is left alone"
        now[0] += 240.0
        assert len(await prepare(runner)) == 1
        await told_by(runner, "1", new_thread_id())
        monkeypatch.setattr(spare_folder, "_rename", refuses)
        assert await prepare(runner) == []
        now[0] += 10.0
        tried.clear()
        assert (await prepare(runner), tried) == ([], now), "since it worked, pauses are short again"


@pytest.mark.slow
async def test_it_is_ended_after_a_while_and_at_the_end_and_is_off_at_will(tmp_path: Path, backend: str) -> None:
    async with a_runner(tmp_path, backend, spare_s=0.3) as runner:
        runner.prepare(new_thread_id())
        assert await eventually(lambda: len(spares(tmp_path)) == 1)
        assert await eventually(lambda: spares(tmp_path) == [], within_s=20)
        assert runner.kernels.room._held == 0
    async with a_runner(tmp_path, backend) as runner:
        waited = await waiting_pid(runner)
    assert not is_there(waited)
    assert spares(tmp_path) == []
    async with a_runner(tmp_path, backend, spare_s=0.0) as runner:
        runner.prepare(new_thread_id())
        await told_by(runner, "1", new_thread_id())
        assert runner.kernels.spare._preparing is None


@pytest.mark.slow
async def test_two_new_chats_at_once_get_one_each_and_neither_sees_the_other(tmp_path: Path, backend: str) -> None:
    async with a_runner(tmp_path, backend) as runner:
        waited, one, two = await waiting_pid(runner), new_thread_id(), new_thread_id()
        code = "import os; open('mine', 'w').write(os.getcwd()); print(os.getcwd())"
        told = await asyncio.gather(told_by(runner, code, one), told_by(runner, code, two))
        for thread_id, each in zip((one, two), told, strict=True):
            assert each.result.content == str(tmp_path / ".chats" / thread_id / "files")
        assert [pid_of(runner, one), pid_of(runner, two)].count(waited) == 1


@pytest.mark.slow
async def test_a_chat_whose_kernel_is_still_starting_ahead_waits_for_it(tmp_path: Path, backend: str) -> None:
    async with a_runner(tmp_path, backend) as runner:
        runner.prepare(new_thread_id())
        assert (await told_by(runner, "1 + 1", new_thread_id())).result.content == "2", "asked in the same moment"
        assert runner.kernels.room._held == 1
        runner.prepare(new_thread_id())
        assert await eventually(lambda: runner.kernels.spare._waiting is not None)
        assert not is_ready(runner.kernels.spare)
        assert (await told_by(runner, "1 + 1", new_thread_id())).result.content == "2"
        assert runner.kernels.room._held == 2


@pytest.mark.slow
async def test_other_surroundings_and_calls_without_a_chat_start_cold(
    tmp_path: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_runner(tmp_path, backend) as runner:
        waited = await waiting_pid(runner)
        told = await told_by(runner, "import os; print(os.getcwd())", None)
        assert f"{os.sep}_default{os.sep}" in told.result.content
        monkeypatch.setenv("TZ", "Asia/Tokyo")
        thread_id = new_thread_id()
        assert (await told_by(runner, "import os; os.environ['TZ']", thread_id)).result.content == "'Asia/Tokyo'"
        assert pid_of(runner, thread_id) != waited
        assert await waiting_pid(runner) != waited, "the outdated one has given way"
        assert len(spares(tmp_path)) == 1


@pytest.mark.slow
async def test_it_gives_way_to_a_kernel_that_is_needed_and_takes_no_ones_place(tmp_path: Path, backend: str) -> None:
    older = new_thread_id()
    make_folder(tmp_path / ".chats" / older / "files")
    async with a_runner(tmp_path, backend, max_kernels=1) as runner:
        await waiting_pid(runner)
        await told_by(runner, "x = 1", older)
        assert spares(tmp_path) == []
        runner.prepare(new_thread_id())
        await runner.kernels.spare.settled()
        assert spares(tmp_path) == []
        assert (await told_by(runner, "x", older)).result.content == "1"


@pytest.mark.slow
@pytest.mark.parametrize("swapped", ["files", "thread"])
async def test_a_link_in_the_chats_place_gets_no_kernel_and_what_waits_is_kept_from_it(
    tmp_path: Path, backend: str, swapped: str
) -> None:
    thread_id = new_thread_id()
    elsewhere, thread = tmp_path / "elsewhere", tmp_path / ".chats" / thread_id
    elsewhere.mkdir()
    async with a_runner(tmp_path, backend) as runner:
        await waiting_pid(runner)
        if swapped == "files":
            thread.mkdir()
        (thread / "files" if swapped == "files" else thread).symlink_to(elsewhere)
        told = await told_by(runner, "open('x', 'w')", thread_id)
        assert "symbolic link" in str(told.result.error)
        assert os.listdir(elsewhere) == []
        with pytest.raises(Forbidden):
            make_folder(thread / "files")


@pytest.mark.slow
async def test_limits_hold_in_a_kernel_that_waited(tmp_path: Path, backend: str) -> None:
    limits = {"memory_bytes": 300 << 20, "quota_bytes": 24 << 20, "quota_entries": 300, "watch_s": 0.1}
    async with a_runner(tmp_path, backend, **limits) as runner:
        waited, thread_id = await waiting_pid(runner), new_thread_id()
        code = "import time\nfor n in range(10): open(f'f{n}', 'wb').write(bytes(6 << 20))\ntime.sleep(100)"
        told = await told_by(runner, code, thread_id)
        assert "its folder holds more than 24 MB" in str(told.result.error)
        assert not is_there(waited)
        shutil.rmtree(tmp_path / ".chats" / thread_id)
        waited, thread_id = await waiting_pid(runner), new_thread_id()
        code = "import mmap, time\nshared = mmap.mmap(-1, 350 << 20)\nfor n in range(350): shared.write(bytes(1 << 20))"
        told = await told_by(runner, f"{code}\ntime.sleep(100)", thread_id)
        assert "more than 300 MB of memory" in str(told.result.error)
        assert not is_there(waited)


SERVER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from sandbox_calls import make_runner
from jupyter_chat_sessions.core.ids import new_thread_id
from jupyter_chat_sessions.sandbox import spare

async def main():
    spare.has_memory_to_spare = lambda: True
    runner = make_runner(Path({root!r}), backend={backend!r})
    runner.prepare(new_thread_id())
    while runner.kernels.spare._waiting is None or not runner.kernels.spare._waiting.start.done():
        await asyncio.sleep(0.01)
    kernel = runner.kernels.spare._waiting.start.result()
    print(kernel.provisioner.kernel_pid, flush=True)
    await asyncio.sleep(99)

asyncio.run(main())
"""


@pytest.mark.slow
async def test_a_killed_server_leaves_no_process_and_a_folder_the_next_one_removes(
    tmp_path: Path, backend: str
) -> None:
    body = SERVER.format(here=str(Path(__file__).parent), root=str(tmp_path), backend=backend)
    async with a_runner(tmp_path, backend) as runner:
        waited = await waiting_pid(runner)
        with start(sys.executable, "-c", body) as process:
            assert process.stdout is not None
            other = int(process.stdout.readline())
            assert len(spares(tmp_path)) == 2, "each server has its own"
            process.kill()
        assert await eventually(lambda: not is_there(other))
        assert sweep_spares(tmp_path / ".chats") == 1
        thread_id = new_thread_id()
        await told_by(runner, "1", thread_id)
        assert pid_of(runner, thread_id) == waited, "the living one's is untouched"
