"""Whether there is memory for a process that nobody has asked for yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

LEAST_FREE = 1 << 30
"""What must be free, on the machine and within this process's limit."""
LEAST_LIMIT = 2 << 30
"""Where processes like this one have less than that in all, as on Binder, none is started ahead."""

_V2 = ("memory.max", "memory.current", "inactive_file")
_V1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def has_memory_to_spare(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> bool:
    """Whether enough is free. `False` where the system does not tell. Blocks."""
    try:
        if _free(proc) < LEAST_FREE:
            return False
        limits = list(_limits(proc, groups))
    except (OSError, ValueError, StopIteration):
        return False
    return all(limit >= LEAST_LIMIT and limit - used >= LEAST_FREE for limit, used in limits)


def _free(proc: Path) -> int:
    lines = (proc / "meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))


def _limits(proc: Path, groups: Path) -> Iterator[tuple[int, int]]:
    """The limit and the use of each control group this process is in, those without a limit left out."""
    for line in (proc / "self" / "cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        root, names = (groups / "memory", _V1) if controllers else (groups, _V2)
        group = root / path.lstrip("/")
        for each in (group, *group.parents):
            if each.is_relative_to(root) and (found := _limit(each, names)):
                yield found


def _limit(group: Path, names: tuple[str, str, str]) -> tuple[int, int] | None:
    try:
        limit, used = ((group / name).read_text().strip() for name in names[:2])
        cached = next(line for line in (group / "memory.stat").read_text().splitlines() if line.startswith(names[2]))
    except (OSError, StopIteration):  # the outermost group has none of these
        return None
    return None if limit == "max" else (int(limit), int(used) - int(cached.split()[1]))
