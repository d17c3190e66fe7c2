"""The processes a kernel has started, and their end.

A process is the kernel's when it descends from it, shares its session, or inherited its mark in the environment: a
daemon that left the session and whose parents have died still has the mark. Without `/proc` only the process group
is known.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .environment import MARK

_PROC = Path("/proc")


def has_proc() -> bool:
    """Whether the system tells about processes in `/proc`, as Linux does."""
    return sys.platform == "linux" and (_PROC / "self" / "stat").exists()


@dataclass(frozen=True, slots=True)
class Process:
    """A living process. `started`: seconds after boot, to a hundredth."""

    pid: int
    parent: int
    session: int
    started: float


def boot_clock() -> float:
    """Seconds after boot, on the clock that `Process.started` is read from."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if sys.platform == "linux" else time.monotonic()


def _read_process(pid: int) -> Process | None:
    """The process, or `None` where it has ended or is only waiting to be reaped."""
    try:
        raw = (_PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    fields = raw[raw.rindex(b")") + 2 :].split()  # the name before it may hold blanks and brackets
    if fields[0] in (b"Z", b"X"):
        return None
    ticks = os.sysconf("SC_CLK_TCK")
    return Process(pid, int(fields[1]), int(fields[3]), int(fields[19]) / ticks)


def _bears(pid: int, mark: bytes) -> bool:
    try:
        return mark in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def _living() -> dict[int, Process]:
    found = [_read_process(int(name)) for name in os.listdir(_PROC) if name.isdecimal()]
    return {process.pid: process for process in found if process is not None}


def family(root: int | None, mark: str) -> list[Process]:
    """Every living process of the kernel `root`, itself included; of one that was reaped (`None`), by mark alone."""
    living = _living()
    wanted = f"{MARK}={mark}".encode()
    ours = {
        pid
        for pid, process in living.items()
        if (root is not None and root in (pid, process.session)) or _bears(pid, wanted)
    }
    ours.discard(os.getpid())
    grew = True
    while grew:
        children = {pid for pid, process in living.items() if process.parent in ours} - ours - {os.getpid()}
        ours |= children
        grew = bool(children)
    return [living[pid] for pid in sorted(ours)]


def below(root: int, depth: int) -> int | None:
    """The first child's first child and so on, `depth` times; `None` where there is none. Blocks."""
    pid: int | None = root
    for _ in range(depth):
        pid = min(_children(pid), default=None, key=_started) if pid is not None else None
    return pid


def _started(pid: int) -> float:
    process = _read_process(pid)
    return process.started if process else float("inf")


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in os.listdir(_PROC / str(pid) / "task"):
            with contextlib.suppress(OSError):
                found += map(int, (_PROC / str(pid) / "task" / task / "children").read_bytes().split())
    if not found and not (_PROC / "self" / "task" / str(os.getpid()) / "children").exists():
        found = [each.pid for each in _living().values() if each.parent == pid]
    return found


def descendants(root: int) -> list[int]:
    """The process and what descends from it. Cheaper than `family`, and enough where orphans are adopted."""
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += _children(pid)
    return found


def offer_to_the_oom_killer(root: int, mark: str) -> None:
    """Has the system, when memory runs out, end these processes rather than the server."""
    for process in family(root, mark):
        with contextlib.suppress(OSError):
            (_PROC / str(process.pid) / "oom_score_adj").write_bytes(b"800")


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def kill_tree(root: int, mark: str, *, is_reaped: bool = False, within_s: float = 1.0) -> bool:
    """Kills the kernel and everything it started. Looks again until nothing is left; tells whether nothing is.

    Blocks: call it from a worker thread. The caller reaps `root`; once it has, the number may be another's.
    """
    if not has_proc():
        return _kill_group(root)
    if is_reaped:
        return _kill_until_gone(lambda: family(None, mark), within_s)
    _send(root, signal.SIGSTOP)  # so that it starts nothing while its tree is read
    return _kill_until_gone(lambda: family(root, mark), within_s)


def kill_kept_tree(root: int, mark: str, within_s: float = 0.5) -> bool:
    """Kills all but the process at the root, which ends by itself when it has nothing left to keep. Blocks."""
    return has_proc() and _kill_until_gone(lambda: [each for each in family(root, mark) if each.pid != root], within_s)


def kill_since(root: int, mark: str, started: float, *, within_s: float = 1.0) -> bool:
    """Kills what the kernel has started since `boot_clock()` was `started`, but not the kernel itself."""
    if not has_proc():
        return False
    tick = 1.0 / os.sysconf("SC_CLK_TCK")

    def newcomers() -> list[Process]:
        return [each for each in family(root, mark) if each.pid != root and each.started >= started - tick]

    return _kill_until_gone(newcomers, within_s)


def _kill_until_gone(living: Callable[[], list[Process]], within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while True:
        left = living()
        if not left:
            return True
        for process in left:
            _send(process.pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)


def _kill_group(root: int) -> bool:
    if sys.platform == "win32":
        _send(root, signal.SIGTERM)
        return True
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(root, signal.SIGKILL)
    return True
