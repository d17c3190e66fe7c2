"""`install_package`: packages for the chat's own Python, which stay with the chat.

The sandbox has no network, so what is to be installed comes from where the administrator says. It is fetched outside,
as wheels only, which runs no code of theirs; it is installed inside, behind what the environment already has.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

from ..core.errors import Forbidden
from ..core.roles import ToolContext, ToolEvent, ToolSpec, ToolStatus, Workplace
from .inside import run_apart
from .tool import failure, parameters
from .writing import replace_file

_SECONDS = 600
_WHEELS = ".wheels"
_NO_NETWORK = (
    "The sandbox has no network, and this server names no place to install from. Nothing was installed. Ask the person "
    "to install it into the environment the server runs in, or an administrator to set c.ChatSessions.packages to a "
    "folder of wheels or the address of an index."
)
_SOURCE = r"""
import glob, importlib, os, subprocess, sys

target = os.path.join(folder, ".packages")
command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--target", target]
command += ["--upgrade", "--quiet"]
if wheels:
    command += ["--no-index", "--no-deps", *(os.path.join(folder, ".wheels", name) for name in wheels)]
else:
    command += ["--", *packages]
done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
for path in glob.glob(os.path.join(folder, ".wheels", "*.whl")):
    os.unlink(path)
if done.returncode:
    print(done.stdout[-4000:])
    raise SystemExit("pip ended with exit code %d; nothing was installed" % done.returncode)
line = "import os, sys; sys.path.append(%r) if %r not in sys.path else None\n" % (target, target)
line += "os.environ['PYTHONPATH'] = os.pathsep.join(filter(None, [os.environ.get('PYTHONPATH'), %r]))\n" % target
startup = os.path.join(os.environ["IPYTHONDIR"], "profile_default", "startup")
os.makedirs(startup, exist_ok=True)
with open(os.path.join(startup, "50-packages.py"), "w") as file:
    file.write(line)
if target not in sys.path:
    exec(line)
importlib.invalidate_caches()
print("Installed for this chat: " + ", ".join(packages) + ". Import them now; no restart is needed.")
"""


class InstallPackage:
    """Installs from the administrator's index or folder; where nothing confines tools, with pip as it is set up."""

    spec = ToolSpec(
        "install_package",
        "Install Python packages for this chat's own Python. The person is asked first. What the environment already "
        "has is not replaced: import it first to see.",
        parameters(
            ("packages",),
            packages={
                "type": "array",
                "minItems": 1,
                "maxItems": 10,
                "items": {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9._\-\[\]<>=!~, ]*$", "maxLength": 200},
                "description": 'Names as pip takes them, such as "polars" or "polars>=1,<2".',
            },
        ),
        acts=True,
        permission="ask",
    )

    def __init__(self, workplace: Workplace) -> None:
        self._sandbox, self._from = workplace.sandbox, workplace.packages

    async def preview(self, arguments: Mapping[str, Any], context: ToolContext) -> Mapping[str, Any]:
        """Nothing beside the names; a person is not asked for what cannot be done."""
        self._check()
        return {"code": "pip install " + " ".join(arguments["packages"]), "language": "bash"}

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        self._check()
        folder, packages, wheels = self._sandbox.folder(context), arguments["packages"], []
        if self._from:
            yield ToolStatus("Fetching packages")
            with tempfile.TemporaryDirectory(prefix="chat-wheels-") as fetched:
                problem = await _fetch(packages, self._from, Path(fetched))
                if problem is not None:
                    yield failure(f"The packages could not be fetched from {self._from}:\n{problem}")
                    return
                wheels = await asyncio.to_thread(_bring, Path(fetched), folder)
        yield ToolStatus("Installing packages")
        code = run_apart(_SOURCE, folder=str(folder), packages=packages, wheels=wheels)
        async with aclosing(self._sandbox.run(code, context, timeout_s=_SECONDS)) as events:  # type: ignore[type-var]
            async for event in events:
                yield event

    def _check(self) -> None:
        if not self._from and self._sandbox.level != "unconfined":
            raise Forbidden(_NO_NETWORK)


async def _fetch(packages: Sequence[str], source: str, into: Path) -> str | None:
    """Downloads wheels of the packages and what they need; what pip said where it could not."""
    command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-input", "--quiet"]
    command += ["--only-binary", ":all:", "--dest", str(into), *_place(source), "--", *packages]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=into,  # elsewhere a name could be a file's: an archive whose own code pip would run to build it
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), _SECONDS)
    except asyncio.TimeoutError:
        return f"it took longer than {_SECONDS} s"
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    return said.decode("utf-8", "replace")[-2000:].strip() if process.returncode else None


def _place(source: str) -> list[str]:
    """How pip is told where packages come from: an index, or a folder."""
    if source.startswith(("http://", "https://")):
        return ["--index-url", source]
    return ["--no-index", "--find-links", os.path.abspath(source)]


def _bring(fetched: Path, folder: Path) -> list[str]:
    """Puts the wheels into the chat's folder; their names."""
    wheels = sorted(fetched.glob("*.whl"))
    for wheel in wheels:
        with wheel.open("rb") as file:
            replace_file(folder, [_WHEELS, wheel.name], _chunks(file.read, 1 << 20))
    return [wheel.name for wheel in wheels]


def _chunks(read: Any, size: int) -> Iterator[bytes]:
    while chunk := read(size):
        yield chunk
