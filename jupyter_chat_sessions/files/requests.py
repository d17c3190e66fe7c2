"""What was sent to providers in a thread: one packed file a request, beside the transcript, the newest ones only.

It is kept, not computed again: what a request was made of (tools, limits, what a server refused to take, files that
have changed since) is not in the transcript. It may be deleted at any time, and is not worth committing.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.errors import ChatError
from ..core.ids import RunId
from .folder_files import list_files, remove_file, write_new
from .layout import REQUESTS
from .safe_open import opened_file

MOST_KEPT = 60
_ENDING = ".json.gz"
_LONGEST = 64 * 2**20
_LONGEST_URL = 500


def keep_request(thread_folder: Path, run_id: RunId, body: Mapping[str, Any]) -> None:
    """Writes a request down, unsynced, and lets go of the oldest. `FileNotFound` where the thread has gone."""
    folder = thread_folder / REQUESTS
    packed = gzip.compress(
        json.dumps(_without_images(body), ensure_ascii=False).encode("utf-8", "replace"), compresslevel=1
    )
    names = [each.path for each in list_files(folder, 10 * MOST_KEPT)]
    # A clock that is set back must not make the newest the oldest, which is the first to go.
    number = max([time.time_ns(), *(_number(name) + 1 for name in names[-1:])])
    write_new(folder, f"{number:020}-{run_id}{_ENDING}", (packed,))
    for name in names[: -MOST_KEPT + 1]:
        remove_file(folder, name)


def _number(name: str) -> int:
    number = name.partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() else 0


def _without_images(value: Any) -> Any:
    """The same with the bytes of images told by their kind, size and digest: they are files of the thread already."""
    if isinstance(value, Mapping):
        return {key: _without_images(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_without_images(each) for each in value]
    if isinstance(value, str) and value.startswith("data:image/") and len(value) > _LONGEST_URL:
        kind, _, data = value.partition(",")
        return f"{kind}, {len(data)} characters, SHA-256 {hashlib.sha256(data.encode()).hexdigest()}"
    return value


def requests_of(thread_folder: Path, run_id: RunId) -> list[dict[str, Any]]:
    """The requests of a run that are still kept, in their order, each with the time it was `sent` (seconds)."""
    folder = thread_folder / REQUESTS
    names = [each.path for each in list_files(folder, 10 * MOST_KEPT) if each.path.endswith(f"-{run_id}{_ENDING}")]
    found = [(name, _read(folder, name)) for name in names]
    return [{"sent": _number(name) / 1e9, "body": body} for name, body in found if body is not None]


def _read(folder: Path, name: str) -> Any:
    try:
        with opened_file(folder, name) as file:
            return json.loads(gzip.decompress(file.read(0, _LONGEST)))
    except (ChatError, OSError, EOFError, ValueError, zlib.error):  # torn by a kill, or removed in this moment
        return None
