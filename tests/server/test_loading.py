"""The extension costs a server next to nothing until somebody chats."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

LATE = tuple(
    f"jupyter_chat_sessions.{name}"
    for name in ("agents", "chats", "engine", "files", "sandbox", "tools", "core.transcript", "server.bodies")
)
HEAVY = {"pydantic", "pydantic_core", "aiohttp", "httpx", "ipykernel", "IPython", "jupyter_client", "numpy"}
START = """
import json, sys, tempfile, time
begun = time.process_time()
from jupyter_server.serverapp import ServerApp

def resident():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])

import jupyter_server.extension.application
bare, cpu, memory = set(sys.modules), time.process_time(), resident()
import jupyter_chat_sessions.server.addresses
import jupyter_chat_sessions.server.extension
cost = {"cpu_ms": (time.process_time() - cpu) * 1000, "kb": resident() - memory, "its_own_ms": (cpu - begun) * 1000}
brought = sorted(set(sys.modules) - bare)
app = ServerApp(root_dir=sys.argv[1], allow_root=True, jpserver_extensions={"jupyter_chat_sessions": True})
app.initialize(argv=[], new_httpserver=False)
loaded = sorted(name for name in sys.modules if name.startswith("jupyter_chat_sessions"))
doors = [rule.matcher.regex.pattern for rule in app.web_app.wildcard_router.rules]
inner = [rule.target for rule in app.web_app.default_router.rules]
doors += [rule.matcher.regex.pattern for router in inner for rule in getattr(router, "rules", ())]
doors = sum("chat-sessions" in door for door in doors)
print(json.dumps({**cost, "ours": loaded, "brought": brought, "all": sorted(sys.modules), "doors": doors}))
"""


def started(tmp_path: Path) -> dict[str, Any]:
    """What a server process that has loaded the extension, and served nothing, says of itself."""
    done = subprocess.run(
        [sys.executable, "-c", START, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
        timeout=60,
    )
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


def test_a_server_that_nobody_chats_with_pays_little_for_the_extension(tmp_path: Path) -> None:
    report = started(tmp_path)
    assert report["doors"] >= 18
    early = {name for late in LATE for name in report["ours"] if name == late or name.startswith(f"{late}.")}
    assert early == set()
    assert not HEAVY & set(report["brought"])
    assert not {"pydantic", "ipykernel"} & set(report["all"])
    # On a slow or busy machine a server's own start costs more, and the extension with it: the fiftieth part.
    assert report["cpu_ms"] < max(30, 0.04 * report["its_own_ms"])
    assert report["kb"] < 3000
