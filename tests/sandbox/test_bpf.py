"""The system call filters, run by a small machine that reads them as the system does: also another processor's."""

from __future__ import annotations

import errno
import struct

import pytest

from jupyter_chat_sessions.sandbox.bpf import _ARCHITECTURES, _NUMBERS, for_landlock, for_namespaces

MACHINES = tuple(_ARCHITECTURES)
ALLOWED = -1


def judged(program: bytes | None, machine: str, call: str | int, *arguments: int, architecture: int = 0) -> int:
    """The errno a call is answered with, or `ALLOWED`."""
    assert program is not None
    number = call if isinstance(call, int) else _NUMBERS[call][MACHINES.index(machine)]
    assert number is not None
    six = [argument & (2**64 - 1) for argument in (*arguments, 0, 0, 0, 0, 0, 0)[:6]]
    data = struct.pack("<IIQ6Q", number, architecture or _ARCHITECTURES[machine], 0, *six)
    steps = [struct.unpack_from("<HBBI", program, at) for at in range(0, len(program), 8)]
    value, at = 0, 0
    while True:
        code, yes, no, operand = steps[at]
        at += 1
        if code == 0x20:
            (value,) = struct.unpack_from("<I", data, operand)
        elif code == 0x54:
            value &= operand
        elif code == 0x06:
            return ALLOWED if operand == 0x7FFF0000 else operand & 0xFFFF
        else:
            is_met = {0x15: value == operand, 0x35: value >= operand, 0x45: bool(value & operand)}[code]
            at += yes if is_met else no


@pytest.fixture(params=MACHINES)
def machine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_each_number_is_one_calls_alone(machine: str) -> None:
    numbers = [each[MACHINES.index(machine)] for each in _NUMBERS.values()]
    known = [number for number in numbers if number is not None]
    assert len(known) == len(set(known))


def test_what_is_not_named_is_allowed(machine: str) -> None:
    for program in (for_namespaces(machine), for_landlock(owns_others=True, machine=machine)):
        for number in (0, 1, 2, 57, 262, 400):
            if number not in [each[MACHINES.index(machine)] for each in _NUMBERS.values()]:
                assert judged(program, machine, number) == ALLOWED


@pytest.mark.parametrize("call", ["ptrace", "mount", "bpf", "unshare", "setns", "io_uring_setup", "open_by_handle_at"])
def test_doors_out_are_shut_in_both(machine: str, call: str) -> None:
    assert judged(for_namespaces(machine), machine, call) == errno.EPERM
    assert judged(for_landlock(owns_others=False, machine=machine), machine, call) == errno.EPERM


def test_processes_may_be_made_and_namespaces_may_not(machine: str) -> None:
    program = for_namespaces(machine)
    assert judged(program, machine, "clone", 17) == ALLOWED
    assert judged(program, machine, "clone", 0x003D0F00) == ALLOWED, "a thread"
    for flag in (0x80, 0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000):
        assert judged(program, machine, "clone", flag | 17) == errno.EPERM
    assert judged(program, machine, "clone3") == errno.ENOSYS


def test_only_known_families_of_sockets_can_be_made(machine: str) -> None:
    program = for_namespaces(machine)
    for family, expected in {1: ALLOWED, 2: ALLOWED, 10: ALLOWED, 16: ALLOWED, 17: errno.EAFNOSUPPORT}.items():
        assert judged(program, machine, "socket", family, 1) == expected
    assert judged(program, machine, "socket", 40, 1) == errno.EAFNOSUPPORT, "vsock"
    assert judged(program, machine, "connect") == ALLOWED


def test_under_landlock_only_unix_streams_can_be_made_and_none_connected(machine: str) -> None:
    program = for_landlock(owns_others=False, machine=machine)
    assert judged(program, machine, "socket", 1, 1) == ALLOWED
    assert judged(program, machine, "socket", 1, 1 | 0o2000000) == ALLOWED, "closed on exec"
    for family, kind in ((1, 2), (2, 1), (2, 2), (10, 1), (16, 3), (40, 1)):
        assert judged(program, machine, "socket", family, kind) == errno.EOPNOTSUPP
    assert judged(program, machine, "connect") == errno.EACCES


def test_typing_into_terminals_and_other_personalities_are_refused(machine: str) -> None:
    program = for_namespaces(machine)
    assert judged(program, machine, "ioctl", 0, 0x5412) == errno.EPERM
    assert judged(program, machine, "ioctl", 0, 0x541C) == errno.EPERM
    assert judged(program, machine, "ioctl", 0, 0x5401) == ALLOWED
    assert judged(program, machine, "personality", 0xFFFFFFFF) == ALLOWED
    assert judged(program, machine, "personality", 0x40000) == errno.EPERM


def test_modes_and_times_of_files_named_by_path_stay_as_they_are_where_others_are_the_users_own(machine: str) -> None:
    program = for_landlock(owns_others=True, machine=machine)
    path, times = 0x7F00_0000_0000, 0x7FFF_1234_0000
    assert judged(program, machine, "fchmodat", -100, path) == 0
    assert judged(program, machine, "utimensat", -100, path, times) == 0
    assert judged(program, machine, "utimensat", -100, path, 0) == errno.EACCES
    assert judged(program, machine, "utimensat", 5, 0, times) == ALLOWED, "an open file"
    assert judged(program, machine, "setxattr") == errno.EOPNOTSUPP
    dropped = for_landlock(owns_others=False, machine=machine)
    assert judged(dropped, machine, "fchmodat", -100, path) == ALLOWED
    assert judged(dropped, machine, "utimensat", -100, path, times) == ALLOWED


def test_truncating_by_name_is_refused_where_landlock_does_not_judge_it(machine: str) -> None:
    assert judged(for_landlock(owns_others=True, machine=machine), machine, "truncate") == ALLOWED
    program = for_landlock(owns_others=True, may_truncate=False, machine=machine)
    assert judged(program, machine, "truncate") == errno.EACCES


def test_calls_of_another_processors_tables_are_refused() -> None:
    program = for_namespaces("x86_64")
    assert judged(program, "x86_64", 1, architecture=0x40000003) == errno.ENOSYS, "32 bit"
    assert judged(program, "x86_64", 0x40000001) == errno.ENOSYS, "x32"


def test_there_is_no_filter_for_a_machine_whose_numbers_are_not_known() -> None:
    assert for_namespaces("riscv64") is None
    assert for_landlock(owns_others=True, machine="s390x") is None
