"""Every way out of a sandbox that is known here, tried under every backend that works, with the plain one as a control:
where nothing confines it, an attack must get through, or it would prove nothing."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import socket
import subprocess
import sys
import sysconfig
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import attacks
import pytest
import pytest_asyncio
from sandbox_calls import make_runner, told_by

from jupyter_chat_sessions.core.ids import ThreadId, new_thread_id
from jupyter_chat_sessions.sandbox import SandboxRunner, spare
from jupyter_chat_sessions.sandbox.bpf import _ARCHITECTURES, _NUMBERS

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(sys.platform != "linux", reason="the attacks are Linux's"),
]

SOURCE = Path(attacks.__file__).read_text().replace("from __future__ import annotations", "")
Outcomes = Mapping[str, str]

TOLERATED = {"landlock": {"learn_the_machines_name"}}
"""What a backend does not keep out, and says so in its gaps."""

CONTROLS = {
    "read_a_secret_in_a_home",
    "read_a_connection_file_of_the_server",
    "read_another_chats_file",
    "read_another_chats_file_by_dots",
    "list_all_chats",
    "write_into_another_chat",
    "write_outside",
    "write_into_the_hosts_tmp",
    "read_a_secret_through_a_symlink",
    "link_another_chats_file",
    "read_a_secret_through_own_root",
    "read_the_servers_environment",
    "read_anothers_command_line",
    "see_the_server_among_processes",
    "signal_the_server",
    "kill_anothers_process",
    "reach_a_server_by_tcp",
    "reach_a_server_by_udp",
    "reach_a_unix_socket_by_its_path",
    "send_to_a_unix_socket",
    "reach_an_abstract_socket",
    "learn_the_accounts",
    "read_shared_memory_of_others",
    "learn_the_machines_name",
    "change_the_personality",
    "make_a_nameless_memory_file",
    "change_the_mode_of_a_file_outside",
    "change_the_times_of_a_file_outside",
    "empty_a_file_outside_by_name",
    "move_a_file_outside",
}
"""What must get through where nothing confines it."""


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


class World:
    """What is out there: another chat, a home with a secret, servers, and a process that does not want to die."""

    def __init__(self, root: Path, runner: SandboxRunner, stack: contextlib.ExitStack) -> None:
        self.root, self.runner, self.thread_id = root, runner, new_thread_id()
        mark = uuid.uuid4().hex
        chats, other_id = root / ".chats", new_thread_id()
        home = root / "home"
        other = chats / other_id / "files"
        for folder in (home, other):
            folder.mkdir(parents=True)
        for path in (home / "id_rsa", home / "kernel-1.json", other / "data.csv", home / "touchable", home / "movable"):
            path.write_text("secret")
            path.chmod(0o644)
        self.shm = Path("/dev/shm") / f"jcs-test-{mark}"
        self.shm.write_text("secret")
        stack.callback(self.shm.unlink)
        self.tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.udp.bind(("127.0.0.1", 0))
        place = stack.enter_context(tempfile.TemporaryDirectory(prefix="jcs-w-"))
        self.unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        self.unix.bind(f"{place}/s")
        self.dgram = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        self.dgram.bind(f"{place}/d")
        self.abstract = stack.enter_context(socket.socket(socket.AF_UNIX))
        self.abstract.bind(f"\0{mark}")
        for listener in (self.unix, self.abstract):
            listener.listen()
        victim = [sys.executable, "-c", "import time; time.sleep(300)", "secret"]
        self.victim = subprocess.Popen(victim)
        stack.callback(self._end_victim)
        libraries = Path(sysconfig.get_paths()["purelib"])
        column = list(_ARCHITECTURES).index(platform.machine())
        self.new = {
            "other_new": other / "new",
            "outside_new": home / "new",
            "tmp_new": Path("/tmp") / f"jcs-test-{mark}",
            "library_new": libraries / f"jcs_test_{mark}.py",
            "startup_new": libraries / f"jcs_test_{mark}.pth",
        }
        stack.callback(lambda: [path.unlink(missing_ok=True) for path in self.new.values()])
        self.home = home
        ways = {*Path(sys.base_prefix).parents, *chats.parents}  # which lead to what is granted
        self.targets: dict[str, Any] = {
            "secret": str(home / "id_rsa"),
            "connection_file": str(home / "kernel-1.json"),
            "other_file": str(other / "data.csv"),
            "other_id": other_id,
            "chats": str(chats),
            "home": str(Path.home()),
            "home_names": [path.name for path in _listed(Path.home()) if path not in ways],
            "shm": str(self.shm),
            "touchable": str(home / "touchable"),
            "movable": str(home / "movable"),
            "server": os.getpid(),
            "victim": self.victim.pid,
            "address": id(self),
            "hostname": os.uname().nodename,
            "tcp": self.tcp.getsockname()[1],
            "udp": self.udp.getsockname()[1],
            "unix": f"{place}/s",
            "dgram": f"{place}/d",
            "abstract": mark,
            "terminals": [int(name) for name in os.listdir("/dev/pts") if name.isdigit()],
            "numbers": {name: numbers[column] for name, numbers in _NUMBERS.items()},
            **{name: str(path) for name, path in self.new.items()},
        }

    def _end_victim(self) -> None:
        self.victim.kill()
        self.victim.wait()

    async def attacked(self, *, harmless_only: bool) -> Outcomes:
        """All attacks in one call, and what the server sees of them afterwards."""
        await told_by(self.runner, "1", self.thread_id)
        kernel = self.runner.kernels.slot(self.thread_id).kernel
        assert kernel is not None
        assert kernel.provisioner.socket_folder is not None
        targets = self.targets | {"log": (kernel.provisioner.socket_folder / "kernel.log").stat().st_ino}
        code = (
            f"{SOURCE}\nimport json\n"
            f"print(json.dumps(try_all(json.loads({json.dumps(targets)!r}), harmless_only={harmless_only})))"
        )
        told = await told_by(self.runner, code, self.thread_id, 60.0)
        assert told.result.error is None, told.result.content
        outcomes: dict[str, str] = json.loads(told.result.content.splitlines()[-1])
        return outcomes | dict.fromkeys(self._evidence(), "ESCAPED")

    def _evidence(self) -> Iterator[str]:
        """The attacks whose traces are there."""
        traces = {
            "other_new": "write_into_another_chat",
            "outside_new": "write_outside",
            "tmp_new": "write_into_the_hosts_tmp",
            "library_new": "poison_a_library",
            "startup_new": "poison_the_interpreters_startup",
        }
        yield from (name for path, name in traces.items() if self.new[path].exists())
        state = (self.home / "touchable").stat()
        if state.st_mode & 0o777 != 0o644:
            yield "change_the_mode_of_a_file_outside"
        if state.st_mtime == 1:
            yield "change_the_times_of_a_file_outside"
        if os.listxattr(self.home / "touchable"):
            yield "mark_a_file_outside_with_an_attribute"
        if state.st_size == 0:
            yield "empty_a_file_outside_by_name"
            yield "change_the_times_of_a_file_outside"  # which emptying it changes again
        if not (self.home / "movable").exists():
            yield "move_a_file_outside"
        if self.victim.poll() is not None:
            yield "kill_anothers_process"
        self.udp.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            self.udp.recv(100)
            yield "reach_a_server_by_udp"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def outcomes(runner: SandboxRunner, backend: str) -> AsyncIterator[Outcomes]:
    with contextlib.ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
        patch.setenv("JCS_TEST_TOKEN", "secret")
        root = runner._folder_of(ThreadId("x")).parents[2]
        world = World(root, runner, stack)
        yield await world.attacked(harmless_only=backend == "plain")


@pytest.mark.parametrize("name", attacks.ATTACKS)
async def test_an_attack_is_stopped_where_something_confines_it_and_else_gets_through(
    outcomes: Outcomes, backend: str, name: str
) -> None:
    if backend == "plain":
        if name not in CONTROLS:
            pytest.skip("not tried unconfined")
        assert outcomes[name] == "ESCAPED", "this attack proves nothing"
        return
    outcome = outcomes[name]
    assert not outcome.startswith(("BROKEN", "killed", "timeout")), outcome
    if name not in TOLERATED.get(backend, ()):
        assert outcome != "ESCAPED", f"row {attacks.ATTACKS[name][0]}"


@pytest.mark.slow
async def test_from_a_kernel_that_waited_for_its_chat_no_attack_gets_further(
    outcomes: Outcomes, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend == "plain":
        pytest.skip("nothing confines it")
    monkeypatch.setattr(spare, "has_memory_to_spare", lambda: True)
    monkeypatch.setenv("JCS_TEST_TOKEN", "secret")
    runner = make_runner(tmp_path, backend=backend)
    with contextlib.ExitStack() as stack:
        world = World(tmp_path, runner, stack)
        runner.prepare(world.thread_id)
        waiting = runner.kernels.spare
        try:
            await waiting.settled()
            assert waiting._waiting is not None
            kernel = waiting._waiting.start.result()
            found = await world.attacked(harmless_only=False)
            assert runner.kernels.slot(world.thread_id).kernel is kernel, "the attacks ran somewhere else"
        finally:
            await runner.shutdown()
    escaped = [{name for name, outcome in each.items() if outcome == "ESCAPED"} for each in (outcomes, found)]
    assert escaped[0] == escaped[1]
    assert not {name: each for name, each in found.items() if each.startswith(("BROKEN", "killed", "timeout"))}
    assert found.keys() == outcomes.keys()


async def test_the_table_of_what_was_tried_is_printed(outcomes: Outcomes, backend: str) -> None:
    who = "root" if os.getuid() == 0 else f"user {os.getuid()}"
    escaped = sorted(name for name, outcome in outcomes.items() if outcome == "ESCAPED")
    print(f"\n{backend}, {who}: {len(outcomes)} attacks, {len(escaped)} got through: {', '.join(escaped)}")
    for name, outcome in outcomes.items():
        print(f"  {attacks.ATTACKS[name][0]:>3} {name.replace('_', ' '):48} {outcome}")
