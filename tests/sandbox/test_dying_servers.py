"""Nothing outlives a server, at whatever moment of a kernel's start it is killed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import dying_servers
import pytest

from jupyter_chat_sessions.sandbox.backends import backend_named


@pytest.mark.parametrize("name", dying_servers.BACKENDS)
def test_no_kernel_outlives_a_server_that_is_killed_while_it_starts_one(tmp_path: Path, name: str) -> None:
    report = backend_named(name).probe()
    if not report.ok:
        pytest.skip(f"{name} does not work here: {report.reason}")
    asked = [sys.executable, dying_servers.__file__, name, str(tmp_path), "25"]
    marks = set(subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout.split())
    assert len(marks) == 25
    deadline = time.monotonic() + 30
    while left := running(marks):
        assert time.monotonic() < deadline, f"{len(left)} of 25 are left"
        time.sleep(0.05)


def running(marks: set[str]) -> set[str]:
    """Which of the marks stand in the command of a process."""
    found: set[str] = set()
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found |= marks.intersection(each.read_bytes().decode(errors="replace").split("\0"))
        except OSError:
            continue
    return found
