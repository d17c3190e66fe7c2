"""The same attacks when the server is an ordinary user's: run by root, in a process of a user made for it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NEEDED = ("useradd", "userdel", "setpriv", "unshare", "mount")

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not all(map(shutil.which, NEEDED)),
    reason="only root can make a user and become it",
)


def closed(paths: list[Path]) -> set[Path]:
    """The folders on the way to these that an ordinary user may not pass through."""
    ways = {way for path in paths for way in path.parents}
    first = {way for way in ways if not way.stat().st_mode & 0o001}
    return {way for way in first if not first & set(way.parents)}


def opening(folder: Path, inside: list[Path]) -> str:
    """Shell commands that put an open folder in the closed one's place, with only what is needed in it."""
    lines = [f'kept=$(mktemp -d) && mount --bind {folder} "$kept" && mount -t tmpfs -o mode=755 tmpfs {folder}']
    for path in inside:
        below = path.relative_to(folder)
        lines.append(f'mkdir -p {path} && mount --bind "$kept"/{below} {path}')
    return " && ".join([*lines, 'umount "$kept" && rmdir "$kept"'])


def run_as(user: str, *arguments: str) -> str:
    """What pytest says when the user runs it on tests of this folder."""
    with tempfile.TemporaryDirectory(prefix="jcs-user-", dir="/var/tmp") as place:
        shutil.chown(place, user)
        needed = [Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), HERE.parents[1].resolve()]
        ways = [opening(way, [path for path in needed if way in path.parents]) for way in sorted(closed(needed))]
        options = ("-q", "-rP", "--tb=short", "-p", "no:cacheprovider", f"--basetemp={place}/t")
        run = [sys.executable, "-m", "pytest", *arguments, *options]
        become = [
            "setpriv",
            "--reuid",
            user,
            "--regid",
            user,
            "--init-groups",
            "--inh-caps=-all",
            "--bounding-set=-all",
        ]
        env = [f"HOME={place}", f"PATH={os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE=1"]
        command = " && ".join([*ways, "exec " + shlex.join([*become, "env", "-i", *env, *run])])
        where = HERE.parents[1]
        isolated = ["unshare", "--mount", "sh", "-c", command]
        done = subprocess.run(isolated, cwd=where, capture_output=True, text=True, timeout=120)
    print(done.stdout)
    if "Operation not permitted" in done.stderr and "passed" not in done.stdout:
        pytest.skip(f"no ordinary user can run this Python here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    return done.stdout


@pytest.mark.slow
def test_an_ordinary_users_kernels_are_confined_as_well(user: str) -> None:
    assert "plain, user" in run_as(user, "tests/sandbox/test_attacks.py")


@pytest.mark.slow
def test_what_works_for_root_works_for_an_ordinary_user_under_landlock(user: str) -> None:
    said = run_as(user, "tests/sandbox/test_sandbox_runner.py", "-k", "landlock")
    assert "passed" in said or "skipped" in said


@pytest.mark.slow
def test_what_is_limited_for_root_is_limited_for_an_ordinary_user(user: str) -> None:
    assert "passed" in run_as(user, *(f"tests/sandbox/test_sandbox_{name}.py" for name in ("limits", "kernels")))


@pytest.mark.slow
def test_what_works_for_root_works_for_an_ordinary_user_in_namespaces(user: str) -> None:
    assert "passed" in run_as(user, "tests/sandbox/test_sandbox_runner.py", "-k", "bubblewrap")


@pytest.mark.slow
def test_a_kernel_that_waited_is_as_confined_for_an_ordinary_user_as_for_root(user: str) -> None:
    files = [f"tests/sandbox/test_{name}.py" for name in ("attacks", "spare")]
    assert "passed" in run_as(user, *files, "-m", "slow or not slow", "-k", "waited and not plain")
