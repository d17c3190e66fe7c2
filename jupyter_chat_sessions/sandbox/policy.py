"""How much a tool call may use, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_KIB = 1024
_MIB = 1024 * _KIB
_GIB = 1024 * _MIB

BackendChoice = Literal["auto", "bubblewrap", "landlock", "plain"]


@dataclass(frozen=True, slots=True)
class SandboxPolicy:
    """The limits of calls and kernels. Times in seconds, sizes in bytes unless the name says characters."""

    backend: BackendChoice = "auto"
    """How kernels are confined; `auto`: by the strongest way that works here."""
    readable: tuple[Path, ...] = ()
    """What confined kernels may read beside the system's programs and their own interpreter."""
    uid: int | None = None
    """The user a confined kernel runs as where the server is root; `None`: one for each folder."""

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
    spare_s: float = 300.0
    """How long a kernel that was started ahead may wait for a chat that needs one; 0: none is."""
    waiting_calls: int = 16
    """How many calls may wait for one thread's kernel."""

    memory_bytes: int = 2 * _GIB
    """What a kernel and all it has started may keep in memory."""
    processes: int = 256
    """How many processes and threads a confined kernel may have."""
    open_files: int = 1024
    """How many files each of its processes may have open."""
    file_bytes: int = 512 * _MIB
    """The largest file a confined kernel may write."""
    tmp_bytes: int = 256 * _MIB
    """The size of `/tmp` where a kernel has its own; it lies in memory."""
    shm_bytes: int = 64 * _MIB
    """The same of `/dev/shm`."""
    quota_bytes: int = _GIB
    """What a thread's folder may hold."""
    quota_entries: int = 20_000
    """How many files and folders it may hold."""
    free_bytes: int = _GIB
    """When less than this is left on the disk, calls that go on filling it are ended."""
    watch_s: float = 0.5
    """How often memory and disk are looked at while a call runs."""
