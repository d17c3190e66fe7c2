"""What openapi.json describes, tried out for a minute by schemathesis on a real server: nothing but described answers.

It is run as a program of its own (`st`), not as a plug-in of pytest's. For longer: `FUZZ_S=600 python -m pytest -m ""
tests/network/test_described_doors.py`.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from pinging_server import RealServer

SECONDS = int(os.environ.get("FUZZ_S", "60"))
PROGRAM = shutil.which("st", path=str(Path(sys.executable).parent))
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance",
)  # fmt: skip
MOST_GROWTH = 30_000_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(SECONDS + 120),
    pytest.mark.skipif(PROGRAM is None, reason="schemathesis is not installed (pip install '.[test]')"),
]


def watch(server: RealServer, sizes: list[int], is_over: threading.Event) -> None:
    while not is_over.wait(0.5):
        sizes.append(server.resident_bytes)


def test_every_answer_of_every_door_is_a_described_one_and_memory_does_not_grow(
    server: RealServer, tmp_path: Path
) -> None:
    sizes: list[int] = []
    is_over = threading.Event()
    watcher = threading.Thread(target=watch, args=(server, sizes, is_over))
    watcher.start()
    command = [
        str(PROGRAM), "run", f"http://127.0.0.1:{server.port}/chat-sessions/openapi.json",
        "--header", f"Authorization: token {server.token}", "--checks", ",".join(CHECKS),
        "--max-time", str(SECONDS), "--request-timeout", "20", "--continue-on-failure", "--warnings", "off",
        "--exclude-path-regex", "/events$",  # its answer has no end
        "--generation-database", "none", "--no-shrink",
    ]  # fmt: skip
    try:
        run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    finally:
        is_over.set()
        watcher.join()
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    tried = re.search(r"(\d[\d,]*) generated", run.stdout)
    assert tried is not None
    assert int(tried[1].replace(",", "")) > 500, run.stdout[-2000:]
    assert "Traceback" not in server.log
    quarter = len(sizes) // 4
    grown = statistics.median(sizes[-quarter:]) - statistics.median(sizes[quarter : 2 * quarter])
    print(
        f"{tried[0]}, {grown / 1e6:.1f} MB more in the last quarter than in the second, at most {max(sizes) / 1e6:.0f}"
    )
    assert grown < MOST_GROWTH
