"""M11: what the extension adds to the start of a Jupyter server.

Each measurement is a fresh process with a server that is initialised and then loads one extension: ours, or one that
does nothing. Only the loading is judged: the start of the server around it takes seconds and varies by more.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .harness import Figure, interval

GOAL_CPU_MS = 30.0
GOAL_MB = 3.0
SLACK = 1.5
OURS, EMPTY = "jupyter_chat_sessions", "tests.benchmarks.empty_extension"

_LOAD = """
import gc, json, sys, time
from jupyter_server.serverapp import ServerApp

def private_mb():
    gc.collect()
    status = open("/proc/self/status").read() if sys.platform == "linux" else "RssAnon: 0 kB"
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024

name = sys.argv[1]
server = ServerApp(open_browser=False, jpserver_extensions={}, log_level="ERROR")
server.initialize(argv=[], find_extensions=False, new_httpserver=False)
start_ms, held = time.process_time() * 1000, private_mb()
began = time.process_time()
assert server.extension_manager.add_extension(name, enabled=True)
server.extension_manager.link_extension(name)
server.extension_manager.load_extension(name)
cpu_ms = (time.process_time() - began) * 1000
assert server.extension_manager.extension_apps[name]
print(json.dumps({"cpu_ms": cpu_ms, "mb": private_mb() - held, "start_ms": start_ms}))
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What one extension's loading took, and what the server's own start had taken before it."""

    cpu_ms: float
    mb: float
    start_ms: float


def load(extension: str) -> Load:
    """Loads the extension in a fresh server."""
    root = Path(__file__).parents[2]
    shown = subprocess.run(
        [sys.executable, "-c", _LOAD, extension], cwd=root, capture_output=True, text=True, check=True
    )
    return Load(**json.loads(shown.stdout.splitlines()[-1]))


def measure(is_quick: bool) -> list[Figure]:
    """CPU and memory of loading ours, beside an extension that does nothing."""
    rounds = 5 if is_quick else 15
    order = random.Random(1)
    ours: list[Load] = []
    empty: list[Load] = []
    for _ in range(rounds + 1):
        for extension, loads in order.sample([(OURS, ours), (EMPTY, empty)], 2):
            loads.append(load(extension))
    ours, empty = ours[1:], empty[1:]
    start_ms = statistics.median(each.start_ms for each in ours + empty)
    cpu = _figure("CPU", "ms", GOAL_CPU_MS, [each.cpu_ms for each in ours], [each.cpu_ms for each in empty])
    memory = _figure("memory", "MB", GOAL_MB, [each.mb for each in ours], [each.mb for each in empty])
    shares = f"; the server's own start takes {start_ms:.0f} ms"
    return [_noted(cpu, shares), memory]


def _figure(what: str, unit: str, goal: float, ours: Sequence[float], empty: Sequence[float]) -> Figure:
    low, high = interval(ours)
    note = f"an extension that does nothing: {statistics.median(empty):.1f} {unit}, {len(ours)} rounds"
    return Figure(
        "M11", f"{what} of loading it", statistics.median(ours), low, high, unit, f"<= {goal:g} {unit}", None, note
    )


def _noted(figure: Figure, more: str) -> Figure:
    return Figure(**{**{name: getattr(figure, name) for name in Figure.__slots__}, "note": figure.note + more})
