"""How much a tool call may use, in one place."""

from __future__ import annotations

from dataclasses import dataclass

_KIB = 1024
_MIB = 1024 * _KIB


@dataclass(frozen=True, slots=True)
class SandboxPolicy:
    """The limits of calls and kernels. Times in seconds, sizes in bytes unless the name says characters."""

    wall_s: float = 300.0
    """How long a call may take when its caller names no time."""
    grace_s: float = 2.0
    """How long interrupted code may go on before its whole process tree is killed."""
    ready_s: float = 60.0
    """How long a kernel may take to start."""
    gather_s: float = 0.05
    """How long pieces of text are gathered before they are shown."""

    output_bytes: int = _MIB
    """What one call may show while it runs."""
    result_chars: int = 16_000
    """What the agent reads of one call; the whole text is in `.outputs/`."""
    head_share: float = 0.35
    """How much of a clipped text is its beginning; the rest is its end."""
    text_file_bytes: int = 64 * _MIB
    """The largest file kept in `.outputs/`."""
    metadata_bytes: int = 64 * 1000
    """What a result's metadata may weigh as JSON."""
    message_bytes: int = 8 * _MIB
    """The largest message taken from a kernel; a larger one is dropped before it is in memory."""
    message_count: int = 4
    """How many messages of a kernel may wait to be read in this process; the rest wait in the kernel's."""
    image_count: int = 64
    """How many images one call may show."""
    snapshot_entries: int = 2_000
    """How many files are looked at to tell what a call has created or changed."""
    name_count: int = 500
    """How many of a kernel's names are remembered."""

    max_kernels: int = 8
    """How many kernels run at once; the one idle for longest gives way."""
    starts_at_once: int = 2
    """How many kernels start at the same time."""
    idle_s: float = 1200.0
    """How long a kernel may be idle before it is ended."""
    waiting_calls: int = 16
    """How many calls may wait for one thread's kernel."""
