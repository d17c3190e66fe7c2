"""The process that has the library, as the server speaks with it: lines of JSON, many requests at once, by number.

A request goes out as `{"id", "ask": {provider, base_url, key, body}}` and is taken back by `{"id", "stop": true}`.
What comes back is `{"id", "said": [event, …]}` and `{"id", "failed": {code, hint}}`. The process ends when its input
does, so that it cannot outlive the server, however that ended. Keys go to it through that pipe and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import weakref
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from typing import Any

_CHILD = "jupyter_chat_sessions.agents.pydantic_ai.child"
_LONGEST_LINE = 64 * 2**20
_END_S = 2.0

_workers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Worker] = weakref.WeakKeyDictionary()
"""By loop: a server has one."""


_Waiting = dict[int, "asyncio.Queue[Mapping[str, Any] | None]"]
"""Who waits for answers, by the number of what was asked."""


class ProcessEnded(Exception):
    """The process is no more, and with it every request it had."""


class Worker:
    """One process and the requests it is asked."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._waiting: _Waiting = {}
        self._count = 0

    async def ask(self, asking: Mapping[str, Any]) -> AsyncGenerator[Mapping[str, Any], None]:
        """What the process answers, without an end of its own. Closing this takes the request back at once.

        `ProcessEnded` where the process does.
        """
        process = await self._started()
        self._count += 1
        number, waiting = self._count, self._waiting
        answers = waiting[number] = asyncio.Queue()
        try:
            self._write(process, {"id": number, "ask": asking})
            while True:
                answer = await answers.get()
                if answer is None:
                    raise ProcessEnded
                yield answer
        finally:
            del waiting[number]
            if process.returncode is None:
                self._write(process, {"id": number, "stop": True})

    def _write(self, process: Process, line: Mapping[str, Any]) -> None:
        assert process.stdin is not None
        if not process.stdin.is_closing():
            process.stdin.write(json.dumps(line).encode() + b"\n")

    async def _started(self) -> Process:
        async with self._starting:
            if self._process is None or self._process.returncode is not None:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", _CHILD, stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
                    env=_environment(), limit=_LONGEST_LINE, start_new_session=True,
                )  # fmt: skip
                self._waiting = {}
                self._reading = asyncio.get_running_loop().create_task(_pass_on(self._process, self._waiting))
            return self._process

    async def close(self) -> None:
        """Ends the process; at once where it does not go by itself."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _END_S)
        except asyncio.TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._reading is not None:
            await asyncio.wait({self._reading})


async def _pass_on(process: Process, waiting: _Waiting) -> None:
    """Passes on each line to whoever asked; tells all when there are no more."""
    assert process.stdout is not None
    try:
        while line := await process.stdout.readline():
            answer = json.loads(line)
            answers = waiting.get(answer["id"])
            if answers is not None:  # else it was taken back
                answers.put_nowait(answer)
    except ValueError:  # a line too long, or none of ours: what follows cannot be told apart
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.wait()
    for answers in waiting.values():
        answers.put_nowait(None)


def _environment() -> dict[str, str]:
    """The server's own, with this computer never asked through a proxy."""
    names = ",".join(
        filter(None, (os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "127.0.0.1,localhost,::1"))
    )
    return {**os.environ, "NO_PROXY": names, "no_proxy": names}


async def worker() -> Worker:
    """The worker of this loop, made at its first use; its process starts at the first request."""
    return _workers.setdefault(asyncio.get_running_loop(), Worker())


async def close_workers() -> None:
    """Ends the process of this loop, as when its server ends."""
    found = _workers.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.close()
