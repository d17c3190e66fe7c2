"""The notebook's folder, as much of it as a kernel may be shown: what is not hidden, and never a chat.

It is looked through before a kernel starts, because what is to be left out must be known by then.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..core.errors import ChatError, Conflict, Forbidden

AT = "/mnt/notebook"
"""Where it stands in a file system of the kernel's own."""
CHATS = ".chats"

_MOST_ENTRIES = 20_000
_MOST_HIDDEN = 400
_MOST_SHOWN = 2_000
_DEEPEST = 40
_NAMED = 40


@dataclass(frozen=True, slots=True)
class Beside:
    """A folder of the person's that a kernel may read. Paths are whole; nothing in it is a link."""

    folder: Path
    hidden_folders: tuple[Path, ...] = ()
    hidden_files: tuple[Path, ...] = ()
    """What is to be left out beside folders: hidden files, and everything that is more than a file, such as sockets."""
    shown: tuple[Path, ...] = ()
    """The largest files and folders in it that hold nothing hidden: all of it, where it must be granted in parts."""
    refusal: str = ""
    """Why it cannot be shown, though the person would let it be."""

    @property
    def chats(self) -> frozenset[Path]:
        """The chats left out."""
        return frozenset(path for path in self.hidden_folders if path.name == CHATS)

    def names(self) -> str:
        """What lies in the folder itself, for where it cannot be listed."""
        tops = sorted({path.relative_to(self.folder).parts[0] for path in self.shown})
        more = f" and {len(tops) - _NAMED} more" if len(tops) > _NAMED else ""
        return ", ".join(tops[:_NAMED]) + more


def seen_beside(folder: Path) -> Beside:
    """What of the folder may be shown, or why nothing. Blocks."""
    try:
        return look_beside(folder)
    except ChatError as error:
        return Beside(folder, refusal=error.message)
    except OSError as error:
        return Beside(folder, refusal=f"The notebook's folder cannot be looked through: {error.strerror}.")


def look_beside(folder: Path) -> Beside:
    """What of the folder may be shown. `Conflict` where it holds too much to be looked through. Blocks."""
    real = Path(os.path.realpath(folder))
    if CHATS in real.parts or real == Path(real.anchor):
        raise Forbidden(f"{real} is not shown to tools: it lies among chats, or is the whole machine.")
    looking = _Looking(real)
    shown, is_whole = looking.at(real, _DEEPEST)
    if len(shown) > _MOST_SHOWN:
        raise looking.refusal(f"more than {_MOST_SHOWN:,} parts between hidden ones")
    return Beside(real, tuple(looking.folders), tuple(looking.files), (real,) if is_whole else tuple(shown))


@dataclass(slots=True)
class _Looking:
    folder: Path
    folders: list[Path] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    entries: int = 0

    def at(self, folder: Path, deepest: int) -> tuple[list[Path], bool]:
        """What is shown of a folder, and whether that is all of it."""
        if deepest == 0:
            raise self.refusal(f"folders more than {_DEEPEST} deep")
        parts: list[Path] = []
        is_whole = True
        for entry in self._listed(folder):
            path = Path(entry.path)
            if entry.name.startswith(".") or not (entry.is_symlink() or entry.is_dir() or entry.is_file()):
                self._hide(path, is_folder=entry.is_dir(follow_symlinks=False))
                is_whole = False
            elif entry.is_symlink():
                continue  # where it leads is granted on its own account, or not at all
            elif entry.is_dir():
                inner, is_inner_whole = self._inside(path, deepest)
                parts += inner
                is_whole = is_whole and is_inner_whole
            else:
                parts.append(path)
        return parts, is_whole

    def _inside(self, path: Path, deepest: int) -> tuple[list[Path], bool]:
        try:
            inner, is_whole = self.at(path, deepest - 1)
        except OSError:  # a folder that cannot be looked through is not shown
            self._hide(path, is_folder=True)
            return [], False
        return ([path], True) if is_whole else (inner, False)

    def _listed(self, folder: Path) -> Iterator[os.DirEntry[str]]:
        with os.scandir(folder) as entries:
            for entry in entries:
                self.entries += 1
                if self.entries > _MOST_ENTRIES:
                    raise self.refusal(f"more than {_MOST_ENTRIES:,} files and folders")
                yield entry

    def _hide(self, path: Path, *, is_folder: bool) -> None:
        (self.folders if is_folder else self.files).append(path)
        if len(self.folders) + len(self.files) > _MOST_HIDDEN:
            raise self.refusal(f"more than {_MOST_HIDDEN:,} hidden files and folders")

    def refusal(self, what: str) -> Conflict:
        return Conflict(
            f"The notebook's folder {self.folder.name!r} holds {what}, too much to show and leave every chat out; "
            "import single files, or move the notebook to a folder of its own."
        )


def why_outdated(seen: Beside | None, now: Beside | None) -> str | None:
    """Why a kernel that was shown `seen` may not go on where `now` may be shown; `None` where it may."""
    if seen is None or seen.refusal:
        return None
    if now is None or now.refusal or now.folder != seen.folder:
        return "withdrawn"
    return "chats" if now.chats - seen.chats else None


def notice(beside: Beside, place: str | None) -> str:
    """What the agent is told as a kernel begins that a person has shown the folder; `place`: where it is read."""
    if place is None:
        return f"[The notebook's folder cannot be read: {beside.refusal or 'nothing could be left out of it here.'}]"
    if place == AT:
        return f"[The notebook's folder can be read, and not written, at {AT}.]"
    listed = beside.names() or "nothing"
    return f"[Files below the notebook's folder {place}/ can be read, not written or listed. It holds: {listed}.]"
