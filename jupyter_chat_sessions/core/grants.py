"""What a scoped token opens: one thread for a visitor, or one notebook's threads for that notebook's kernel.

The rule kept here: a grant opens what it names and nothing else. A token is 256 random bits behind a mark of ours; only
its digest is ever kept.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Literal

from .ids import Subject, ThreadId

Right = Literal["read", "send", "approve", "manage"]
"""`read`: see the thread and its files. `send`: messages, stop, answer again, put files. `approve`: decide what a run
asks a person. `manage`: rename, delete, restore, restart the thread's kernel."""

ShareLevel = Literal["read", "send", "approve"]
"""What a share lets its visitors do; each level has the rights of those before it."""

SHARE_RIGHTS: dict[ShareLevel, frozenset[Right]] = {
    "read": frozenset({"read"}),
    "send": frozenset({"read", "send"}),
    "approve": frozenset({"read", "send", "approve"}),
}
EVERY_RIGHT: frozenset[Right] = frozenset({"read", "send", "approve", "manage"})

_TOKEN = re.compile(r"jcs_[A-Za-z0-9_-]{43}")


def new_token() -> str:
    """A fresh token. It is told once, to whom it is for."""
    return f"jcs_{secrets.token_urlsafe(32)}"


def is_token(given: str) -> bool:
    """Whether this looks like a token of ours, valid or not."""
    return _TOKEN.fullmatch(given) is not None


def digest_of(token: str) -> str:
    """What is kept of a token, and what it is found by."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_share_id() -> str:
    """A fresh id for a share. It is no secret: logs and transcripts may name it."""
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True)
class Share:
    """A link to one thread. `owner` is whose thread it is, `folder` where it was; `expires` and `revoked` are times."""

    share_id: str
    thread_id: ThreadId
    owner: Subject
    level: ShareLevel
    created: str
    expires: str
    folder: str = ""
    revoked: str | None = None

    @property
    def subject(self) -> Subject:
        """Who a visitor is."""
        return Subject(f"share:{self.share_id}")

    @property
    def rights(self) -> frozenset[Right]:
        return SHARE_RIGHTS[self.level]

    @property
    def notebook(self) -> None:
        """A share is for a thread, wherever that goes."""
        return

    def opens_address(self, given: str | None) -> bool:
        """Whether an address may be meant that names `given` first: the thread, and nothing that names none."""
        return given is not None and given.lower() == self.thread_id

    def opens(self, thread_id: ThreadId, folder: str, notebook: str | None) -> bool:
        """Whether this very thread is meant."""
        return thread_id == self.thread_id


@dataclass(frozen=True, slots=True)
class KernelGrant:
    """What a notebook's kernel may do: all but approving, with the notebook's own threads. It acts as its owner."""

    owner: Subject
    folder: str
    notebook: str

    @property
    def subject(self) -> Subject:
        return self.owner

    @property
    def rights(self) -> frozenset[Right]:
        return EVERY_RIGHT - {"approve"}

    def opens_address(self, given: str | None) -> bool:
        """Any may be: whose a thread is, is seen when it is found."""
        return True

    def opens(self, thread_id: ThreadId, folder: str, notebook: str | None) -> bool:
        """Whether the thread is one of the notebook's."""
        return (folder, notebook) == (self.folder, self.notebook)


Grant = Share | KernelGrant
