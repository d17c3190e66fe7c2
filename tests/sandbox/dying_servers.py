"""Servers that die while they start a kernel: `python dying_servers.py BACKEND FOLDER COUNT`, which prints their marks.

Each is a process of its own that launches `sleep MARK` as a kernel would be, and is killed so many milliseconds later.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from jupyter_chat_sessions.sandbox.backends.backend import Backend, Launch
from jupyter_chat_sessions.sandbox.backends.bubblewrap import Bubblewrap
from jupyter_chat_sessions.sandbox.backends.landlock import Landlock

BACKENDS: dict[str, Backend] = {"bubblewrap": Bubblewrap(), "landlock": Landlock()}


def live_and_die(backend: Backend, folder: Path, mark: str, life_s: float) -> None:
    launch = backend.confine(Launch(("sleep", mark), {"PATH": os.defpath}, folder, None))
    stdin = subprocess.DEVNULL if launch.stdin is None else launch.stdin
    subprocess.Popen(
        launch.argv, env=dict(launch.env), pass_fds=launch.fds, stdin=stdin, cwd="/", start_new_session=True
    )
    time.sleep(life_s)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    backend, folder = BACKENDS[sys.argv[1]], Path(sys.argv[2])
    marks = [str(900_000_000 + os.getpid() * 1000 + number) for number in range(int(sys.argv[3]))]
    for number, mark in enumerate(marks):
        pid = os.fork()
        if pid == 0:
            live_and_die(backend, folder, mark, number / 1000)
        os.waitpid(pid, 0)
    print(*marks)
