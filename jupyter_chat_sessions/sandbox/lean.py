"""The command of an ipykernel that does not load its debugger, which nothing here talks to: a fifth of its start.

ipykernel has no setting for that. It does without where debugpy is not installed, so that is what its own part for
debugging finds while it is imported, and nothing else does: code that imports debugpy gets it. An ipykernel that is
made in another way starts as it always does.
"""

from __future__ import annotations

from collections.abc import Sequence

_LAUNCHER = "ipykernel_launcher"
_START = f"""\
import sys
if sys.path[0] == "":
    del sys.path[0]
if "debugpy" not in sys.modules:
    sys.modules["debugpy"] = None
    try:
        import ipykernel.debugger
    except Exception:
        pass
    del sys.modules["debugpy"]
import runpy
runpy.run_module("{_LAUNCHER}", run_name="__main__", alter_sys=True)
"""
"""`None` among the modules is Python's own way of saying that there is no such module. The first place to import from
is the chat's folder here; ipykernel's launcher, too, takes it away while it loads."""


def without_debugger(command: Sequence[str]) -> list[str]:
    """The command, without the debugger where it starts an ipykernel by its launcher, and else as it is."""
    argv = list(command)
    for at in range(1, len(argv) - 1):
        if argv[at : at + 2] == ["-m", _LAUNCHER]:
            argv[at : at + 2] = ["-c", _START]
            return argv
        if not argv[at].startswith("-"):
            break
    return argv
