"""Linux namespaces by bubblewrap: a file system, a process table, a network and a host name of the kernel's own.

Of the machine it holds the system's programs and the kernel's interpreter, both to be read only, and the thread's
folder. The network has nothing on it; what the kernel listens on are unix sockets in a folder it shares with the
server.
"""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ...core.roles import Level
from .. import bpf
from ..alive import reading_end
from ..beside import AT, Beside
from ..owners import hand_over, share
from .backend import Launch, Report
from .dropping import drop_to
from .reading import ETC, SYSTEM, readable
from .trial import try_out

_MEMORY_ROOM = 4
"""Address space over memory: libraries reserve much that they never use."""
_ENTER = 'cd -- "$1" && shift && exec "$@"'
_UNLESS_ALONE = '"$1" -c1 >/dev/null 2>&1 && exit 1; shift; exec "$@" </dev/null'
"""Ends where the server has died while the namespaces were made: each `bwrap` asks to be killed with its parent, and
misses a death before that. Standard input is then at its end; while the server lives, there is nothing to read yet."""


@dataclass(frozen=True, slots=True)
class _Programs:
    bwrap: str
    head: str
    prlimit: str
    setpriv: str


class Bubblewrap:
    """The strongest level without a virtual machine: what is not the kernel's is not there."""

    name = "bubblewrap"
    level: Level = "isolated"
    keepers = 2
    ipykernel_options: tuple[str, ...] = ()

    def place_of(self, beside: Beside) -> str:
        return AT

    def probe(self) -> Report:
        return _probe()

    def confine(self, launch: Launch) -> Launch:
        """The launch in namespaces of its own."""
        programs = _programs()
        uid = drop_to(launch)
        if uid is not None:
            hand_over(launch.folder, uid)
            if launch.sockets is not None:
                share(launch.sockets, uid)
        return _command(launch, programs, uid)

    def follow(self, kernel: int, old: Path, new: Path) -> None:
        """Gives the folder its new path in the kernel's file system. The kernel has run nobody's code so far."""
        root = f"/proc/{kernel}/root"
        os.rename(f"{root}{old.parent}", f"{root}{new.parent}")


def _programs() -> _Programs:
    found = {name: shutil.which(name) for name in ("bwrap", "head", "prlimit", "setpriv")}
    missing = [name for name, path in found.items() if path is None and (name != "setpriv" or os.getuid() == 0)]
    if missing:
        package = {"bwrap": "bubblewrap", "head": "coreutils", "prlimit": "util-linux", "setpriv": "util-linux"}
        wanted = ", ".join(dict.fromkeys(package[name] for name in missing))
        raise FileNotFoundError(f"{', '.join(missing)} is not installed (package {wanted})")
    return _Programs(**{name: str(path) for name, path in found.items()})


@functools.cache
def _probe() -> Report:
    try:
        _programs()
        if bpf.for_namespaces() is None:
            raise OSError(f"there is no system call filter for {os.uname().machine} yet")
        try_out(Bubblewrap())
    except OSError as error:
        return Report(False, Bubblewrap.level, reason=str(error), backend=Bubblewrap.name)
    gaps = (
        "the system's kernel is shared: a hole in it is a way out",
        "devices such as graphics cards cannot be used",
    )
    return Report(True, Bubblewrap.level, gaps, backend=Bubblewrap.name)


# --- the command -----------------------------------------------------------------------------------------------------


def _command(launch: Launch, programs: _Programs, uid: int | None) -> Launch:
    program = bpf.for_namespaces()
    assert program is not None  # probed
    data = _Descriptors()
    try:
        options = [
            *_namespaces(uid),
            *_environment(launch),
            *_file_system(launch, data, uid),
            *("--seccomp", str(data.holding(program))),
        ]
        arguments = data.holding(b"".join(os.fsencode(option) + b"\0" for option in options))
    except BaseException:
        data.close()
        raise
    limited = _limited(launch, programs, uid)
    unless_alone = ("/bin/sh", "-c", _UNLESS_ALONE, "sh", programs.head)
    argv = (programs.bwrap, "--args", str(arguments), "--", *unless_alone, *limited, *launch.argv)
    fds = (*launch.fds, *data.fds)
    return replace(launch, argv=argv, env={"PATH": os.defpath}, fds=fds, stdin=reading_end())


class _Descriptors:
    """Files without a name, for what is not to be read in a list of processes."""

    def __init__(self) -> None:
        self.fds: list[int] = []

    def holding(self, content: bytes) -> int:
        descriptor = os.memfd_create("chat-sandbox", os.MFD_CLOEXEC)
        self.fds.append(descriptor)
        with open(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.lseek(descriptor, 0, os.SEEK_SET)
        return descriptor

    def close(self) -> None:
        for descriptor in self.fds:
            os.close(descriptor)


def _namespaces(uid: int | None) -> Iterator[str]:
    yield from ("--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try")
    yield from ("--die-with-parent", "--new-session", "--hostname", "sandbox", "--cap-drop", "ALL")
    if uid is None:
        yield from ("--unshare-user", "--disable-userns")
    else:
        for capability in ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"):
            yield from ("--cap-add", capability)


def _environment(launch: Launch) -> Iterator[str]:
    # The kernel's parent is process 1 here, which ipykernel would take for an orphan's.
    env = {name: value for name, value in launch.env.items() if name != "JPY_PARENT_PID"}
    yield "--clearenv"
    for name, value in (env | {"USER": "sandbox", "LOGNAME": "sandbox", "SHELL": "/bin/sh"}).items():
        yield from ("--setenv", name, value)


def _file_system(launch: Launch, data: _Descriptors, uid: int | None) -> Iterator[str]:
    policy = launch.policy
    for path in SYSTEM:
        yield from _system_folder(path)
    yield from ("--proc", "/proc", "--dev", "/dev")
    yield from ("--perms", "1777", "--size", str(policy.shm_bytes), "--tmpfs", "/dev/shm")
    yield from ("--perms", "1777", "--size", str(policy.tmp_bytes), "--tmpfs", "/tmp")
    mine = [launch.folder] if launch.sockets is None else [launch.folder, launch.sockets]
    grants = readable(launch)
    yield from _parents([*ETC, *grants, *mine])
    for path in (*ETC, *grants):
        yield from ("--ro-bind-try", str(path), str(path))
    for name, text in _accounts(launch, uid):
        yield from ("--perms", "0644", "--ro-bind-data", str(data.holding(text.encode())), f"/etc/{name}")
    if launch.alias is not None:
        yield from _renamable(launch.folder)
    for path in mine:
        yield from ("--bind", str(path), str(path))
    yield from ("--perms", "0755", "--dir", "/mnt", "--symlink", str(launch.alias or launch.folder), "/mnt/data")
    if launch.beside is not None:
        yield from _beside(launch.beside)
    yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/" if uid is not None else str(launch.folder))


def _renamable(folder: Path) -> Iterator[str]:
    """A place, with nothing else in it, where the name above the folder can be changed from outside."""
    place = str(folder.parent.parent)
    yield from ("--perms", "0755", "--size", "4096", "--tmpfs", place, "--perms", "0755", "--dir", str(folder.parent))


def _beside(beside: Beside) -> Iterator[str]:
    """The notebook's folder with something empty over all that is hidden."""
    yield from ("--ro-bind", str(beside.folder), AT)
    for path in beside.hidden_folders:
        yield from ("--perms", "0555", "--size", "4096", "--tmpfs", f"{AT}/{path.relative_to(beside.folder)}")
    for path in beside.hidden_files:
        yield from ("--ro-bind", "/dev/null", f"{AT}/{path.relative_to(beside.folder)}")


def _system_folder(path: Path) -> tuple[str, ...]:
    if path.is_symlink():
        return ("--symlink", os.readlink(path), str(path))
    return ("--ro-bind-try", str(path), str(path))


def _parents(paths: Iterable[Path]) -> Iterator[str]:
    """The folders on the way, open to any user: bubblewrap's own are for the one who starts it."""
    system = {Path("/"), Path("/tmp"), *SYSTEM}
    ways = {parent for path in paths for parent in path.parents} - system
    for way in sorted(ways):
        if not any(parent in system - {Path("/"), Path("/tmp")} for parent in way.parents):
            yield from ("--perms", "0755", "--dir", str(way))


def _accounts(launch: Launch, uid: int | None) -> list[tuple[str, str]]:
    user, group = (os.getuid(), os.getgid()) if uid is None else (uid, uid)
    return [
        ("passwd", f"sandbox:x:{user}:{group}:sandbox:{launch.alias or launch.folder}:/bin/sh\n"),
        ("group", f"sandbox:x:{group}:\n"),
        ("hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n"),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
    ]


def _limited(launch: Launch, programs: _Programs, uid: int | None) -> list[str]:
    """What runs before the kernel's own command, in its process: limits hold from its first instruction."""
    policy = launch.policy
    argv: list[str] = []
    if uid is not None:
        argv += [programs.setpriv, "--reuid", str(uid), "--regid", str(uid), "--clear-groups", "--no-new-privs"]
        argv += ["--inh-caps=-all", "--bounding-set=-all", "--"]
    argv += [
        programs.prlimit,
        f"--data={policy.memory_bytes}",
        f"--as={policy.memory_bytes * _MEMORY_ROOM}",
        f"--nproc={policy.processes}",
        f"--nofile={policy.open_files}",
        f"--fsize={policy.file_bytes}",
        "--core=0",
        "--",
    ]
    if uid is not None:
        argv += ["/bin/sh", "-c", _ENTER, "sh", str(launch.folder)]
    return argv
