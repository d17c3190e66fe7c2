"""Landlock and a system call filter: for where namespaces are refused, as in most containers.

The kernel stays among the machine's processes and files, and is kept from all but what is granted. It can make no
connection of any kind. What Landlock does not govern on this machine is told as gaps.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import json
import os
import platform
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...core.roles import Level
from .. import bpf, launcher
from ..beside import Beside
from ..owners import hand_over, share
from .backend import Launch, Report
from .dropping import drop_to
from .reading import ETC, SYSTEM, readable
from .trial import try_out

_DEVICES = tuple(f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom"))
_PROC_NAMES = "cpuinfo meminfo stat loadavg uptime version filesystems sys/vm sys/kernel/random"
_PROC = tuple(Path("/proc") / name for name in _PROC_NAMES.split())
_MEMORY_ROOM = 4
_CREATE_RULESET = 444
_OVERRIDE, _SEARCH = 1, 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""


class Landlock:
    """The strongest level where no namespaces can be had."""

    name = "landlock"
    level: Level = "confined"
    keepers = 1
    # The terminals of this machine are not granted, and `!command` wants one otherwise.
    ipykernel_options = ("--IPKernelApp.exec_lines=get_ipython().system = get_ipython().system_raw",)

    def place_of(self, beside: Beside) -> str:
        """Its own place: there is no other file system to put it in."""
        return str(beside.folder)

    def probe(self) -> Report:
        return _probe()

    def confine(self, launch: Launch) -> Launch:
        """The launch by way of the launcher, which has its orders behind a descriptor."""
        uid = drop_to(launch)
        if uid is not None:
            hand_over(launch.folder, uid)
            if launch.sockets is not None:
                share(launch.sockets, uid)
        descriptor = os.memfd_create("chat-sandbox", os.MFD_CLOEXEC)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(json.dumps(_orders(launch, uid)).encode())
        os.lseek(descriptor, 0, os.SEEK_SET)
        argv = (sys.executable, "-I", "-S", launcher.__file__, str(descriptor))
        return replace(launch, argv=argv, env={"PATH": os.defpath}, fds=(*launch.fds, descriptor))

    def follow(self, kernel: int, old: Path, new: Path) -> None:
        """Nothing is to be done: it sees the folder where it is."""


def _orders(launch: Launch, uid: int | None) -> dict[str, Any]:
    policy = launch.policy
    mine = [launch.folder] if launch.sockets is None else [launch.folder, launch.sockets]
    reads = [*SYSTEM, *ETC, *readable(launch), *_PROC, *(launch.beside.shown if launch.beside else ())]
    capabilities = _needed(launch, uid, reads)
    owns_others = uid is None or _OVERRIDE in capabilities
    program = bpf.for_landlock(owns_others=owns_others, may_truncate=_abi() >= 3)
    assert program is not None  # probed
    env = {name: value for name, value in launch.env.items() if name != "JPY_PARENT_PID"}
    return {
        "server": os.getpid(),
        "library": _library(),
        "argv": list(launch.argv),
        "env": env | {"USER": "sandbox", "LOGNAME": "sandbox", "SHELL": "/bin/sh"},
        "folder": str(launch.folder),
        "reads": [str(path) for path in reads],
        "writes": [str(path) for path in mine],
        "devices": list(_DEVICES),
        "uid": uid,
        "capabilities": capabilities,
        "filter": program.hex(),
        "limits": {
            "RLIMIT_DATA": policy.memory_bytes,
            "RLIMIT_AS": policy.memory_bytes * _MEMORY_ROOM,
            "RLIMIT_NPROC": policy.processes + _tasks_of(os.getuid() if uid is None else uid),
            "RLIMIT_NOFILE": policy.open_files,
            "RLIMIT_FSIZE": policy.file_bytes,
            "RLIMIT_CORE": 0,
        },
    }


def _library() -> str:
    found = importlib.util.find_spec("landlockpy")
    if found is None or found.origin is None:
        raise FileNotFoundError("the Python package landlockpy is not installed")
    return str(Path(found.origin).parents[1])


def _tasks_of(uid: int) -> int:
    """How many threads the user has already: the limit counts them all, not only the kernel's."""
    count = 0
    for name in os.listdir("/proc"):
        try:
            if name.isdecimal() and os.stat(f"/proc/{name}").st_uid == uid:
                count += os.stat(f"/proc/{name}/task").st_nlink - 2
        except OSError:
            continue
    return count


def _needed(launch: Launch, uid: int | None, reads: list[Path]) -> list[int]:
    """The capability to pass through folders that are closed to the kernel's user, such as root's home. Only that:
    Landlock still decides what may be opened. `OSError` where it cannot be had."""
    if uid is None:
        return []
    closed = [
        way for path in (launch.folder, launch.sockets, *reads) if path for way in path.parents if _is_closed(way)
    ]
    if not closed:
        return []
    for capability in (_SEARCH, _OVERRIDE):
        if _held() >> capability & 1:
            return [capability]
    raise PermissionError(
        f"{closed[0]} is closed to other users, and this server may not let kernels pass through it; "
        "keep the notebook, and Python, in folders that any user may pass through"
    )


def _is_closed(way: Path) -> bool:
    try:
        return not way.stat().st_mode & 0o001
    except OSError:
        return False


def _held() -> int:
    """The capabilities of this process, as bits."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("CapEff:")).split()[1], 16)


@functools.cache
def _abi() -> int:
    abi: int = ctypes.CDLL(None, use_errno=True).syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(1))
    if abi < 1:
        raise OSError("this system's kernel has no Landlock, or it is switched off")
    return abi


@functools.cache
def _probe() -> Report:
    try:
        _library()
        abi = _abi()
        if bpf.for_landlock(owns_others=True) is None:
            raise OSError(f"there is no system call filter for {platform.machine()} yet")
        try_out(Landlock())
    except OSError as error:
        return Report(False, Landlock.level, reason=str(error), backend=Landlock.name)
    return Report(True, Landlock.level, _gaps(abi), backend=Landlock.name)


def _gaps(abi: int) -> tuple[str, ...]:
    gaps = [
        "the names, sizes and times of files outside the folder can be learned, not their contents",
        "the machine's name can be seen",
        "programs that need a network of their own, a terminal or shared memory (multiprocessing pools) do not work",
        "the system's kernel is shared: a hole in it is a way out",
    ]
    if abi < 6:
        gaps.append(f"tools can send signals to this user's other processes (Landlock ABI {abi}; 6 prevents it)")
    if abi < 3:
        gaps.append(
            f"files that can be read and belong to this user can be emptied (Landlock ABI {abi}; 3 prevents it)"
        )
    return tuple(gaps)
