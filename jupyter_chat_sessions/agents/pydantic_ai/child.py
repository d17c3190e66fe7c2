"""The process that has the library: reads what is asked, a line each, and writes what models say, until its input ends.

What a provider wrote about a failure never leaves it: its texts repeat keys and prompts. Only a code of ours does.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Mapping
from typing import Any, BinaryIO

from pydantic_ai.direct import model_request_stream
from pydantic_ai.models import Model, infer_model
from pydantic_ai.providers import Provider, infer_provider_class
from pydantic_ai.settings import ModelSettings

from .failing import failed_record
from .translation import Listening, messages_of, parameters_of

MOST_TO_WRITE = 16_384
_MOST_MODELS = 32


class Child:
    """The requests in flight, and the models they are asked of, whose connections are kept."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._models: dict[tuple[Any, ...], Model] = {}
        self._unsaid: dict[int, list[Any]] = {}

    def hear(self, line: bytes) -> None:
        """Meets one line of the server."""
        told = json.loads(line)
        number = told["id"]
        if "ask" in told:
            self._tasks[number] = asyncio.get_running_loop().create_task(self._answer(number, told["ask"]))
        elif number in self._tasks:
            self._tasks[number].cancel()

    async def _answer(self, number: int, asked: Mapping[str, Any]) -> None:
        try:
            await self._ask(number, asked)
        except Exception as fault:
            self._flush(number)
            self._write({"id": number, "failed": failed_record(fault)})
        finally:
            self._flush(number)
            del self._tasks[number]

    async def _ask(self, number: int, asked: Mapping[str, Any]) -> None:
        body = asked["body"]
        listening = Listening(asked["provider"])
        async with model_request_stream(
            self._model(asked),
            messages_of(body["messages"]),
            model_settings=_settings(asked["provider"]),
            model_request_parameters=parameters_of(body.get("tools", ())),
        ) as stream:
            async for event in stream:
                self._say(number, listening.hear(event))
        self._say(number, listening.end(stream.get(), stream.usage))

    def _model(self, asked: Mapping[str, Any]) -> Model:
        """The model, with the connections it had before under the same key."""
        name = f"{asked['provider']}:{asked['body']['model']}"
        known_by = (name, asked["base_url"], asked["key"])
        if known_by not in self._models:
            if len(self._models) >= _MOST_MODELS:
                self._models.clear()
            given = {"api_key": asked["key"], "base_url": asked["base_url"]}
            options = {option: value for option, value in given.items() if value}

            def provider(of: str) -> Provider[Any]:
                return infer_provider_class(of)(**options)

            self._models[known_by] = infer_model(name, provider)
        return self._models[known_by]

    def _say(self, number: int, events: list[Any]) -> None:
        """Gathers what comes before the loop's next tick into one line."""
        if not events:
            return
        if number not in self._unsaid:
            self._unsaid[number] = []
            asyncio.get_running_loop().call_soon(self._flush, number)
        self._unsaid[number] += events

    def _flush(self, number: int) -> None:
        events = self._unsaid.pop(number, None)
        if events:
            self._write({"id": number, "said": events})

    def _write(self, line: Mapping[str, Any]) -> None:
        self._out.write(json.dumps(line, default=str).encode() + b"\n")
        self._out.flush()


def _settings(provider: str) -> ModelSettings:
    """Anthropic writes 4096 tokens where nothing is said, and keeps what it has read where that is asked for."""
    settings: dict[str, Any] = {}
    if provider in ("anthropic", "bedrock"):
        settings["max_tokens"] = MOST_TO_WRITE
    if provider == "anthropic":
        settings["anthropic_cache"] = True
    return settings  # type: ignore[return-value]  # of a provider's own settings, which are a subtype


def _read(child: Child, loop: asyncio.AbstractEventLoop) -> None:
    """Reads in a thread of its own, and ends the process with its input: at once, whatever it is doing."""
    for line in sys.stdin.buffer:
        loop.call_soon_threadsafe(child.hear, line)
    os._exit(0)


async def main() -> None:
    """Answers until the input ends."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is not a line of ours
    child = Child(out)
    threading.Thread(target=_read, args=(child, asyncio.get_running_loop()), daemon=True).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
