"""`run_shell`: a shell command among the processes of the chat's kernel."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from ..core.roles import ToolContext, ToolEvent, ToolResult, ToolSpec, Workplace
from .inside import run_apart
from .run_python import TIMEOUT
from .tool import parameters

_SOURCE = '''
import codecs, os, queue, subprocess, sys, threading

process = subprocess.Popen(
    command, shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    executable="/bin/bash" if os.path.exists("/bin/bash") else None,
)
pieces = queue.Queue(64)
shown = threading.Event()
ends_line = True

def read():
    """Reads to the end, also when the shell has gone and a job of its lives on: it must not write to a closed pipe."""
    while piece := os.read(process.stdout.fileno(), 65536):
        if not shown.is_set():
            pieces.put(piece)
    pieces.put(None)

threading.Thread(target=read, daemon=True).start()
decode = codecs.getincrementaldecoder("utf-8")("replace").decode
try:
    while True:
        try:
            piece = pieces.get(timeout=0.1)
        except queue.Empty:
            if process.poll() is None:
                continue
            break
        if piece is None:
            break
        ends_line = piece.endswith(b"\\n")
        sys.stdout.write(decode(piece))
    code = process.wait()
except KeyboardInterrupt:
    process.kill()
    code = None
finally:
    shown.set()
    while not pieces.empty():
        pieces.get_nowait()
rest = decode(b"", True)
if rest:
    sys.stdout.write(rest)
end = "" if ends_line and not rest else "\\n"
if code is None:
    sys.stdout.write(end + "[interrupted]\\n")
elif code:
    sys.stdout.write(end + "[exit code %d]\\n" % code)
'''
_EXIT_CODE = re.compile(r"(?:\A|\n)\[exit code (-?\d+)\]\Z")


class RunShell:
    """Runs a command in the thread's folder."""

    spec = ToolSpec(
        "run_shell",
        "Run a shell command in this chat's folder. Its output and exit code are returned. There is no keyboard: "
        "commands that ask something get no answer.",
        parameters(
            ("command",),
            command={"type": "string", "minLength": 1, "description": "One command line or a script, for bash or sh."},
            timeout_s=TIMEOUT,
        ),
        acts=True,
        stays_in_thread=True,
    )

    def __init__(self, workplace: Workplace) -> None:
        self._sandbox = workplace.sandbox

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        code = run_apart(_SOURCE, command=arguments["command"])
        events = self._sandbox.run(code, context, timeout_s=arguments["timeout_s"])
        async with aclosing(events) as ran:  # type: ignore[type-var]
            async for event in ran:
                yield _with_exit_code(event) if isinstance(event, ToolResult) else event


def _with_exit_code(result: ToolResult) -> ToolResult:
    """The result with the command's exit code as its error, where that is not 0."""
    if result.error is not None:
        return result
    found = _EXIT_CODE.search(result.content.rstrip())
    code = int(found[1]) if found else 0
    return replace(result, error=f"exit code {code}" if code else None, metadata={**result.metadata, "exit_code": code})
