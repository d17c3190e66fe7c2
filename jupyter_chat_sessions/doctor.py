"""`jupyter chat-sessions doctor`: how tools would be confined on this machine, and what to install for more."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from .sandbox.backends import BACKENDS, Backend, Report

_MEANS = {
    "isolated": "a tool sees its own folder and no other; there is no network, and no process but its own",
    "confined": "a tool can open its own folder and no other; it can reach no network",
    "unconfined": "a tool can do what you can do; what a model wrote is asked about before it runs",
}
_INSTALLS = {
    "apt": "sudo apt install bubblewrap",
    "dnf": "sudo dnf install bubblewrap",
    "pacman": "sudo pacman -S bubblewrap",
    "zypper": "sudo zypper install bubblewrap",
    "apk": "sudo apk add bubblewrap util-linux",
}
_RESTRICTS = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")


def main() -> int:
    """Prints what was found. 0 where something better than `plain` works, else 1."""
    reports = [(backend, backend.probe()) for backend in BACKENDS]
    print("\n".join(told(reports)))
    return 0 if any(report.ok and report.level != "unconfined" for _, report in reports) else 1


def told(reports: Sequence[tuple[Backend, Report]]) -> list[str]:
    """The lines to print. The strongest way that works comes first in `reports`."""
    chosen = next(backend.name for backend, report in reports if report.ok)
    lines = ["Ways of confining tools, strongest first. Each has just been tried.", ""]
    for backend, report in reports:
        mark = "works" if report.ok else "does not work"
        lines.append(f"{backend.name} ({backend.level}): {mark}{', and is used' if backend.name == chosen else ''}")
        if not report.ok:
            lines += [f"  why: {report.reason}", *(f"  try: {advice}" for advice in _advice(backend, report))]
        elif backend.name == chosen:
            lines += [f"  {_MEANS[report.level]}", *(f"  but: {gap}" for gap in report.gaps)]
    return lines


def _advice(backend: Backend, report: Report) -> list[str]:
    """What a person can do about it."""
    reason = report.reason.lower()
    if "landlockpy" in reason:
        return ["pip install landlockpy"]
    if "not installed" in reason:
        found = next((command for tool, command in _INSTALLS.items() if shutil.which(tool)), None)
        return [found or "install bubblewrap with your system's package manager"]
    if backend.name == "bubblewrap" and _restricts_namespaces():
        return ["install an AppArmor profile that lets bwrap make user namespaces (package apparmor-profiles)"]
    if backend.name == "bubblewrap":
        return [
            "the system refuses namespaces, as most containers do; run the container with a seccomp profile that "
            "allows them, or do without: landlock is used where it works"
        ]
    if backend.name == "landlock":
        return ["use a Linux kernel from 5.13 on with Landlock switched on (lsm=landlock,… on its command line)"]
    return []


def _restricts_namespaces() -> bool:
    try:
        return _RESTRICTS.read_text().strip() == "1"
    except OSError:
        return False
