"""Words on their way out: the first at once, those that come before the loop's next tick as one.

A slow answer is not delayed and a fast one does not cost a frame a word.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_GATHERED = {
    "TEXT_MESSAGE_CONTENT": "messageId",
    "REASONING_MESSAGE_CONTENT": "messageId",
    "TOOL_CALL_ARGS": "toolCallId",
}


class Pieces:
    """Takes a run's events in order and passes them on in order, with neighbouring deltas of one text joined."""

    def __init__(self, pass_on: Callable[[Mapping[str, Any]], None]) -> None:
        self._pass_on = pass_on
        self._first: Mapping[str, Any] | None = None
        self._deltas: list[str] = []

    def add(self, event: Mapping[str, Any]) -> None:
        if self._goes_on_with(event):
            self._deltas.append(event["delta"])
            return
        self.flush()
        self._pass_on(event)
        if event["type"] in _GATHERED:
            self._first = event
            asyncio.get_running_loop().call_soon(self.flush)

    def flush(self) -> None:
        """Passes on what has been gathered."""
        first, self._first = self._first, None
        if first is not None and self._deltas:
            joined, self._deltas = "".join(self._deltas), []
            self._pass_on({**first, "delta": joined})

    def _goes_on_with(self, event: Mapping[str, Any]) -> bool:
        first = self._first
        if first is None or first["type"] != event["type"]:
            return False
        key = _GATHERED[event["type"]]
        return bool(first[key] == event[key])


def joined(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The same said in fewer events: neighbouring deltas of one text as one."""
    found: list[Mapping[str, Any]] = []
    for text, group in itertools.groupby(events, _text_of):
        together = list(group)
        if text is None:
            found += together
        else:
            found.append({**together[0], "delta": "".join(each["delta"] for each in together)})
    return found


def _text_of(event: Mapping[str, Any]) -> tuple[str, str] | None:
    """Which text the event is a delta of; `None` where it is none."""
    kind = event["type"]
    key = _GATHERED.get(kind)
    return None if key is None else (kind, event[key])
