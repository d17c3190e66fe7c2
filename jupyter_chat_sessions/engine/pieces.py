"""Words on their way out: the first at once, those that come before the loop's next tick as one.

A slow answer is not delayed and a fast one does not cost a frame a word.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

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
        return (
            first is not None and first["type"] in _GATHERED and _is_same_text(first, event, _GATHERED[first["type"]])
        )


class Joined:
    """The same said in fewer events: neighbouring deltas of one text as one.

    Of a text it keeps the words and not their events, which thousands of answers at once would leave to the garbage
    collector.
    """

    __slots__ = ("_last", "_said")

    def __init__(self, events: Iterable[Mapping[str, Any]] = ()) -> None:
        self._said: list[Mapping[str, Any] | str] = []
        """Events; behind one, as plain words, the deltas that go on with it."""
        self._last: Mapping[str, Any] | None = None
        for event in events:
            self.add(event)

    def __bool__(self) -> bool:
        return bool(self._said)

    def add(self, event: Mapping[str, Any]) -> None:
        key = _GATHERED.get(event["type"])
        if key is not None and self._last is not None and _is_same_text(self._last, event, key):
            self._said.append(event["delta"])
        else:
            self._said.append(event)
            self._last = event

    def events(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for is_words, group in itertools.groupby(self._said, lambda each: isinstance(each, str)):
            if is_words:
                event = found.pop()
                found.append({**event, "delta": event["delta"] + "".join(cast("Iterable[str]", group))})
            else:
                found += cast("Iterable[Mapping[str, Any]]", group)
        return found


def _is_same_text(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> bool:
    return bool(one["type"] == other["type"] and one[key] == other[key])
