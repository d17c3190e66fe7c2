"""The folder of a thread, as the server touches it: no step of the way, and no name in it, is followed as a symlink.

Code in the sandbox owns the folder and may swap any name in it at any time, so names are opened one by one, each
below the one before, and what was opened is what is used.
"""

from __future__ import annotations

import errno
import mimetypes
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import DiskFull, Forbidden, ReadOnly, StorageFailed
from ..core.roles import Artifact
from .owners import adopt

OUTPUTS = ".outputs"
"""The folder, inside the thread's, of texts too long for the agent."""

_ROOT = ".chats"
_DEEPEST = 32
"""How many folders deep files are looked for."""
_BELOW = os.supports_dir_fd >= {os.open, os.mkdir}
_DIRECTORY = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_NEW_FILE = (
    os.O_WRONLY
    | os.O_CREAT
    | os.O_EXCL
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_MEDIA_TYPES = mimetypes.MimeTypes()  # the built-in table only: the same answer on every machine
_MEDIA_TYPES.add_type("text/csv", ".csv")
_MEDIA_TYPES.add_type("text/markdown", ".md")
_MEDIA_TYPES.add_type("image/webp", ".webp")


def media_type(path: str) -> str:
    """The media type its name promises; `application/octet-stream` where it promises none."""
    guessed, encoding = _MEDIA_TYPES.guess_type(path)
    return guessed if guessed and not encoding else "application/octet-stream"


def make_folder(folder: Path) -> None:
    """Makes the folder, 0700, with what is missing above it. `Forbidden` where it is, or lies below, a symlink.

    Symlinks above `.chats` are the user's own and are followed.
    """
    anchor, parts = _split(Path(os.path.abspath(folder)))
    try:
        anchor.mkdir(parents=True, exist_ok=True)
        if _BELOW:
            with _opened(anchor, parts, makes=True):
                return
        _make_by_path(anchor, parts)
    except OSError as error:
        raise _refusal(error, folder) from error


def _split(folder: Path) -> tuple[Path, list[str]]:
    parts = folder.parts
    first = max((at for at, part in enumerate(parts) if part == _ROOT), default=max(len(parts) - 2, 1))
    return Path(*parts[:first]), list(parts[first:])


@contextmanager
def _opened(anchor: Path, parts: list[str], *, makes: bool = False) -> Iterator[int]:
    """The descriptor of the folder at the end of `parts`, each opened below the one before."""
    below = os.open(anchor, _DIRECTORY & ~getattr(os, "O_NOFOLLOW", 0))
    try:
        for part in parts:
            deeper = _enter(part, below, makes=makes)
            os.close(below)
            below = deeper
        yield below
    finally:
        os.close(below)


def _enter(part: str, below: int, *, makes: bool) -> int:
    try:
        return os.open(part, _DIRECTORY, dir_fd=below)
    except FileNotFoundError:
        if not makes:
            raise
        with suppress(FileExistsError):  # another call may make it at the same moment
            os.mkdir(part, 0o700, dir_fd=below)
        made = os.open(part, _DIRECTORY, dir_fd=below)
        adopt(made, below)
        return made


def _make_by_path(anchor: Path, parts: list[str]) -> None:
    path = anchor
    for part in parts:
        path = path / part
        if path.is_symlink():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        path.mkdir(mode=0o700, exist_ok=True)


def _refusal(error: OSError, folder: Path) -> Exception:
    if error.errno in (errno.ELOOP, errno.ENOTDIR):
        return Forbidden(f"The folder {folder.name!r} of this chat is, or lies below, a symbolic link; it is not used.")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("The disk is full; the tool was not run.")
    if error.errno == errno.EROFS:
        return ReadOnly("The chat's folder is on a read-only disk; the tool was not run.")
    return StorageFailed(f"The chat's folder cannot be used: {error.strerror}.")


@contextmanager
def inside(folder: Path, below: str = "") -> Iterator[int | None]:
    """The descriptor of the folder, or of a folder in it, made if missing. `None` where paths must do."""
    anchor, parts = _split(Path(os.path.abspath(folder)))
    inner = [below] if below else []
    if not _BELOW:
        _make_by_path(anchor, parts + inner)
        yield None
        return
    with _opened(anchor, parts + inner, makes=True) as descriptor:
        yield descriptor


@contextmanager
def below_place(place: Path) -> Iterator[int]:
    """The descriptor of the folder chats have theirs in, never made and never a symlink. `OSError`."""
    if not _BELOW:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), str(place))
    anchor, parts = _split(Path(os.path.abspath(place)))
    with _opened(anchor, parts) as descriptor:
        yield descriptor


def create_file(folder: Path, name: str, below: str = "") -> int:
    """The descriptor of a new file, open for writing. `FileExistsError` where there is anything of that name."""
    with inside(folder, below) as descriptor:
        if descriptor is None:
            return os.open(folder / below / name, _NEW_FILE, 0o600)
        made = os.open(name, _NEW_FILE, 0o600, dir_fd=descriptor)
        adopt(made, descriptor)
        return made


def save_numbered(folder: Path, stem: str, suffix: str, content: bytes, *, first: int = 1) -> tuple[str, int]:
    """Writes `content` under the next free name, such as `plot-1.png`. Returns the name and its number."""
    number = first
    while True:
        name = f"{stem}-{number}{suffix}"
        try:
            descriptor = create_file(folder, name)
        except FileExistsError:
            number += 1
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        return name, number


def make_inner(folder: Path, names: tuple[str, ...]) -> None:
    """Makes the hidden folders a kernel expects."""
    for name in names:
        with inside(folder, name):
            pass


@dataclass(frozen=True, slots=True)
class Seen:
    """What tells one state of a file from the next."""

    size: int
    changed_ns: int
    inode: int


def look(folder: Path, limit: int) -> dict[str, Seen]:
    """The files in the folder by path, at most `limit`, hidden names and symlinks passed over. Blocks."""
    seen: dict[str, Seen] = {}
    anchor, parts = _split(Path(os.path.abspath(folder)))
    waiting = [""]
    while waiting and len(seen) < limit:
        below = waiting.pop()
        inner = below.split("/") if below else []
        if len(inner) > _DEEPEST:
            continue
        try:
            files, folders = _listed(anchor, parts + inner)
        except OSError:
            continue  # removed, or made unreadable, since it was listed
        prefix = f"{below}/" if below else ""
        waiting += [prefix + name for name in folders]
        for name, state in files[: limit - len(seen)]:
            seen[prefix + name] = state
    return seen


def _listed(anchor: Path, parts: list[str]) -> tuple[list[tuple[str, Seen]], list[str]]:
    """The files of one folder with their state, and the folders in it."""
    if not _BELOW:
        return _sorted_out(str(anchor.joinpath(*parts)))
    with _opened(anchor, parts) as descriptor:
        return _sorted_out(descriptor)


def _sorted_out(where: int | str) -> tuple[list[tuple[str, Seen]], list[str]]:
    files: list[tuple[str, Seen]] = []
    folders: list[str] = []
    with os.scandir(where) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif state := _state(entry):
                files.append((entry.name, state))
    return sorted(files, key=lambda file: file[0]), sorted(folders, reverse=True)


def _state(entry: os.DirEntry[str]) -> Seen | None:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return Seen(found.st_size, found.st_mtime_ns, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def changed(before: Mapping[str, Seen], after: Mapping[str, Seen]) -> list[Artifact]:
    """The files that are new, or not what they were, by path."""
    return [
        Artifact(path, state.size, media_type(path))
        for path, state in sorted(after.items())
        if before.get(path) != state and is_utf8(path)
    ]


def is_utf8(path: str) -> bool:
    """Whether the name can be written as JSON; a file system may hold others."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
