"""What a kernel may use, and what becomes of one that takes more: short limits, real bombs."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sandbox_calls import a_long_time, context_of, eventually, make_runner, running, start, told_by
from test_sandbox_kernels import server

from jupyter_chat_sessions.core.ids import ThreadId, new_thread_id
from jupyter_chat_sessions.sandbox import SandboxRunner
from jupyter_chat_sessions.sandbox.sockets import sweep_stale
from jupyter_chat_sessions.sandbox.usage import disk_use, memory_use

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="limits are kept with /proc"),
]

MIB = 1024 * 1024
LIMITS: dict[str, Any] = {
    "memory_bytes": 300 * MIB,
    "quota_bytes": 24 * MIB,
    "quota_entries": 300,
    "file_bytes": 8 * MIB,
    "processes": 60,
    "tmp_bytes": 4 * MIB,
    "shm_bytes": MIB,
    "watch_s": 0.1,
    "grace_s": 1.0,
}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def limited(tmp_path_factory: pytest.TempPathFactory, backend: str) -> AsyncIterator[SandboxRunner]:
    made = make_runner(tmp_path_factory.mktemp("limits"), backend=backend, **LIMITS)
    yield made
    await made.shutdown()


@pytest.fixture(scope="module")
def limited_thread(backend: str) -> ThreadId:
    return new_thread_id()


@pytest.fixture
def confined(backend: str) -> str:
    if backend == "plain":
        pytest.skip("nothing limits processes here")
    return backend


# --- limits of the system's own, which a call survives ---------------------------------------------------------------


async def test_private_memory_ends_at_its_limit_and_the_kernel_lives(
    limited: SandboxRunner, limited_thread: ThreadId, confined: str
) -> None:
    told = await told_by(limited, "kept = 1; x = bytearray(2_000_000_000)", limited_thread)
    assert told.result.error == "MemoryError"
    assert (await told_by(limited, "kept", limited_thread)).result.content == "1"


async def test_a_fork_bomb_stops_at_the_limit_and_leaves_nothing(
    limited: SandboxRunner, limited_thread: ThreadId, confined: str
) -> None:
    code = """
import os, signal, time
children = []
try:
    for n in range(1000):
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        children.append(child)
except BlockingIOError:
    print("stopped")
print(len(children))
for child in children:
    os.kill(child, signal.SIGKILL); os.waitpid(child, 0)
"""
    told = await told_by(limited, code, limited_thread)
    words = told.result.content.split()
    assert words[0] == "stopped", told.result.content
    assert 10 < int(words[1]) < 100


async def test_a_file_ends_at_its_limit_also_a_sparse_one(
    limited: SandboxRunner, limited_thread: ThreadId, confined: str
) -> None:
    code = """
import errno, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for size in (20 << 20, 1 << 40):
    try:
        with open("big", "wb") as file:
            file.truncate(size)
        print("made")
    except OSError as error:
        print(errno.errorcode[error.errno])
"""
    assert (await told_by(limited, code, limited_thread)).result.content == "EFBIG\nEFBIG"


async def test_temporary_files_end_at_the_size_of_their_place(
    limited: SandboxRunner, limited_thread: ThreadId, confined: str
) -> None:
    code = """
import errno
for path in ("/tmp/fill", "/dev/shm/fill"):
    try:
        with open(path, "wb") as file:
            file.write(bytes(6 << 20))
        print("filled")
    except OSError as error:
        print(errno.errorcode[error.errno])
"""
    wall = "ENOSPC" if confined == "bubblewrap" else "EACCES"
    assert (await told_by(limited, code, limited_thread)).result.content == f"{wall}\n{wall}"


# --- limits of ours, at which the kernel is ended --------------------------------------------------------------------


async def test_shared_memory_beyond_the_limit_ends_the_kernel_and_the_next_call_is_told(
    limited: SandboxRunner, limited_thread: ThreadId
) -> None:
    code = """
import mmap, time
shared = mmap.mmap(-1, 350 << 20)
for n in range(350):
    shared.write(bytes(1 << 20))
time.sleep(100)
"""
    told = await told_by(limited, code, limited_thread)
    assert "more than 300 MB of memory" in str(told.result.error)
    assert "Variables are gone; files remain." in told.result.content
    again = await told_by(limited, "1", limited_thread)
    assert again.result.metadata["kernel"]["reason"] == "memory"
    assert "used too much memory" in again.result.content


BOMBS = {
    "files": "import time\nfor n in range(10): open(f'f{n}', 'wb').write(bytes(6 << 20))\ntime.sleep(100)",
    "names": "import time\nfor n in range(400): open(f'n{n}', 'w').close()\ntime.sleep(100)",
    "a file without a name": (
        "import os, time\nkept = []\nfor n in range(10):\n"
        "    kept.append(open('gone', 'wb')); kept[-1].write(bytes(6 << 20)); kept[-1].flush(); os.unlink('gone')\n"
        "time.sleep(100)"
    ),
    "a closed folder": (
        "import os, time\nos.mkdir('shut')\nfor n in range(10): open(f'shut/{n}', 'wb').write(bytes(6 << 20))\n"
        "os.chmod('shut', 0)\ntime.sleep(100)"
    ),
    "a deep folder": "import os, time\nfor n in range(100): os.mkdir('d'); os.chdir('d')\ntime.sleep(100)",
}


@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_folder_beyond_its_quota_ends_the_kernel_and_can_be_tidied_by_the_next_call(
    limited: SandboxRunner, bomb: str
) -> None:
    thread_id = new_thread_id()
    told = await told_by(limited, BOMBS[bomb], thread_id)
    assert "its folder holds more than 24 MB or 300 files" in str(told.result.error), told.result.content
    again = await told_by(
        limited, "import os\nos.system('chmod -R u+rwx . ; rm -rf *')\nprint(os.listdir('.'))", thread_id
    )
    assert again.result.error is None
    assert again.result.metadata["kernel"]["reason"] == "disk"
    held = disk_use(limited.folder(context_of(thread_id)), 1000)
    assert held.size < MIB
    await limited.close_thread(thread_id)


async def test_a_call_that_fills_a_nearly_full_disk_is_ended_and_one_that_does_not_is_left_alone(
    tmp_path: Path, backend: str
) -> None:
    runner = make_runner(tmp_path, backend=backend, free_bytes=2**60, watch_s=0.1)
    thread_id = new_thread_id()
    try:
        waits = "import os, time\nopen('began', 'w').close()\nwhile not os.path.exists('go'): time.sleep(.01)"
        quiet = asyncio.create_task(told_by(runner, f"{waits}\ntime.sleep(0.3); print('done')", thread_id))
        folder = runner.folder(context_of(thread_id))
        assert await eventually((folder / "began").exists)
        (tmp_path / "another's").write_bytes(bytes(64 * MIB))
        (folder / "go").touch()
        assert ((await quiet).result.content, (await quiet).result.error) == ("done", None)
        fill = "import os, time\nwith open('big', 'wb') as f:\n    f.write(bytes(64 << 20)); f.flush(); os.fsync(f)\n"
        told = await told_by(runner, fill + "    time.sleep(100)", thread_id)
        assert "hardly any space left" in str(told.result.error)
        again = await told_by(runner, "import os; os.remove('big')", thread_id)
        assert again.result.metadata["kernel"]["reason"] == "disk_full"
    finally:
        await runner.shutdown()


async def test_memory_shared_by_processes_is_counted_once() -> None:
    code = """
import os, time
x = bytearray(b"1") * (100 << 20)
child = os.fork()
if child:
    print(os.getpid(), child, flush=True)
time.sleep(60)
"""
    with start(sys.executable, "-c", code) as process:
        try:
            assert process.stdout is not None
            pids = [int(pid) for pid in process.stdout.readline().split()]
            used = memory_use(pids, 150 * MIB)
            assert 100 * MIB < used < 150 * MIB
        finally:
            os.killpg(process.pid, 9)


# --- nothing survives ------------------------------------------------------------------------------------------------


@asynccontextmanager
async def a_runner(root: Path, backend: str) -> AsyncIterator[SandboxRunner]:
    runner = make_runner(root, backend=backend, grace_s=0.3)
    try:
        yield runner
    finally:
        await runner.shutdown()


DAEMONS = """
import subprocess
for n in range(3):
    subprocess.Popen(["sh", "-c", "(setsid sh -c 'exec sleep {nap}' &) ; exec sleep {nap}"], start_new_session=True)
"""


async def test_daemons_are_gone_when_their_kernel_is(tmp_path: Path, backend: str) -> None:
    nap = a_long_time()
    async with a_runner(tmp_path, backend) as runner:
        thread_id = new_thread_id()
        await told_by(runner, DAEMONS.format(nap=nap), thread_id)
        assert await eventually(lambda: len(running(nap)) == 6)
        await runner.restart(thread_id)
        assert await eventually(lambda: running(nap) == [])


async def test_what_a_cancelled_call_has_started_is_gone(tmp_path: Path, backend: str) -> None:
    nap = a_long_time()
    async with a_runner(tmp_path, backend) as runner:
        thread_id = new_thread_id()
        code = f"{DAEMONS.format(nap=nap)}\nimport time; time.sleep(60)"
        call = asyncio.create_task(told_by(runner, code, thread_id))
        assert await eventually(lambda: len(running(nap)) == 6)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await eventually(lambda: running(nap) == [])


async def test_nothing_outlives_a_server_that_is_killed(
    tmp_path: Path, confined: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "s"))
    nap = a_long_time()
    body = f"""
await told_by(runner, {DAEMONS.format(nap=nap)!r}, thread_id)
print("begun", flush=True)
await asyncio.sleep(99)
"""
    with start(*server(tmp_path, body, confined)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        assert await eventually(lambda: len(running(nap)) == 6)
        process.kill()
    assert await eventually(lambda: running(nap) == [])
    assert sweep_stale([tmp_path / "s"], older_than_s=0.0) == 1, "its sockets are for the next server to sweep"
