"""Requests that client libraries send again by themselves: the second attempt finds what the first one began.

A library that lost its answer sends the same body with a count of its retries and no id. The rule kept here: as long as
an attempt's answer was not delivered, and for a minute after it was given up, its like joins it.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from ...core.ids import MessageId, RunId, new_run_id
from ...engine.session import Session

JOINED_S = 60.0
RETRIES = "x-stainless-retry-count"


@dataclass(frozen=True, slots=True)
class Accepted:
    """What an attempt has come to: its message, and the run that answers it."""

    session: Session
    message_id: MessageId
    run_id: RunId


@dataclass(slots=True)
class Attempt:
    """One request while it is answered, and a while after."""

    accepted: asyncio.Future[Accepted]
    has_left: bool = False
    """Whether its client has gone, though the run may go on."""
    given_up_at: float | None = None

    async def outcome(self) -> Accepted | None:
        """What it has come to, once it is known; `None` where it was refused."""
        await asyncio.wait({self.accepted})
        return None if self.accepted.cancelled() else self.accepted.result()

    def answers(self, run_id: RunId) -> bool:
        """Whether it has come to that run."""
        return self.accepted.done() and not self.accepted.cancelled() and self.accepted.result().run_id == run_id


@dataclass(slots=True)
class Attempts:
    """The attempts of a server whose answers have not been delivered, by what was asked."""

    _open: dict[str, Attempt] = field(default_factory=dict)

    def begin(self, asked: str) -> Attempt:
        """A first attempt. The newest of its like is the one that can be joined."""
        attempt = Attempt(asyncio.get_running_loop().create_future())
        self._open[asked] = attempt
        return attempt

    def find(self, asked: str) -> Attempt | None:
        """The undelivered attempt of the same request, if it has not been given up too long ago."""
        self._sweep()
        return self._open.get(asked)

    def deliver(self, asked: str, attempt: Attempt) -> None:
        """The client has its answer: the same words from now on are new ones."""
        if self._open.get(asked) is attempt:
            del self._open[asked]

    def is_waited_for(self, run_id: RunId) -> bool:
        """Whether a client is still there for whom that run answers."""
        return any(each.answers(run_id) and not each.has_left for each in self._open.values())

    def give_up(self, attempt: Attempt) -> None:
        """The client has left without its answer, or was refused."""
        attempt.given_up_at = asyncio.get_running_loop().time()
        if not attempt.accepted.done():
            attempt.accepted.cancel()
        self._sweep()

    def _sweep(self) -> None:
        now = asyncio.get_running_loop().time()
        old = [
            each for each, it in self._open.items() if it.given_up_at is not None and now - it.given_up_at > JOINED_S
        ]
        for each in old:
            del self._open[each]


def digest(*parts: str | bytes | None) -> str:
    """One name for a request: who asks, where, for which thread, with which body."""
    hashed = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part or b""
        hashed.update(len(data).to_bytes(8, "big") + data)
    return hashed.hexdigest()


def message_id_for(asked: str, idempotency_key: str | None, subject: str) -> MessageId:
    """The id of the message a request sends: with a key of the client's always the same, else one of its own."""
    if idempotency_key is not None:
        return MessageId(f"idem_{digest(subject, idempotency_key)}")
    return MessageId(f"{_prefix(asked)}{new_run_id()}")


def _prefix(asked: str) -> str:
    return f"req_{asked[:32]}_"


def accepted_before(asked: str, lines: Iterable[Any]) -> tuple[MessageId, RunId] | None:
    """The message and run of the same request, accepted within a minute: by a server that has stopped, or another."""
    now = datetime.now(timezone.utc)
    for line in reversed(list(lines)):
        message_id = line["message"]["id"] if line["type"] == "message" and line["message"]["role"] == "user" else ""
        if not message_id.startswith(_prefix(asked)):
            continue
        # Where the clock was set back, what was accepted hours ago lies in the future.
        if abs((now - _time(line["created"])).total_seconds()) < JOINED_S:
            return MessageId(message_id), RunId(line["run_id"])
    return None


def _time(created: str) -> datetime:
    return datetime.fromisoformat(created.replace("Z", "+00:00"))
