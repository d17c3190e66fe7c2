"""What a confined kernel may read: the system's programs, a little of `/etc`, and the interpreter it is.

Of a home, only the folders of the interpreter; never one that holds a home, a thread's folder or temporary files.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from .backend import Launch

SYSTEM = tuple(map(Path, ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store", "/gnu/store"]))

_ETC = (
    "alternatives fonts ld.so.cache ld.so.conf ld.so.conf.d ld.so.preload localtime timezone ssl/certs ssl/openssl.cnf"
    " pki/tls/certs pki/ca-trust/extracted ca-certificates mime.types magic locale.alias locale.conf os-release"
    " debian_version R python3 python3.10 python3.11 python3.12 python3.13 python3.14 matplotlibrc terminfo inputrc"
    " bash.bashrc OpenCL protocols services papersize texmf java"
)
ETC = tuple(Path("/etc") / name for name in _ETC.split())

_MOST_HOPS = 16
_PARTS = ("bin", "lib", "lib64", "libexec")
"""What is granted of a prefix that holds more than an interpreter, such as `~/.local`."""


def readable(launch: Launch) -> list[Path]:
    """The folders and files beside the system's own, as they are named and as they really are; those that exist."""
    keep_out = _private(launch)
    found: dict[Path, None] = {}
    for path in _wanted(launch):
        for grant in _safe_parts(path, keep_out):
            found[grant] = None
    return [path for path in found if not any(other != path and other in path.parents for other in found)]


def _wanted(launch: Launch) -> Iterator[Path]:
    program = shutil.which(launch.argv[0], path=launch.env.get("PATH")) or launch.argv[0]
    yield from _interpreter(Path(os.path.abspath(program)))
    if base := launch.env.get("PYTHONUSERBASE"):
        yield from (Path(base) / part for part in ("bin", "lib"))
    yield from _listed(launch.env, "PYTHONPATH")
    yield from _listed(launch.env, "LD_LIBRARY_PATH")
    yield from _packages()
    yield from launch.readable
    yield from launch.policy.readable


def _listed(env: Mapping[str, str], name: str) -> Iterator[Path]:
    return (Path(each) for each in env.get(name, "").split(os.pathsep) if os.path.isabs(each))


def _packages() -> Iterator[Path]:
    """Where the server's own packages are: a `.pth` file of one environment may name the folder of another."""
    return (Path(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages"))


def _interpreter(program: Path) -> Iterator[Path]:
    """The prefixes that lead from a program's name to the program: a virtual environment, links, an installation."""
    for _ in range(_MOST_HOPS):
        prefix = program.parent.parent if program.parent.name == "bin" else program.parent
        yield prefix
        yield from _base(prefix)
        if not program.is_symlink():
            break
        program = Path(os.path.normpath(program.parent / os.readlink(program)))
    real = Path(os.path.realpath(program))
    yield real.parent.parent if real.parent.name == "bin" else real.parent


def _base(prefix: Path) -> Iterator[Path]:
    """The installation a virtual environment was made from."""
    try:
        lines = (prefix / "pyvenv.cfg").read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        name, _, value = line.partition("=")
        if name.strip() == "home" and os.path.isabs(value.strip()):
            home = Path(value.strip())
            yield home.parent if home.name == "bin" else home


def _private(launch: Launch) -> list[Path]:
    """What no grant may hold."""
    places = [launch.folder, Path.home(), Path("/tmp"), Path("/etc/passwd"), Path("/var/tmp"), Path("/proc/self")]
    with contextlib.suppress(KeyError):
        places.append(Path(pwd.getpwuid(os.getuid()).pw_dir))
    return [Path(os.path.realpath(place)) for place in places if place != Path("/")]


def _safe_parts(path: Path, keep_out: list[Path]) -> Iterator[Path]:
    """The path, with its real one; where that holds what is private, the parts of it that do not."""
    if not os.path.exists(path):
        return
    parts = [path] if _is_safe(path, keep_out) else [path / part for part in _PARTS]
    for part in parts:
        if os.path.exists(part) and _is_safe(part, keep_out):
            yield part
            yield Path(os.path.realpath(part))


def _is_safe(path: Path, keep_out: list[Path]) -> bool:
    real = Path(os.path.realpath(path))
    if real == Path("/") or real in (Path("/usr").parent, Path("/etc"), Path("/home"), Path("/proc"), Path("/var")):
        return False
    return not any(real == place or real in place.parents for place in keep_out)
