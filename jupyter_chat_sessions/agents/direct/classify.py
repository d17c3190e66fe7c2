"""What a message is: code to run, a command, a file's name, a pasted error, or words. Pure; nothing is looked up.

The rule kept here: a piece that is not code for certain is not run. Someone who means it has `/run` and fences.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from typing import Literal

from .python_or_prose import BUILTINS, is_python, parse

Kind = Literal["python", "shell", "command", "file", "traceback", "words"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One thing to do. `text` is what runs or is meant: a command comes without its slash, a file as its path."""

    kind: Kind
    text: str


_LANGUAGES: dict[str, Kind] = {
    **dict.fromkeys(("", "python", "py", "python3", "ipython", "ipython3"), "python"),
    **dict.fromkeys(("bash", "sh", "shell", "zsh"), "shell"),
}
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^`\n]*)$")
_COMMAND = re.compile(r"/([A-Za-z][\w-]*)(?=\s|$)")
_MAGIC = re.compile(r"%{1,2}[A-Za-z_]")
_ASKED = re.compile(r"\?{0,2}([^\W\d]\w*)(?:\.[^\W\d]\w*)*\?{0,2}")
_TRACEBACK = "Traceback (most recent call last)"
_SUFFIXES_TEXT = (
    "arrow avi bib bmp bz2 cfg conf css csv db doc docx env feather fits geojson gif gz h5 hdf5 htm html ini ipynb"
    " jpeg jpg js json jsonl log md mp3 mp4 nc npy npz parquet pdf pickle pkl png pptx py rds rmd rst sh sql sqlite"
    " svg tar tex tif tiff toml ts tsv txt wav webp xls xlsx xml xz yaml yml zip"
)
_SUFFIXES = frozenset(_SUFFIXES_TEXT.split())
_PATH = re.compile(r"(?:~|\.{1,2})?/?(?:[\w.-]+/)*[\w-][\w.-]*\.(\w+)|(?:[\w.-]+/)+|(?:~|\.{1,2})?/[\w./-]+")
_LONGEST_PATH = 300


def classify(text: str, names: frozenset[str] = frozenset()) -> tuple[Piece, ...]:
    """What the text asks for, in order: several pieces to run, or exactly one of any kind.

    `names` are those defined in the thread's kernel. Pieces of more than one never depend on them.
    """
    text = _straighten(text)
    if _COMMAND.match(text):
        return (Piece("command", text[1:].rstrip()),)
    blocks = fenced_blocks(text)
    if blocks and parse(text) is None:  # fences inside a string of a script are not fences
        return _runnable(blocks) or (Piece("words", text),)
    return _plain(text, names)


def fenced_blocks(text: str) -> tuple[tuple[str, str], ...]:
    """The fenced blocks of a Markdown text: `(language, code)`, in order. One left open ends with the text."""
    blocks: list[tuple[str, str]] = []
    fence, language, inside = "", "", list[str]()
    for line in text.split("\n"):
        found = _FENCE.fullmatch(line)
        if not fence:
            if found:
                fence, language, inside = found[1], found[2].strip("{} \t.").partition(" ")[0].lower(), []
        elif found and not found[2].strip() and found[1].startswith(fence):
            blocks.append((language, "\n".join(inside)))
            fence = ""
        else:
            inside.append(line)
    if fence:
        blocks.append((language, "\n".join(inside)))
    return tuple(blocks)


def path_in(text: str) -> str | None:
    """The first word that is a file's name by its suffix, such as `sales.csv`."""
    for word in text.split():
        bare = word.strip("\"'`,;:!?()[]").rstrip(".")
        if _file_suffix(bare):
            return bare
    return None


def _straighten(text: str) -> str:
    """The text without blank edges; code that was indented as a whole stands at the margin."""
    text = re.sub(r"\A(?:[ \t]*\n)+", "", text.replace("\r\n", "\n")).rstrip()
    return textwrap.dedent(text).strip() if text[:1] in (" ", "\t") else text


def _runnable(blocks: tuple[tuple[str, str], ...]) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    for language, code in blocks:
        code = _straighten(code)
        if not language and code.startswith(_TRACEBACK):
            continue
        if language in _LANGUAGES and code:
            pieces.append(Piece(_LANGUAGES[language], code))
    if not pieces and any(_TRACEBACK in code for _, code in blocks):
        return (Piece("traceback", next(code for _, code in blocks if _TRACEBACK in code)),)
    return tuple(pieces)


def _plain(text: str, names: frozenset[str]) -> tuple[Piece, ...]:
    if text.startswith("!"):
        return _shell(text)
    if _MAGIC.match(text) or text.startswith(">>> ") or _is_asked(text, names):
        return (Piece("python", text),)
    if _is_file(text, names):
        return (Piece("file", text),)
    if is_python(text, names):
        return (Piece("python", text),)
    return (Piece("traceback" if _TRACEBACK in text else "words", text),)


def _shell(text: str) -> tuple[Piece, ...]:
    """`!` lines, one command each; a cell that mixes them with Python is the kernel's to read."""
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    if not all(line.startswith("!") and not line.startswith("!!") for line in lines) or text.endswith("\\"):
        return (Piece("python", text),)
    commands = [line[1:].strip() for line in lines]
    return tuple(Piece("shell", command) for command in commands if command) or (Piece("words", text),)


def _is_asked(text: str, names: frozenset[str]) -> bool:
    """`df?`, `?df`, `np.mean??`: of a name that is known, or of a dotted one; "really?" is a word."""
    asked = _ASKED.fullmatch(text)
    if asked is None or "?" not in text:
        return False
    bare = text.strip("?")
    if asked[1] in names:
        return True
    if "." in bare:
        return not _file_suffix(bare)
    return bare in BUILTINS and bare not in {"help", "exit", "quit"}


def _is_file(text: str, names: frozenset[str]) -> bool:
    """One word that is a path: `sales.csv`, `data/`, `./notes`. An attribute of a known name is not."""
    if len(text) > _LONGEST_PATH or not _PATH.fullmatch(text) or text.partition(".")[0] in names:
        return False
    return text.startswith(("/", "./", "../", "~/")) or text.endswith("/") or _file_suffix(text)


def _file_suffix(word: str) -> bool:
    path = _PATH.fullmatch(word) if len(word) <= _LONGEST_PATH else None
    return path is not None and (path[1] or "").lower() in _SUFFIXES
