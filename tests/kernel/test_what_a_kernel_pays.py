"""What `%load_ext` costs a kernel: exact modules, and a time no person notices."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {
    "jupyter_server",
    "tornado",
    "pydantic",
    "aiohttp",
    "ipywidgets",
    "jupyter_client",
    "zmq",
    "rpds",
    "http",
    "ssl",
}
LOAD = """
import json, sys, time
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
before, began, cpu = set(sys.modules), time.perf_counter(), time.process_time()
import jupyter_chat_sessions
shell.run_line_magic("load_ext", "jupyter_chat_sessions")
cost = {"wall_ms": (time.perf_counter() - began) * 1000, "cpu_ms": (time.process_time() - cpu) * 1000}
print(json.dumps({**cost, "brought": sorted(set(sys.modules) - before)}))
"""


def test_loading_the_extension_in_a_kernel_takes_under_150_ms_and_brings_one_small_module() -> None:
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True, timeout=60)
    cost = json.loads(done.stdout.splitlines()[-1])
    print(f"import and %load_ext: {cost['wall_ms']:.1f} ms, {cost['cpu_ms']:.1f} ms CPU")
    ours = {name for name in cost["brought"] if name.startswith("jupyter_chat_sessions")}
    kernel = {"jupyter_chat_sessions.kernel", "jupyter_chat_sessions.kernel.magic"}
    assert ours == {"jupyter_chat_sessions", *kernel}
    assert not HEAVY & {name.partition(".")[0] for name in cost["brought"]}
    assert cost["cpu_ms"] < 150
