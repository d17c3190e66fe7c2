"""Runs a kernel under Landlock, and outlives it by as long as it takes to end all it has started.

Started as a script of its own (`python -I -S launcher.py <fd>`), with the orders as JSON behind the descriptor: they
are nobody else's to read. The process that stays behind is not confined; it adopts the kernel's orphans, and kills
them when the kernel ends, when it is told to stop, and when its server dies.
"""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
import json
import os
import resource
import signal
import sys
import time
from typing import Any

_SET_PARENT_DEATH_SIGNAL, _SET_KEEP_CAPABILITIES, _SET_NO_NEW_PRIVILEGES = 1, 8, 38
_SET_SECCOMP, _FILTER, _SET_SUBREAPER = 22, 2, 36
_DROP_BOUND, _AMBIENT, _RAISE, _SET_SECURE_BITS, _NO_FIXUP = 24, 47, 2, 28, 4
_CAPABILITY_VERSION = 0x20080522
_CAPABILITIES = 41

libc = ctypes.CDLL(None, use_errno=True)


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_void_p)]


def _must(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _prctl(option: int, *arguments: int) -> None:
    padded = [ctypes.c_ulong(each) for each in (*arguments, 0, 0, 0, 0)[:4]]
    _must(libc.prctl(option, *padded))


def main() -> int:
    """Starts the kernel and waits for its end. Returns what the process is to exit with."""
    with open(int(sys.argv[1]), "rb") as file:
        orders: dict[str, Any] = json.load(file)
    _prctl(_SET_SUBREAPER, 1)
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != orders["server"]:
        return 1  # it died before it could be watched
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, _stop)
    kernel = os.fork()
    if kernel == 0:
        _become_kernel(orders)
    os.closerange(0, 3)
    try:
        status = _wait_for(kernel)
    finally:
        _end_all()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


class _Stopped(BaseException):
    """It is told to stop, or its server has died."""


def _stop(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Stopped


def _wait_for(kernel: int) -> int:
    while True:
        ended, status = os.wait()
        if ended == kernel:
            return status


def _end_all() -> None:
    """Kills every descendant. An orphan's children come to this process, so it looks again until there are none."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    while True:
        for child in _children(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.001)


def _children(parent: int) -> list[int]:
    found = []
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                if int(file.read().rpartition(b")")[2].split()[1]) == parent:
                    found.append(int(name))
    return found


# --- the kernel's side -----------------------------------------------------------------------------------------------


def _become_kernel(orders: dict[str, Any]) -> None:
    """Gives up what is not needed, step by step, then becomes the kernel. Whatever fails, no kernel runs."""
    try:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        os.umask(0o077)
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write("800")
        ruleset = _ruleset(orders)
        for name, value in orders["limits"].items():
            _limit(getattr(resource, name), value)
        if orders["uid"] is not None:
            _change_user(orders["uid"], orders["capabilities"])
        _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)  # a change of user forgets it
        os.chdir(orders["folder"])
        _prctl(_SET_NO_NEW_PRIVILEGES, 1)
        ruleset.restrict()
        _install(bytes.fromhex(orders["filter"]))
        os.closerange(3, 4096)
        os.execvpe(orders["argv"][0], orders["argv"], orders["env"])
    except BaseException as error:
        os.write(2, f"{error}\n".encode("utf-8", "replace"))
    os._exit(126)


def _limit(which: int, value: int) -> None:
    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (value, value))


def _ruleset(orders: dict[str, Any]) -> Any:
    ctypes.util.find_library = lambda name: None  # it would run a compiler to find libc
    sys.path.append(orders["library"])
    from landlockpy import AccessFS, Ruleset, Scope

    reads = AccessFS.READ_FILE | AccessFS.READ_DIR | AccessFS.EXECUTE
    every = AccessFS(0)
    for right in AccessFS:
        every |= right
    devices = AccessFS.READ_FILE | AccessFS.WRITE_FILE | AccessFS.IOCTL_DEV
    writes = every & ~(AccessFS.MAKE_CHAR | AccessFS.MAKE_BLOCK | AccessFS.IOCTL_DEV)
    ruleset = Ruleset(scoped=Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET)
    for right, paths in ((reads, orders["reads"]), (writes, orders["writes"]), (devices, orders["devices"])):
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                is_folder = os.path.isdir(path)
                files_only = AccessFS.READ_FILE | AccessFS.WRITE_FILE | AccessFS.EXECUTE | AccessFS.IOCTL_DEV
                ruleset.allow_path(path, right if is_folder else right & (files_only | AccessFS.TRUNCATE))
    return ruleset


def _change_user(uid: int, capabilities: list[int]) -> None:
    """Becomes another user for good, keeping only the capabilities that are named."""
    if capabilities:
        _prctl(_SET_KEEP_CAPABILITIES, 1)
        with contextlib.suppress(OSError):  # access(2) would judge without them, and call the folder unwritable
            _prctl(_SET_SECURE_BITS, _NO_FIXUP)
    with contextlib.suppress(OSError):  # without the right to: they are not in force for another user anyway
        for capability in range(_CAPABILITIES):
            if capability not in capabilities:
                _prctl(_DROP_BOUND, capability)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    if capabilities:
        _keep(capabilities)
    if os.getuid() == 0 or os.geteuid() == 0:
        raise PermissionError("the kernel would run as root")


def _keep(capabilities: list[int]) -> None:
    bits = [sum(1 << (each % 32) for each in capabilities if each // 32 == half) for half in (0, 1)]
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    data = (ctypes.c_uint32 * 6)(bits[0], bits[0], bits[0], bits[1], bits[1], bits[1])
    _must(libc.capset(header, data))
    for capability in capabilities:
        _prctl(_AMBIENT, _RAISE, capability)


def _install(program: bytes) -> None:
    code = ctypes.create_string_buffer(program, len(program))
    filtering = _Filter(len(program) // 8, ctypes.cast(code, ctypes.c_void_p))
    _must(libc.prctl(_SET_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.byref(filtering), 0, 0))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except _Stopped:
        sys.exit(128 + signal.SIGTERM)
