"""The person's files beside a chat, for its doors and its tools: copied into the thread's folder and out of it."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import Forbidden, NotFound
from ..core.roles import Artifact
from ..engine.house import Home
from ..files.file_names import media_type_of
from ..files.persons_files import copy_in, copy_out


def bring_in(home: Home, path: str, name: str | None = None, *, overwrites: bool = False) -> Artifact:
    """Copies a file below the notebook's folder into the thread's folder, which is there. Blocks."""
    copied = copy_in(_beside(home), path, home.files, name, overwrites=overwrites)
    return Artifact(copied.path, copied.size, media_type_of(copied.path))


def save_out(home: Home, path: str, name: str | None = None) -> Artifact:
    """Copies a file of the thread into the notebook's folder; the path it has below the server's root. Blocks."""
    copied = copy_out(home.files, path, _beside(home), name)
    below_root = f"{home.folder}/{copied.path}" if home.folder else copied.path
    return Artifact(below_root, copied.size, media_type_of(copied.path))


def _beside(home: Home) -> Path:
    if home.beside is None:
        raise NotFound("This server keeps its notebooks elsewhere than in local files; upload or download the file.")
    refuse_hidden(home)
    return home.beside


def refuse_hidden(home: Home) -> None:
    """A folder that Jupyter does not show is not opened by beginning a chat there."""
    if any(part.startswith(".") for part in home.folder.split("/")):
        raise Forbidden(
            f"The chat lies in a hidden folder, {home.folder[:60]!r}; nothing beside it is read or written."
        )
