"""Whose a listening port on this computer is. On a shared host, anyone may have taken the port of a known server.

Linux only: `/proc/net/tcp` and `tcp6` name the user of each listening socket. Elsewhere nothing is known.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

_LISTENING = "0A"
_REACHED_V4 = ("127.0.0.1", "0.0.0.0")
_REACHED_V6 = ("::", "::ffff:127.0.0.1", "::ffff:0.0.0.0")
_LARGEST_SYSTEM_UID = 999

Listeners = dict[int, frozenset[int]]
"""The user ids by port, of sockets that a connection to 127.0.0.1 may reach."""


def listeners(proc: Path = Path("/proc")) -> Listeners | None:
    """Who listens where; `None` where this system does not tell."""
    try:
        tables = [(proc / "net" / "tcp").read_text()]
    except OSError:
        return None
    with contextlib.suppress(OSError):  # a system without IPv6
        tables.append((proc / "net" / "tcp6").read_text())
    found: dict[int, set[int]] = {}
    for table in tables:
        for port, uid in _rows(table.splitlines()[1:]):
            found.setdefault(port, set()).add(uid)
    return {port: frozenset(uids) for port, uids in found.items()}


def _rows(lines: Iterable[str]) -> Iterable[tuple[int, int]]:
    for line in lines:
        fields = line.split()
        if len(fields) > 7 and fields[3] == _LISTENING:
            address, _, port = fields[1].partition(":")
            if _shown(address) in _REACHED_V4 + _REACHED_V6:
                yield int(port, 16), int(fields[7])


def _shown(address: str) -> str:
    """The kernel's hexadecimal words, each in the machine's byte order, as an address."""
    words = [int(address[at : at + 8], 16) for at in range(0, len(address), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, packed)


def is_trusted(uids: Iterable[int], own_uid: int, *, is_shared_host: bool) -> bool:
    """Whether every listener is this user's, or a system service's where the host is not shared. Nobody's is not."""
    uids = tuple(uids)
    return bool(uids) and all(uid == own_uid or (uid <= _LARGEST_SYSTEM_UID and not is_shared_host) for uid in uids)
