"""What a kernel is launched with: its environment, its sockets, its backend, its processes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sandbox_calls import a_long_time, eventually, running, start

from jupyter_chat_sessions.core.roles import Level
from jupyter_chat_sessions.sandbox.backends import Launch, Report, backend_named, choose_backend
from jupyter_chat_sessions.sandbox.environment import MARK, kernel_environment
from jupyter_chat_sessions.sandbox.processes import boot_clock, family, kill_since, kill_tree
from jupyter_chat_sessions.sandbox.sockets import SocketFolder, sweep_stale

SECRETS = ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "JUPYTER_TOKEN", "JPY_API_TOKEN", "OPENAI_API_KEY", "PGPASSWORD")


def test_only_what_is_on_the_list_enters_the_environment() -> None:
    server = {"PATH": "/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/home/me", **dict.fromkeys(SECRETS, "secret")}
    env = kernel_environment(server, Path("/x/files"), "mark")
    assert "secret" not in env.values()
    assert (env["PATH"], env["LC_ALL"], env["TZ"]) == ("/bin", "C", "UTC")
    assert (env["HOME"], env["TMPDIR"], env[MARK]) == ("/x/files", "/x/files/.tmp", "mark")
    assert all(
        env[name].startswith("/x/files/.") for name in env if name.startswith(("JUPYTER_", "IPYTHON")) and name != MARK
    )


def test_a_socket_folder_is_private_short_and_leaves_nothing(tmp_path: Path) -> None:
    folder = SocketFolder([tmp_path])
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert len(os.fsencode(folder.path / "k-5")) < 107
    folder.remove()
    folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_place_with_a_long_path_is_passed_over(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    folder = SocketFolder([deep, tmp_path])
    assert folder.path.parent == tmp_path
    folder.remove()


def test_socket_folders_of_dead_processes_are_swept_and_no_others(tmp_path: Path) -> None:
    code = f"from jupyter_chat_sessions.sandbox.sockets import *; SocketFolder([Path({str(tmp_path)!r})])"
    subprocess.run([sys.executable, "-c", code], check=True)
    mine = SocketFolder([tmp_path])
    (tmp_path / "jcs-strange").mkdir()
    assert len(list(tmp_path.iterdir())) == 3
    assert sweep_stale([tmp_path]) == 0, "it is too young to be told from one being made"
    assert sweep_stale([tmp_path], older_than_s=0.0) == 1
    assert {path.name for path in tmp_path.iterdir()} == {mine.path.name, "jcs-strange"}
    mine.remove()


class Refusing:
    name, level = "fortress", "isolated"
    level: Level = "isolated"

    def probe(self) -> Report:
        return Report(False, "isolated", reason="the system does not allow it")

    def confine(self, launch: Launch) -> Launch:
        raise AssertionError("never chosen")


def test_the_strongest_backend_that_works_is_chosen_and_the_others_are_told() -> None:
    backend, report = choose_backend((Refusing(), backend_named("plain")))
    assert (backend.name, report.level, report.ok) == ("plain", "unconfined", True)
    assert "fortress is not available: the system does not allow it" in report.gaps


def test_a_backend_nobody_knows_is_refused_by_name() -> None:
    with pytest.raises(LookupError, match="plain"):
        backend_named("fort knox")


needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="processes are only known from /proc")


@needs_proc
async def test_a_killed_tree_leaves_no_child_wherever_it_went() -> None:
    nap = a_long_time()
    script = (
        f"setsid sleep {nap} & nohup sleep {nap} >/dev/null 2>&1 & (setsid sh -c 'sleep {nap} & exit' &); sleep {nap}"
    )
    root = start("sh", "-c", script, env={**os.environ, MARK: "tree"})
    assert await eventually(lambda: len(running(nap)) == 4)
    assert kill_tree(root.pid, "tree")
    assert await eventually(lambda: running(nap) == [])
    root.wait(timeout=5)


@needs_proc
async def test_what_a_dead_kernel_has_left_is_found_by_its_mark() -> None:
    nap = a_long_time()
    env = {**os.environ, MARK: f"left-{nap}"}
    root = start("sh", "-c", f"setsid sleep {nap} & exit", env=env)
    root.wait(timeout=5)
    assert await eventually(lambda: len(running(nap)) == 1)
    assert kill_tree(root.pid, f"left-{nap}", is_reaped=True)
    assert await eventually(lambda: running(nap) == [])


@needs_proc
async def test_killing_since_a_moment_spares_what_was_there_before() -> None:
    old, new = a_long_time(), a_long_time()
    script = f"sleep {old} & read x; sleep {new} & wait"
    root = start("sh", "-c", script, env={**os.environ, MARK: "since"})
    assert root.stdin is not None
    try:
        assert await eventually(lambda: len(running(old)) == 1)
        moment = boot_clock() + 0.05
        assert await eventually(lambda: boot_clock() > moment + 0.02)
        root.stdin.write("go\n")
        root.stdin.close()
        assert await eventually(lambda: len(running(new)) == 1)
        assert kill_since(root.pid, "since", moment)
        assert running(new) == []
        assert len(running(old)) == 1
        assert root.poll() is None
    finally:
        kill_tree(root.pid, "since")
        root.wait(timeout=5)


@needs_proc
def test_this_process_is_never_one_of_a_kernels() -> None:
    assert os.getpid() not in {process.pid for process in family(os.getppid(), "none")}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux confines kernels yet")
def test_an_interpreter_in_a_home_opens_its_own_folders_and_not_the_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_chat_sessions.sandbox.backends.reading import readable

    home, venv = tmp_path / "home", tmp_path / "home" / "project" / ".venv"
    folder = home / "project" / ".chats" / "some-thread" / "files"
    for path in (home / "bin", home / "lib", home / ".ssh", venv / "bin", folder, home / "conda" / "bin"):
        path.mkdir(parents=True)
    for path in (home / "bin" / "python", home / "conda" / "bin" / "python"):
        path.touch(mode=0o700)
    (venv / "bin" / "python").symlink_to(home / "conda" / "bin" / "python")
    (venv / "pyvenv.cfg").write_text(f"home = {home}/conda/bin\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(sys, "path", [])
    real = Path(os.path.realpath(home))
    assert set(readable(Launch((str(home / "bin" / "python"),), {}, folder, None))) == {real / "bin", real / "lib"}
    assert set(readable(Launch((str(venv / "bin" / "python"),), {}, folder, None))) == {
        real / "conda",
        real / "project" / ".venv",
    }
    # A folder that holds notebooks is not granted, whoever names it.
    assert readable(Launch((str(home / "bin" / "python"),), {"PYTHONPATH": str(home / "project")}, folder, None)) == [
        real / "bin",
        real / "lib",
    ]
    # One environment's packages may lie in another, which a `.pth` file of it names.
    packages = home / "conda" / "lib" / "python3" / "site-packages"
    packages.mkdir(parents=True)
    monkeypatch.setattr(sys, "path", ["", str(home / "project"), str(packages)])
    assert set(readable(Launch((str(home / "bin" / "python"),), {}, folder, None))) == {
        real / "bin",
        real / "lib",
        real / "conda" / "lib" / "python3" / "site-packages",
    }
