"""Where this kernel's chats are: the server it belongs to, and the notebook it runs.

The order: the address and token put into the environment; the server that started this process; a running server of
this user whose root holds the notebook; a hub's environment. Each must answer before it is taken. Where none does,
chats live in this process.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.errors import ChatError
from .client import HttpService
from .service import Place

DOORS = "chat-sessions"
SCOPED = "jcs_"
"""How tokens begin that open one notebook's threads; they know which."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a kernel knows of itself. `notebook` is absolute; `None` where nothing names one."""

    environment: Mapping[str, str]
    runtime_dir: Path
    directory: Path
    notebook: Path | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A server that may be ours. `root` is its root directory, where that is known."""

    base: str
    token: str | None
    why: str
    root: Path | None = None


def surroundings(names: Mapping[str, Any]) -> Surroundings:
    """Of this process. `names`: the kernel's, among which VS Code says which notebook it runs."""
    from jupyter_core.paths import jupyter_runtime_dir

    directory = Path.cwd()
    named = os.environ.get("JPY_SESSION_NAME") or names.get("__vsc_ipynb_file__")
    notebook = directory / named if isinstance(named, str) and named.endswith(".ipynb") else None
    return Surroundings(os.environ, Path(jupyter_runtime_dir()), directory, notebook)


def servers(here: Surroundings) -> Iterator[Server]:
    """The servers that may be ours, the likeliest first."""
    environment = here.environment
    if url := environment.get("JUPYTER_CHAT_URL"):
        yield Server(_doors(url), environment.get("JUPYTER_CHAT_TOKEN"), "named by JUPYTER_CHAT_URL", _only(here))
    parent = _running(here.runtime_dir / f"jpserver-{environment.get('JPY_PARENT_PID', 'none')}.json")
    if parent is not None:
        yield _server(parent, "it started this kernel")
    yield from _around(here)
    prefix, token = environment.get("JUPYTERHUB_SERVICE_PREFIX"), environment.get("JUPYTERHUB_API_TOKEN")
    if (url := environment.get("JUPYTERHUB_SERVICE_URL")) and prefix and token:
        yield Server(_doors(_reachable(url).rstrip("/").removesuffix(prefix.rstrip("/")) + prefix), token, "of the hub")


def find(here: Surroundings) -> tuple[HttpService, Place] | None:
    """The first server that answers, and where the notebook is on it."""
    for server in servers(here):
        with contextlib.suppress(ChatError):
            service = HttpService(server.base, server.token, f"the Jupyter server at {server.base} ({server.why})")
            service.check()
            return service, place_on(server, here)
    return None


def place_on(server: Server, here: Surroundings) -> Place:
    """The notebook as that server names it; else the kernel's folder; of a scoped token, what the token says."""
    if (server.token or "").startswith(SCOPED):
        return Place()
    notebook = _below(server.root, here.notebook)
    if notebook is not None:
        return Place(notebook=notebook)
    return Place(folder=_below(server.root, here.directory) or "")


def _around(here: Surroundings) -> Iterator[Server]:
    """Running servers whose root holds the notebook, the innermost root first."""
    beside = here.notebook or here.directory
    records = (_running(path) for path in sorted(here.runtime_dir.glob("jpserver-*.json")))
    found = [_server(record, "its root holds this folder") for record in records if record is not None]
    holding = [server for server in found if _below(server.root, beside) is not None]
    yield from sorted(holding, key=lambda server: len(str(server.root)), reverse=True)


def _running(path: Path) -> dict[str, Any] | None:
    """What a running server says of itself; `None` where there is none."""
    try:
        record = json.loads(path.read_bytes())
        os.kill(int(record["pid"]), 0)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return record if isinstance(record.get("url"), str) else None


def _server(record: Mapping[str, Any], why: str) -> Server:
    root = record.get("root_dir")
    base = _doors(_reachable(record["url"]))
    return Server(base, str(record.get("token") or "") or None, why, Path(root) if isinstance(root, str) else None)


def _doors(url: str) -> str:
    url = url.rstrip("/")
    return url if url.endswith(f"/{DOORS}") else f"{url}/{DOORS}"


def _reachable(url: str) -> str:
    """The address with a name that can be connected to: a server that listens everywhere names no host."""
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:").replace("//*:", "//127.0.0.1:")


def _only(here: Surroundings) -> Path | None:
    """The root of the one server around the notebook, for an address that says nothing of its root."""
    return next((server.root for server in _around(here)), None)


def _below(root: Path | None, path: Path | None) -> str | None:
    """The path from the root, with `/`; `None` where it is not below it."""
    if root is None or path is None:
        return None
    with contextlib.suppress(ValueError):
        below = path.resolve().relative_to(root.resolve()).as_posix()
        return "" if below == "." else below
    return None
