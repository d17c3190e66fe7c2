"""The shares of one user's servers, in `<data_dir>/chat_sessions/shares.json`: seen by all of them, kept over restarts.

Of a token its digest is kept, never itself. The file is replaced whole, under a lock, synced: a share that was taken
back stays so. What ended long ago is left out at the next change.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime, timedelta, timezone
from hmac import compare_digest
from pathlib import Path
from typing import Any

from ..core.errors import Unreadable
from ..core.grants import SHARE_RIGHTS, Share
from ..core.ids import Subject, ThreadId
from .disk import now, refusals
from .locks import LockedFile
from .whole_file import replace_synced

NAME = "shares.json"
LOCK = "shares.lock"
KEPT = timedelta(days=30)
"""How long an ended share is remembered, so that its link can say why it no longer opens."""

Shares = dict[str, Share]
"""Shares by the digests of their tokens."""


class SharesFile:
    """Everything here blocks; a reading costs one `stat` while nothing has changed."""

    def __init__(self, data_dir: Path, clock: Callable[[], str] = now) -> None:
        self._folder = data_dir / "chat_sessions"
        self._clock = clock
        self._read: tuple[tuple[int, int, int] | None, Shares] = (None, {})

    def all(self) -> Shares:
        """Every share that is remembered, ended or not. `Unreadable` where the file cannot be understood."""
        path = self._folder / NAME
        with refusals(f"Reading {path}"):
            try:
                there = os.stat(path)
            except FileNotFoundError:
                return {}
            state, (known, shares) = (there.st_ino, there.st_mtime_ns, there.st_size), self._read
            if state != known:
                shares = _shares_in(path.read_bytes(), path)
                self._read = state, shares  # as one: what another thread read before must never pass for this state
        return shares

    def find(self, digest: str) -> Share | None:
        """The share whose token has this digest."""
        shares = self.all()
        # The lookup sees a digest, of which a guess of the token tells nothing; the comparison takes the same time.
        return next((share for kept, share in shares.items() if compare_digest(kept, digest)), None)

    def add(self, digest: str, share: Share) -> None:
        """Keeps a new share."""
        with self._changing() as shares:
            shares[digest] = share

    def revoke(self, share_id: str, thread_id: ThreadId) -> Share | None:
        """Takes back a share of this thread; `None` where it has none of that id."""
        with self._changing() as shares:
            for digest, share in shares.items():
                if (share.share_id, share.thread_id) == (share_id, thread_id):
                    shares[digest] = share if share.revoked else replace(share, revoked=self._clock())
                    return shares[digest]
        return None

    @contextmanager
    def _changing(self) -> Iterator[Shares]:
        with refusals(f"Writing {self._folder / NAME}"):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            dir_fd = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                lock = LockedFile(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, dir_fd)
                try:
                    lock.lock("exclusive")
                    shares = {digest: share for digest, share in self.all().items() if self._is_remembered(share)}
                    yield shares
                    replace_synced(dir_fd, NAME, _encoded(shares))
                finally:
                    lock.close()
            finally:
                os.close(dir_fd)

    def _is_remembered(self, share: Share) -> bool:
        ended = min(share.expires, share.revoked or share.expires)
        since = datetime.fromisoformat(self._clock().replace("Z", "+00:00")) - KEPT
        return ended > time_of(since)


def time_of(moment: datetime) -> str:
    """A moment as it stands in files; such times are compared as text."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _encoded(shares: Shares) -> bytes:
    records = [{"digest": digest, **asdict(share)} for digest, share in shares.items()]
    return json.dumps({"schema_version": 1, "shares": records}, indent=1).encode()


def _shares_in(data: bytes, path: Path) -> Shares:
    try:
        records = json.loads(data)["shares"]
        return {record["digest"]: _share(record) for record in records}
    except (ValueError, TypeError, KeyError, RecursionError) as fault:
        raise Unreadable(
            f"{path} does not hold shares ({fault!r}). Move it away: links then have to be made anew."
        ) from None


def _share(record: Any) -> Share:
    texts = {name: record[name] for name in ("share_id", "thread_id", "owner", "created", "expires", "folder")}
    revoked, level = record["revoked"], record["level"]
    if not all(isinstance(text, str) for text in (*texts.values(), revoked or "", record["digest"])):
        raise TypeError("a field that is no text")
    if level not in SHARE_RIGHTS:
        raise ValueError(f"level {level!r}")
    return Share(
        texts["share_id"],
        ThreadId(texts["thread_id"]),
        Subject(texts["owner"]),
        level,
        texts["created"],
        texts["expires"],
        texts["folder"],
        revoked,
    )
