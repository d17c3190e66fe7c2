"""Which system calls a confined kernel may make, as a program the system runs before each of them (seccomp).

A call that is not named here is allowed: the list is of doors out of a sandbox, and of ways to take what nobody
counts. The numbers are of x86_64 and aarch64; elsewhere there is no filter, and a backend that needs one says so.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# name: (x86_64, aarch64); `None` where the architecture has no such call
_NUMBERS: Mapping[str, tuple[int | None, int | None]] = {
    "socket": (41, 198),
    "connect": (42, 203),
    "clone": (56, 220),
    "ioctl": (16, 29),
    "ptrace": (101, 117),
    "syslog": (103, 116),
    "personality": (135, 92),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "acct": (163, 89),
    "mount": (165, 40),
    "umount2": (166, 39),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "iopl": (172, None),
    "ioperm": (173, None),
    "init_module": (175, 105),
    "delete_module": (176, 106),
    "quotactl": (179, 60),
    "kexec_load": (246, 104),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "perf_event_open": (298, 241),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "setns": (308, 268),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "finit_module": (313, 273),
    "memfd_create": (319, 279),
    "kexec_file_load": (320, 294),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "clone3": (435, 435),
    "pidfd_getfd": (438, 438),
    "mount_setattr": (442, 442),
    "quotactl_fd": (443, 443),
    "memfd_secret": (447, 447),
    "open_tree_attr": (467, 467),
    # what Landlock does not govern: names, times, owners, attributes
    "truncate": (76, 45),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}

_ABSENT = ("clone3", "memfd_create", "memfd_secret")
"""Refused as if the system were older: libraries then take the older way, which can be judged or counted."""
_RENAMED = ("chmod", "fchmod", "fchmodat", "fchmodat2", "utime", "utimes", "futimesat", "file_setattr")
_OWNED = ("chown", "fchown", "lchown", "fchownat")
_ATTRIBUTES = (
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "setxattrat",
    "removexattrat",
)

_JUDGED = {"socket", "connect", "clone", "ioctl", "personality", "truncate", "utimensat"}
_NEVER = sorted(_NUMBERS.keys() - {*_JUDGED, *_ABSENT, *_RENAMED, *_OWNED, *_ATTRIBUTES})

_NAMESPACES = 0x7E020080
"""Every CLONE_NEW* flag."""
_TERMINAL_REQUESTS = (0x5412, 0x541C)
"""TIOCSTI types into a terminal, TIOCLINUX pastes into a console."""
_ASKS_PERSONALITY = 0xFFFFFFFF
_FAMILIES = (1, 2, 10, 16)
"""Unix, IPv4, IPv6 and netlink: a network namespace holds these. A family it does not hold reaches the host."""
_UNIX, _STREAM, _TYPE_MASK = 1, 1, 0xF
_X32 = 0x40000000

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW = 0x7FFF0000
_NUMBER, _ARCHITECTURE = 0, 4


def _argument(index: int, *, high: bool = False) -> int:
    """Where the lower (or upper) half of a call's argument lies; both machines are little-endian."""
    return 16 + 8 * index + (4 if high else 0)


def _fails(with_errno: int) -> int:
    return 0x00050000 | with_errno


@dataclass(frozen=True, slots=True)
class _Step:
    """One instruction. `yes` and `no`: how many instructions to pass over."""

    code: int
    value: int
    yes: int = 0
    no: int = 0


def _when(steps: Sequence[_Step], number: int) -> list[_Step]:
    """The steps for one call; they end in a return, or come to the next rule with the number loaded again."""
    return [_Step(_EQUAL, number, 0, len(steps) + 1), *steps, _Step(_LOAD, _NUMBER)]


def _refuse(with_errno: int) -> list[_Step]:
    return [_Step(_RETURN, _fails(with_errno))]


def _refuse_flags(index: int, flags: int, with_errno: int) -> list[_Step]:
    return [
        _Step(_LOAD, _argument(index)),
        _Step(_ANY_BIT, flags, 0, 1),
        _Step(_RETURN, _fails(with_errno)),
    ]


def _refuse_values(index: int, values: Sequence[int], with_errno: int) -> list[_Step]:
    tests = [_Step(_EQUAL, value, len(values) - at, 0) for at, value in enumerate(values)]
    return [
        _Step(_LOAD, _argument(index)),
        *tests,
        _Step(_RETURN, _ALLOW),
        _Step(_RETURN, _fails(with_errno)),
    ]


def _allow_values(index: int, values: Sequence[int], with_errno: int) -> list[_Step]:
    tests = [_Step(_EQUAL, value, len(values) - at, 0) for at, value in enumerate(values)]
    return [
        _Step(_LOAD, _argument(index)),
        *tests,
        _Step(_RETURN, _fails(with_errno)),
        _Step(_RETURN, _ALLOW),
    ]


def _only_unix_streams() -> list[_Step]:
    return [
        _Step(_LOAD, _argument(0)),
        _Step(_EQUAL, _UNIX, 0, 3),
        _Step(_LOAD, _argument(1)),
        _Step(_AND, _TYPE_MASK),
        _Step(_EQUAL, _STREAM, 1, 0),
        _Step(_RETURN, _fails(errno.EOPNOTSUPP)),
        _Step(_RETURN, _ALLOW),
    ]


def _pretend_to_set_times() -> list[_Step]:
    """For a file named by its path: setting given times does nothing, and says it did; setting them to now is refused,
    since programs try that to learn whether a file is there. What is open already may be changed."""
    return [
        _Step(_LOAD, _argument(1)),
        _Step(_EQUAL, 0, 0, 2),
        _Step(_LOAD, _argument(1, high=True)),
        _Step(_EQUAL, 0, 5, 0),
        _Step(_LOAD, _argument(2)),
        _Step(_EQUAL, 0, 0, 2),
        _Step(_LOAD, _argument(2, high=True)),
        _Step(_EQUAL, 0, 2, 0),
        _Step(_RETURN, _fails(0)),
        _Step(_RETURN, _ALLOW),
        _Step(_RETURN, _fails(errno.EACCES)),
    ]


Rules = Sequence[tuple[str, Sequence[_Step]]]


def _common() -> list[tuple[str, Sequence[_Step]]]:
    return [
        *((name, _refuse(errno.EPERM)) for name in _NEVER),
        *((name, _refuse(errno.ENOSYS)) for name in _ABSENT),
        ("clone", _refuse_flags(0, _NAMESPACES, errno.EPERM)),
        ("ioctl", _refuse_values(1, _TERMINAL_REQUESTS, errno.EPERM)),
        ("personality", _allow_values(0, (_ASKS_PERSONALITY,), errno.EPERM)),
    ]


def for_namespaces(machine: str | None = None) -> bytes | None:
    """The filter of a kernel in namespaces of its own; `None` where the machine's numbers are not known."""
    return _program([*_common(), ("socket", _allow_values(0, _FAMILIES, errno.EAFNOSUPPORT))], machine)


def for_landlock(*, owns_others: bool, may_truncate: bool = True, machine: str | None = None) -> bytes | None:
    """The filter of a kernel that Landlock confines: it can wait for connections over unix sockets, and make none.

    `owns_others`: files it must not touch belong to its user. Landlock does not govern their modes, times and
    attributes, so these calls do nothing and say they did, as on a file system that does not keep modes.
    `may_truncate`: Landlock governs truncation by name here.
    """
    rules = [*_common(), ("socket", _only_unix_streams()), ("connect", _refuse(errno.EACCES))]
    if not may_truncate:
        rules += [("truncate", _refuse(errno.EACCES))]
    rules += [(name, _refuse(errno.EOPNOTSUPP)) for name in _ATTRIBUTES]
    if owns_others:
        rules += [(name, _refuse(0)) for name in _RENAMED]
        rules += [(name, _refuse(errno.EPERM)) for name in _OWNED]
        rules += [("utimensat", _pretend_to_set_times())]
    return _program(rules, machine)


def _program(rules: Rules, machine: str | None) -> bytes | None:
    machine = machine or platform.machine()
    if machine not in _ARCHITECTURES:
        return None
    column = list(_ARCHITECTURES).index(machine)
    steps = [
        _Step(_LOAD, _ARCHITECTURE),
        _Step(_EQUAL, _ARCHITECTURES[machine], 1, 0),
        _Step(_RETURN, _fails(errno.ENOSYS)),
        _Step(_LOAD, _NUMBER),
    ]
    if machine == "x86_64":
        steps += [_Step(_AT_LEAST, _X32, 0, 1), _Step(_RETURN, _fails(errno.ENOSYS))]
    for name, judged in rules:
        number = _NUMBERS[name][column]
        if number is not None:
            steps += _when(judged, number)
    steps.append(_Step(_RETURN, _ALLOW))
    return b"".join(struct.pack("<HBBI", step.code, step.yes, step.no, step.value) for step in steps)
