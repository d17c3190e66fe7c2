"""What a client hears of a call before its result: what the tool prints, what it waits for, that it still runs.

The rule kept here: no silence is longer than `HEARTBEAT_S`, so that no proxy takes it for an end; and a tool that
prints much is told in few notifications, each with what was printed since the last one.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from ...sandbox.text import plain
from ..openai.envelope import HEARTBEAT_S
from .speech import progressed

GAP_S = 0.5
MOST_CHARS = 4000
"""Of what was printed between two notifications, the last so many characters are told; the result has all of it."""


class Progress:
    """The progress of one call. `token`: what the client knows it by; `None`: it is told none, only that it runs."""

    def __init__(self, token: str | int | None) -> None:
        self._token = token
        self._began = time.monotonic()
        self._last = 0.0
        self._words = ""
        self._news = asyncio.Event()

    def hear(self, event: Mapping[str, Any]) -> None:
        """Takes an event that is said while a tool works."""
        value = event.get("value")
        if event.get("type") != "CUSTOM" or not isinstance(value, Mapping):
            return
        if event.get("name") == "tool_output":
            self._add(_text_of(value["output"]))
        elif event.get("name") == "tool_status" and value.get("text"):
            self.say(value["text"])

    def say(self, words: str) -> None:
        """Tells in words what there is to wait for, on a line of its own."""
        self._add(f"{words}\n" if not self._words or self._words.endswith("\n") else f"\n{words}\n")

    def _add(self, words: str) -> None:
        if self._token is None or not words:
            return
        self._words = (self._words + words)[-MOST_CHARS:]
        self._news.set()

    async def until(self, task: asyncio.Task[Any]) -> AsyncGenerator[dict[str, Any] | None, None]:
        """While the task runs: a notification when there is news, and after every silence; `None` without a token."""
        task.add_done_callback(lambda _: self._news.set())
        while not task.done():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._news.wait(), HEARTBEAT_S)
            if not task.done():
                self._news.clear()
                yield self._next()
                await asyncio.wait([task], timeout=GAP_S)

    def _next(self) -> dict[str, Any] | None:
        words, self._words = self._words, ""
        if self._token is None:
            return None
        self._last = round(max(time.monotonic() - self._began, self._last + 0.1), 1)  # each is more than the last
        return progressed(self._token, self._last, plain(words).strip("\n"))


def _text_of(output: Mapping[str, Any]) -> str:
    """What there is to read in an nbformat output."""
    if output.get("output_type") == "stream":
        return str(output.get("text", ""))
    if output.get("output_type") == "error":
        return f"{output.get('ename')}: {output.get('evalue')}\n"
    data, metadata = output.get("data") or {}, output.get("metadata") or {}
    shown = f"[image {metadata['artifact']}]" if "artifact" in metadata else data.get("text/plain")
    return f"{shown}\n" if isinstance(shown, str) else ""
