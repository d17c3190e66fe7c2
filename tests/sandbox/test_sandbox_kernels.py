"""The life of kernels: started, lost, ended, never in silence."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sandbox_calls import a_long_time, context_of, eventually, make_runner, names_in, running, start, told_by

from jupyter_chat_sessions.core.ids import ThreadId, new_thread_id
from jupyter_chat_sessions.sandbox import SandboxKernels, SandboxRunner

GONE = "Variables from earlier calls are gone; files remain."


@asynccontextmanager
async def a_runner(root: Path, backend: str, **limits: Any) -> AsyncIterator[SandboxRunner]:
    runner = make_runner(root, backend=backend, **limits)
    try:
        yield runner
    finally:
        await runner.shutdown()


@pytest.fixture
def socket_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where socket folders are made during the test."""
    root = tmp_path / "s"
    root.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(root))
    return root


async def pid_of(runner: SandboxRunner, thread_id: ThreadId) -> int:
    """The kernel's process as the server sees it."""
    await told_by(runner, "1", thread_id)
    kernel = runner.kernels.slot(thread_id).kernel
    assert kernel is not None
    assert kernel.provisioner.kernel_pid is not None
    return kernel.provisioner.kernel_pid


def is_running(pid: int) -> bool:
    return os.path.exists(f"/proc/{pid}")


async def test_two_chats_do_not_see_each_other_and_nothing_is_left_of_them(
    tmp_path: Path, backend: str, socket_root: Path
) -> None:
    one, two = new_thread_id(), new_thread_id()
    nap = a_long_time()
    async with a_runner(tmp_path, backend) as runner:
        await asyncio.gather(
            told_by(runner, f"x = 1; import subprocess; subprocess.Popen(['setsid', 'sleep', '{nap}'])", one),
            told_by(runner, "open('mine.txt', 'w').close()", two),
        )
        told = await told_by(runner, "import os; print(os.listdir('.')); x", two)
        assert told.result.content.startswith("['mine.txt']") or "'mine.txt'" in told.result.content
        assert told.result.error == "NameError: name 'x' is not defined"
        pids = [await pid_of(runner, one), await pid_of(runner, two)]
        assert len(names_in(socket_root)) == 2
        assert await eventually(lambda: len(running(nap)) == 1)
    assert await eventually(lambda: not any(map(is_running, pids)))
    assert await eventually(lambda: running(nap) == [])
    assert names_in(socket_root) == []


async def test_a_kernel_that_dies_in_a_call_is_told_at_once_and_the_next_call_says_what_is_gone(
    tmp_path: Path, backend: str
) -> None:
    thread_id = new_thread_id()
    nap = a_long_time()
    async with a_runner(tmp_path, backend) as runner:
        await told_by(runner, "x = 1", thread_id)
        began = time.monotonic()
        code = f"""
import os, subprocess
subprocess.Popen(['setsid', 'sleep', '{nap}'])
open('left.txt', 'w').close()
os._exit(3)
"""
        told = await told_by(runner, code, thread_id)
        assert time.monotonic() - began < 20, "it waited for the call's time"
        assert told.result.error == "the Python process died"
        assert "exit code 3" in told.result.content
        assert "left.txt" in told.artifacts
        assert await eventually(lambda: running(nap) == [])
        assert runner.names(thread_id) == frozenset()
        again = await told_by(runner, "import os; os.path.exists('left.txt')", thread_id)
        assert again.statuses == ["Starting Python"]
        assert again.result.content == f"[New Python process: the one before died. {GONE}]\nTrue"
        assert again.result.metadata["kernel"] == {"epoch": 2, "fresh": True, "reason": "crash"}
        assert (await told_by(runner, "1", thread_id)).result.content == "1", "it is said once"
        # Also when it dies between calls.
        os.kill(await pid_of(runner, thread_id), 9)
        assert await eventually(lambda: not runner.kernels.is_running(runner.kernels.slot(thread_id)))
        assert (await told_by(runner, "1", thread_id)).result.metadata["kernel"]["epoch"] == 3


async def test_code_that_will_not_be_interrupted_is_killed_after_the_grace_time(tmp_path: Path, backend: str) -> None:
    thread_id = new_thread_id()
    async with a_runner(tmp_path, backend, grace_s=0.3) as runner:
        ignored = "signal.signal(signal.SIGINT, signal.SIG_IGN)"
        shut = f"import signal, time, ipykernel.kernelbase as base\n{ignored}\nbase.signal = lambda *_: signal.SIG_IGN"
        assert (await told_by(runner, shut, thread_id)).result.error is None
        code = "while True: time.sleep(.1)"
        told = await told_by(runner, code, thread_id, timeout_s=0.3)
        assert told.result.error == "timed out after 0.3 s"
        assert "had to be killed" in told.result.content
        again = await told_by(runner, "1", thread_id)
        assert again.result.metadata["kernel"] == {"epoch": 2, "fresh": True, "reason": "timeout"}
        # A caller that gives up is not kept waiting for code that will not end, and the next one finds a clean place.
        began = runner.folder(context_of(thread_id)) / "began"
        call = asyncio.create_task(told_by(runner, f"{shut}\nopen('began', 'w').close()\n{code}", thread_id))
        assert await eventually(began.exists)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await told_by(runner, "2", thread_id)).result.content.endswith("2")


async def test_restarting_ends_the_call_under_way_and_forgets_the_variables(tmp_path: Path, backend: str) -> None:
    thread_id = new_thread_id()
    async with a_runner(tmp_path, backend) as runner:
        await told_by(runner, "x = 1", thread_id)
        call = asyncio.create_task(
            told_by(runner, "open('began', 'w').close(); import time; time.sleep(99)", thread_id)
        )
        began = runner.folder(context_of(thread_id)) / "began"
        assert await eventually(began.exists)
        await runner.restart(thread_id)
        assert (await call).result.error == "the Python process was restarted during the call"
        again = await told_by(runner, "x", thread_id)
        assert again.result.metadata["kernel"] == {"epoch": 2, "fresh": True, "reason": "user"}
        assert again.result.content.startswith("[New Python process: it was restarted on request.")


async def test_the_kernel_idle_for_longest_gives_way_and_idle_ones_are_ended(tmp_path: Path, backend: str) -> None:
    one, two, three = (new_thread_id() for _ in range(3))
    async with a_runner(tmp_path, backend, max_kernels=2, idle_s=600.0) as runner:
        pids = {thread_id: await pid_of(runner, thread_id) for thread_id in (one, two)}
        await told_by(runner, "1", one)  # used since
        pids[three] = await pid_of(runner, three)
        assert await eventually(lambda: [is_running(pids[each]) for each in (one, two, three)] == [True, False, True])
        told = await told_by(runner, "1", two)
        assert told.result.metadata["kernel"]["reason"] == "culled"
    async with a_runner(tmp_path, backend, idle_s=0.2) as runner:
        nap = a_long_time()
        await told_by(runner, f"import subprocess; subprocess.Popen(['sleep', '{nap}'])", new_thread_id())
        assert await eventually(lambda: running(nap) == [])


async def test_a_server_that_starts_anew_tells_that_variables_are_gone(tmp_path: Path, backend: str) -> None:
    thread_id = new_thread_id()
    async with a_runner(tmp_path, backend) as runner:
        await told_by(runner, "x = 1", thread_id)
    async with a_runner(tmp_path, backend) as runner:
        told = await told_by(runner, "1", thread_id)
        assert told.result.metadata["kernel"] == {"epoch": 2, "fresh": True, "reason": "server_restart"}
        assert GONE in told.result.content


async def test_a_kernel_that_cannot_start_is_told_with_its_reason_and_leaves_nothing(
    tmp_path: Path, socket_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    specs = tmp_path / "jupyter" / "kernels"
    for name, argv in {
        "broken": [sys.executable, "-c", "raise SystemExit('no such library')"],
        "absent": ["/nowhere/python"],
    }.items():
        (specs / name).mkdir(parents=True)
        record = {"argv": argv, "display_name": name, "language": "python"}
        (specs / name / "kernel.json").write_text(json.dumps(record))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    for name, words in {"broken": "no such library", "absent": "nowhere", "unheard-of": "unheard-of"}.items():
        runner = make_runner(tmp_path)
        runner.kernels = SandboxKernels(runner.kernels.policy, kernel_name=name)
        told = await told_by(runner, "1", new_thread_id())
        assert "could not be started" in str(told.result.error)
        assert words in told.result.content
        assert names_in(socket_root) == []
        await runner.shutdown()


async def test_a_call_cancelled_while_python_starts_leaves_a_kernel_that_is_ended_with_the_rest(
    tmp_path: Path, backend: str, socket_root: Path
) -> None:
    thread_id = new_thread_id()
    async with a_runner(tmp_path, backend) as runner:
        call = asyncio.create_task(told_by(runner, "1", thread_id))
        assert await eventually(lambda: names_in(socket_root) != [])
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await told_by(runner, "2", thread_id)).result.content == "2"
    assert names_in(socket_root) == []


async def test_a_thread_that_is_closed_waits_for_its_call_and_is_forgotten(tmp_path: Path, backend: str) -> None:
    thread_id = new_thread_id()
    async with a_runner(tmp_path, backend) as runner:
        pid = await pid_of(runner, thread_id)
        folder = runner.folder(context_of(thread_id))
        waits = "import os, time\nwhile not os.path.exists('go'): time.sleep(.01)"
        call = asyncio.create_task(told_by(runner, f"open('began', 'w').close()\n{waits}\n'done'", thread_id))
        assert await eventually((folder / "began").exists)
        closing = asyncio.create_task(runner.close_thread(thread_id))
        await asyncio.sleep(0)
        (folder / "go").touch()
        await closing
        assert (await call).result.content == "'done'"
        assert await eventually(lambda: not is_running(pid))
        assert runner.kernels.find(thread_id) is None


SERVER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {here!r})
from sandbox_calls import make_runner, told_by
from jupyter_chat_sessions.core.ids import new_thread_id

def memory(name):
    return int(next(line for line in open("/proc/self/status") if line.startswith(name)).split()[1]) // 1024

async def main():
    runner, thread_id = make_runner(Path({root!r}), backend={backend!r}), new_thread_id()
    {body}

asyncio.run(main())
"""


def server(root: Path, body: str, backend: str) -> list[str]:
    """The command of a process that is a server to `runner` and `thread_id`."""
    here = str(Path(__file__).parent)
    code = SERVER.format(here=here, root=str(root), backend=backend, body=body.replace("\n", "\n    "))
    return [sys.executable, "-c", code]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize(
    ("code", "most"),
    [
        ("print('x' * 300_000_000)", 50),
        ("for n in range(100): print('x' * 3_000_000)", 50),
        ("import os\nfor n in range(3000): os.write(1, b'x' * 65536)", 50),
        # Each message just fits, and is looked at.
        (
            "from IPython.display import *\nfor n in range(60): display({'text/plain': 'x' * 5_000_000}, raw=True)",
            120,
        ),
    ],
)
def test_a_flood_of_output_does_not_grow_the_server(tmp_path: Path, backend: str, code: str, most: int) -> None:
    body = f"""
await told_by(runner, "print('x' * 100_000)", thread_id)
before = memory("VmRSS")
told = await told_by(runner, {code!r}, thread_id, 60)
print(memory("VmHWM") - before, len(told.result.content))
await runner.shutdown()
"""
    done = subprocess.run(server(tmp_path, body, backend), capture_output=True, text=True, timeout=90, check=True)
    grown, length = map(int, done.stdout.split())
    print(f"grown by {grown} MB: {code[:40]}")
    assert grown <= most
    assert 0 < length <= 16_000


@pytest.mark.slow
async def test_a_kernel_ends_with_its_server(tmp_path: Path, backend: str, socket_root: Path) -> None:
    body = """
await told_by(runner, "1", thread_id)
print(runner.kernels.slot(thread_id).kernel.provisioner.kernel_pid, flush=True)
await asyncio.sleep(99)
"""
    with start(*server(tmp_path, body, backend)) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
    assert await eventually(lambda: not is_running(pid))
