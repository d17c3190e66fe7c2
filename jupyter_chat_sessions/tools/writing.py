"""Putting files into a thread's folder, and nowhere else: whole or not at all, no link followed on the way.

The names below which a file is written are opened one by one (`opening`), so what is written lands in the folder even
while code in the sandbox renames things in it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..core.errors import FileExists, InvalidPath, TooLarge
from .opening import make_folders, open_file, opened_folder, told

MOST_BYTES = 4_000_000
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


def read_text(folder: Path, parts: list[str]) -> str:
    """The whole text of a file that may be changed as text. `InvalidPath`, `FileNotFound`, `TooLarge`, `Forbidden`."""
    with os.fdopen(open_file(folder, parts), "rb") as file:
        content = file.read(MOST_BYTES + 1)
    name = "/".join(parts)
    if len(content) > MOST_BYTES:
        raise TooLarge(f"{name} is larger than {MOST_BYTES:,} bytes; change it with run_python.")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise InvalidPath(f"{name} is not UTF-8 text; change it with run_python.") from None


def create_text(folder: Path, parts: list[str], text: str) -> int:
    """Writes a new file, with the folders that lead to it; its size. `FileExists` where there is anything there."""
    content = _bytes(text)
    with _unfinished(folder, parts, [content]) as (below, unfinished):
        try:
            if isinstance(below, str):
                if os.path.lexists(os.path.join(below, parts[-1])):
                    raise FileExistsError
                os.rename(os.path.join(below, unfinished), os.path.join(below, parts[-1]))
            else:
                os.link(unfinished, parts[-1], src_dir_fd=below, dst_dir_fd=below, follow_symlinks=False)
        except FileExistsError:
            raise FileExists(f"There is something at {'/'.join(parts)} already; overwriting needs its mode.") from None
    return len(content)


def replace_text(folder: Path, parts: list[str], text: str) -> int:
    """Writes a text in the place of the file that is there, or where there is none; its size."""
    content = _bytes(text)
    replace_file(folder, parts, [content])
    return len(content)


def replace_file(folder: Path, parts: list[str], chunks: Iterable[bytes]) -> None:
    """The same with the bytes of `chunks`."""
    with _unfinished(folder, parts, chunks) as (below, unfinished):
        try:
            if isinstance(below, str):
                os.replace(os.path.join(below, unfinished), os.path.join(below, parts[-1]))
            else:
                os.replace(unfinished, parts[-1], src_dir_fd=below, dst_dir_fd=below)
        except (IsADirectoryError, PermissionError):
            raise InvalidPath(f"{'/'.join(parts)} is a folder; only files can be written.") from None


def _bytes(text: str) -> bytes:
    content = text.encode()
    if len(content) > MOST_BYTES:
        raise TooLarge(f"A tool writes at most {MOST_BYTES:,} bytes at once; these are {len(content):,}.")
    return content


@contextmanager
def _unfinished(folder: Path, parts: list[str], chunks: Iterable[bytes]) -> Iterator[tuple[int | str, str]]:
    """The folder the file goes into, and the name its content has there until it is published; gone afterwards."""
    if not parts:
        raise InvalidPath("A file's path is needed; this one names the chat's folder itself.")
    make_folders(folder, parts[:-1])
    unfinished = f".{uuid.uuid4().hex}.part"
    with opened_folder(folder, parts[:-1]) as below, told(parts):
        where = None if isinstance(below, str) else below
        path = os.path.join(below, unfinished) if isinstance(below, str) else unfinished
        try:
            with os.fdopen(os.open(path, _NEW, 0o600, dir_fd=where), "wb") as file:
                file.writelines(chunks)
            yield below, unfinished
        finally:
            with suppress(FileNotFoundError):
                os.unlink(path, dir_fd=where)
