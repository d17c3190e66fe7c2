"""What is known of MCP clients between requests: names, and calls under way. A restart may forget it all."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable

MOST_CLIENTS = 1000
UNNAMED = "An MCP client"

Key = tuple[str, str | int]
"""Whose call it is, and the id its client gave it."""


class Clients:
    """The clients that have shaken hands, the newest last, and how to stop the calls that are waited for."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, str] = OrderedDict()
        self._calls: dict[Key, Callable[[], None]] = {}

    def welcome(self, name: str | None) -> str:
        """A name to come back under, which nobody else can guess."""
        session_id = secrets.token_urlsafe(18)
        self._names[session_id] = name or UNNAMED
        if len(self._names) > MOST_CLIENTS:
            self._names.popitem(last=False)
        return session_id

    def name(self, session_id: str | None) -> str:
        """What the client calls itself."""
        return self._names.get(session_id or "", UNNAMED)

    def began(self, key: Key, stop: Callable[[], None]) -> None:
        self._calls[key] = stop

    def ended(self, key: Key) -> None:
        self._calls.pop(key, None)

    def stop(self, key: Key) -> None:
        """Stops a call that the client wants no more."""
        stop = self._calls.get(key)
        if stop is not None:
            stop()
