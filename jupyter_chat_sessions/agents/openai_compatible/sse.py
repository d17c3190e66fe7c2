"""Server-sent events as chat completions use them: one JSON object a `data` line, `[DONE]` at the end."""

from __future__ import annotations

import json
from typing import Any

LONGEST_LINE = 16 * 2**20

DONE: dict[str, Any] = {"object": "done"}
"""What stands for `[DONE]` among the objects; told by identity."""


class Unreadable(Exception):
    """What came is not such a stream."""


class SseReader:
    """Bytes in, as they come; JSON objects out. Comments and other fields are passed over."""

    def __init__(self) -> None:
        self._rest = b""
        self.is_done = False
        """Whether `[DONE]` has come."""

    def feed(self, block: bytes) -> list[dict[str, Any]]:
        """The objects that are complete with these bytes."""
        lines = (self._rest + block if self._rest else block).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > LONGEST_LINE:
            raise Unreadable
        return self._objects(lines)

    def end(self) -> list[dict[str, Any]]:
        """The object in a last line that nothing ended."""
        lines, self._rest = [self._rest], b""
        return self._objects(lines)

    def _objects(self, lines: list[bytes]) -> list[dict[str, Any]]:
        objects = []
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == b"[DONE]" and not self.is_done:
                self.is_done = True
                objects.append(DONE)
            elif data and not self.is_done:
                objects.append(object_in(data))
        return objects


def object_in(data: bytes) -> dict[str, Any]:
    """The JSON object that these bytes are; `Unreadable` where they are none."""
    try:
        found = _parsed(data)
    except (ValueError, RecursionError):
        raise Unreadable from None
    if not isinstance(found, dict):
        raise Unreadable
    return found


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data.decode())
    except ValueError:  # with a mark of its encoding, or in another one: to look for these costs as much as to parse
        return json.loads(data)
