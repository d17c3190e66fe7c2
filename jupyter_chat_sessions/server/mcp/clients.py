"""What is known of MCP clients between requests: names, and calls under way. A restart may forget it all."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable

MOST_CLIENTS = 1000
UNNAMED = "An MCP client"

Key = tuple[str, str | int]
"""Whose call it is, and the id its client gave it."""


class Wish:
    """Whether a call is still wanted. It can be taken back before there is anything to stop."""

    def __init__(self) -> None:
        self.is_taken_back = False
        self._stop: Callable[[], None] | None = None

    def take_back(self) -> None:
        self.is_taken_back = True
        if self._stop is not None:
            self._stop()

    def stops(self, stop: Callable[[], None]) -> None:
        """What to do when it is taken back; at once where it has been."""
        self._stop = stop
        if self.is_taken_back:
            stop()


class Clients:
    """The clients that have shaken hands, the newest last, and the calls that are waited for."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self._wishes: dict[Key, Wish] = {}

    def welcome(self, name: str | None, version: str) -> str:
        """A name to come back under, which nobody else can guess."""
        session_id = secrets.token_urlsafe(18)
        self._known[session_id] = name or UNNAMED, version
        if len(self._known) > MOST_CLIENTS:
            self._known.popitem(last=False)
        return session_id

    def name(self, session_id: str | None) -> str:
        """What the client calls itself."""
        return self._known.get(session_id or "", (UNNAMED, ""))[0]

    def version(self, session_id: str | None) -> str | None:
        """The version that was agreed on with the client."""
        return self._known.get(session_id or "", (UNNAMED, None))[1]

    def began(self, key: Key, wish: Wish) -> bool:
        """Notes a call that is waited for; whether no other of that client has this id."""
        return self._wishes.setdefault(key, wish) is wish

    def ended(self, key: Key) -> None:
        self._wishes.pop(key, None)

    def take_back(self, key: Key) -> None:
        """Stops a call that the client wants no more."""
        wish = self._wishes.get(key)
        if wish is not None:
            wish.take_back()
