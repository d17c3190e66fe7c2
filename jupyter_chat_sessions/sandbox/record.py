"""The outputs that are kept with a result, so that a chat can show its call again: small, and in their order."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .text import HeadAndTail

Output = dict[str, Any]

_MOST = 200
_STREAM_CHARS = 32 * 1024
_GAP_BYTES = 48
"""What the line that stands for a left-out middle weighs, at most."""


class Record:
    """A call's outputs as nbformat keeps them: pieces of a stream joined, replaced displays replaced."""

    def __init__(self) -> None:
        self._kept: list[Output | tuple[str, HeadAndTail]] = []
        self._places: dict[str, int] = {}
        self._clears_next = False
        self._left_out = 0

    def add_stream(self, name: str, text: str) -> None:
        self._clear_if_due()
        last = self._kept[-1] if self._kept else None
        if isinstance(last, tuple) and last[0] == name:
            last[1].add(text)
        elif self._has_room():
            kept = HeadAndTail(_STREAM_CHARS, _STREAM_CHARS)
            kept.add(text)
            self._kept.append((name, kept))

    def add(self, output: Output, display_id: str | None = None) -> None:
        self._clear_if_due()
        if display_id is not None and display_id in self._places:
            self._kept[self._places[display_id]] = output
        elif output["output_type"] == "error" or self._has_room():
            if display_id is not None:
                self._places[display_id] = len(self._kept)
            self._kept.append(output)

    def clear(self, *, waits: bool) -> None:
        """Forgets what was shown, at once or when something new comes."""
        self._clears_next = True
        if not waits:
            self._clear_if_due()

    def _clear_if_due(self) -> None:
        if self._clears_next:
            self._kept, self._places, self._clears_next = [], {}, False

    def _has_room(self) -> bool:
        if len(self._kept) < _MOST:
            return True
        self._left_out += 1
        return False

    def outputs(self, limit: int) -> list[Output]:
        """The outputs, together no more than `limit` bytes as JSON."""
        whole: list[Output] = [
            {"output_type": "stream", "name": each[0], "text": each[1].text()} if isinstance(each, tuple) else each
            for each in self._kept
        ]
        if self._left_out:
            note = f"[{self._left_out} more outputs are not shown]\n"
            whole.append({"output_type": "stream", "name": "stderr", "text": note})
        return fit(whole, limit)


def weight(value: Any) -> int:
    """The bytes of the value as the transcript's JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def fit(outputs: Sequence[Output], limit: int) -> list[Output]:
    """The outputs, the largest of them shortened until all fit into `limit` bytes together."""
    weights = [weight(output) + 1 for output in outputs]
    if sum(weights) <= limit:
        return list(outputs)
    fitted = list(outputs)
    left, room = len(outputs), limit
    for at in sorted(range(len(outputs)), key=weights.__getitem__):
        share = room // left
        if weights[at] > share:
            fitted[at] = _shorten(outputs[at], share)
        room -= weight(fitted[at]) + 1
        left -= 1
    return fitted


def _shorten(output: Output, share: int) -> Output:
    kind = output["output_type"]
    if kind == "stream":
        return _clipped({"output_type": kind, "name": output["name"], "text": ""}, ("text",), output["text"], share)
    if kind == "error":
        shell = {"output_type": kind, "ename": output["ename"][:100], "evalue": output["evalue"][:200], "traceback": []}
        return _clipped_list(shell, "\n".join(output["traceback"]), share)
    shell = {**output, "data": {"text/plain": ""}}
    return _clipped(shell, ("data", "text/plain"), output["data"].get("text/plain", ""), share)


def _clipped(shell: Output, path: tuple[str, ...], text: str, share: int) -> Output:
    """`shell` with as much of `text` at `path` as its share allows."""
    per_character = weight(text) / max(len(text), 1)
    room = int((share - weight(shell) - _GAP_BYTES) / per_character)
    while True:
        filled = _with(shell, path, _ends(text, max(room, 0)))
        if weight(filled) + 1 <= share or room <= 0:
            return filled
        room = room * 3 // 4 - 16


def _clipped_list(shell: Output, text: str, share: int) -> Output:
    filled = _clipped({**shell, "traceback": ""}, ("traceback",), text, share - 2)
    return {**filled, "traceback": [filled["traceback"]]}


def _with(shell: Mapping[str, Any], path: tuple[str, ...], text: str) -> Output:
    if len(path) == 1:
        return {**shell, path[0]: text}
    return {**shell, path[0]: _with(shell[path[0]], path[1:], text)}


def _ends(text: str, length: int) -> str:
    if len(text) <= length:
        return text
    kept = HeadAndTail(length // 3, length - length // 3)
    kept.add(text)
    return kept.text() if length else ""
