"""Copies between the notebook's folder, which is the person's, and the folder of a thread, which is its tools'.

The rule kept here: of the person's folder only plain, visible files are touched, no link below it is followed, and
nothing there is ever overwritten.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import Conflict, FileExists, FileNotFound, Forbidden, NotFound, TooLarge
from .disk import refusals
from .file_names import parts_of
from .folder_files import write_new
from .layout import CHATS
from .safe_open import OpenFile, opened_file
from .whole_file import publish_chunks

MOST_BYTES = 512 * 1024 * 1024
"""The largest file that is copied; as much as a tool may write in one."""

_BLOCK = 1 << 18
_MOST_NUMBERS = 1000
_USUAL = 0o666
"""What a person's new file may be used for, less what their umask takes away."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class CopiedFile:
    """Where a copy lies: its path below the folder it was copied to, with `/`; `size` in bytes."""

    path: str
    size: int


def copy_in(
    persons: Path, path: str, files: Path, name: str | None = None, *, overwrites: bool = False, most: int = MOST_BYTES
) -> CopiedFile:
    """Copies a file below the person's folder into a thread's, under its own path there unless another is named.

    `FileExists` where the thread has one of that name and it is not to be overwritten; `TooLarge` above `most` bytes.
    """
    _refuse_hidden(path)
    name = path if name is None else name
    with _opened(_real(persons), path, "the notebook's folder") as source:
        _refuse_large(source, path, most)
        write_new(files, name, _pieces(source), overwrites=overwrites)
        return CopiedFile(name, source.size)


def copy_out(files: Path, path: str, persons: Path, name: str | None = None) -> CopiedFile:
    """Copies a file of a thread into the person's folder itself, and never over one that is there.

    Under `name`, or `FileExists`; where none is given, under its own last name, or that with the next free number.
    """
    wanted = path.rsplit("/", 1)[-1] if name is None else name
    if len(parts_of(wanted)) > 1:
        raise Forbidden(f"A file is saved in the notebook's folder itself, not in one below it: {wanted[:60]!r}.")
    _refuse_hidden(wanted)
    with (
        _opened(files, path, "this chat's folder") as source,
        _opened_folder(_real(persons)) as folder_fd,
        refusals(f"Saving {wanted}"),
    ):
        return CopiedFile(_published(folder_fd, source, wanted, is_fixed=name is not None), source.size)


def _published(folder_fd: int, source: OpenFile, wanted: str, *, is_fixed: bool) -> str:
    for each in (wanted,) if is_fixed else _numbered(wanted):
        if not _is_there(each, folder_fd) and publish_chunks(folder_fd, each, _pieces(source), mode=_USUAL):
            return each
    raise FileExists(f"There is something named {wanted!r} in the notebook's folder already; save it under another.")


def _numbered(name: str) -> Iterator[str]:
    """`plot.png`, `plot-1.png`, `plot-2.png` …"""
    stem, dot, ending = name.rpartition(".") if "." in name else (name, "", "")
    yield name
    for number in range(1, _MOST_NUMBERS):
        yield f"{stem}-{number}{dot}{ending}"


def _is_there(name: str, folder_fd: int) -> bool:
    """Spares writing a large file only to find its name taken; who is first is decided when it is published."""
    try:
        os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _refuse_hidden(path: str) -> None:
    """A hidden file is not the chat's business: other chats, keys and settings lie in such folders."""
    if any(part.startswith(".") for part in parts_of(path)):
        raise Forbidden(f"Hidden files and folders are neither read nor made for a chat: {path[:60]!r}.")


def _refuse_large(source: OpenFile, path: str, most: int) -> None:
    if source.size > most:
        raise TooLarge(f"{path[:60]!r} has {source.size:,} bytes; at most {most:,} are copied. Take a part of it.")


def _real(persons: Path) -> Path:
    """The person's folder without the links that lead to it, which are their own; never one inside `.chats`."""
    real = Path(os.path.realpath(persons))
    if CHATS in real.parts:
        raise Forbidden("The notebook's folder lies among chats; nothing is copied there or from there.")
    return real


@contextmanager
def _opened(folder: Path, path: str, what: str) -> Iterator[OpenFile]:
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(opened_file(folder, path))
        except FileNotFound:
            raise FileNotFound(f"There is no plain file {path[:60]!r} in {what}; links are not followed.") from None
        yield opened


@contextmanager
def _opened_folder(folder: Path) -> Iterator[int]:
    with refusals(f"Opening {folder.name}"):
        try:
            fd = os.open(folder, _FOLDER)
        except FileNotFoundError:
            raise NotFound("The notebook's folder is no longer there.") from None
    try:
        yield fd
    finally:
        os.close(fd)


def _pieces(source: OpenFile) -> Iterator[bytes]:
    """As many bytes as the file had when it was opened."""
    done = 0
    while done < source.size:
        piece = source.read(done, min(_BLOCK, source.size - done))
        if not piece:
            raise Conflict("The file became shorter while it was copied; nothing was kept. Try again.")
        done += len(piece)
        yield piece
