"""Names of files in a thread's folder: judged before any system call sees them, and what kind of file they promise."""

from __future__ import annotations

from ..core.errors import InvalidPath

LONGEST_PART = 255
LONGEST_NAME = 1024

OTHER = "application/octet-stream"

_MEDIA_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "svg": "image/svg+xml",
    "txt": "text/plain",
    "log": "text/plain",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "md": "text/markdown",
    "html": "text/html",
    "htm": "text/html",
    "json": "application/json",
    "pdf": "application/pdf",
    "zip": "application/zip",
    "parquet": "application/vnd.apache.parquet",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ipynb": "application/x-ipynb+json",
    "py": "text/x-python",
}
_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "text/plain"})


def media_type_of(name: str) -> str:
    """What a file is called when it is shown, by its name alone."""
    _, dot, ending = name.rpartition("/")[2].rpartition(".")
    return _MEDIA_TYPES.get(ending.lower(), OTHER) if dot else OTHER


def served_type_of(name: str) -> str:
    """What a browser may be told: only what it shows and never runs. Everything else is bytes to be saved."""
    media_type = media_type_of(name)
    return media_type if media_type in _INLINE else OTHER


def parts_of(name: str) -> tuple[str, ...]:
    """The parts of a relative name with `/`. `InvalidPath` for one that could mean anything else."""
    reason = _fault_of(name)
    if reason is not None:
        raise InvalidPath(f"A file's path is relative, such as data/table.csv; this one {reason}: {name[:60]!a}.")
    return tuple(name.split("/"))


def _fault_of(name: str) -> str | None:
    parts = name.split("/")
    if "" in parts or "." in parts or ".." in parts:
        return "is absolute, or has an empty, '.' or '..' part"
    if "\\" in name:
        return "has a backslash"
    if any(ord(each) < 0x20 or 0x7F <= ord(each) < 0xA0 for each in name):
        return "has a control character"
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        return "is not text"
    if max(sizes) > LONGEST_PART or sum(sizes) + len(parts) - 1 > LONGEST_NAME:
        return f"is longer than {LONGEST_PART} bytes a part or {LONGEST_NAME} in all"
    return None
