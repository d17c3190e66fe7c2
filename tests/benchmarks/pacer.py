"""A provider that speaks at a pace, as the model's name tells: `rate-<pieces a second>-<pieces>`, `full-<pieces>`, or
`hold-<pieces>`, which goes silent after them.

Each piece is the moment it was said, in nanoseconds of the machine's monotonic clock, and a space: whoever reads it
knows how old it is. Runs as a program of its own, prints its port, and ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
_LENGTH = re.compile(rb"content-length:\s*(\d+)", re.IGNORECASE)


def _chunk(delta: str, finish: str = "null") -> bytes:
    return f'data: {{"choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]}}\n\n'.encode()


def _piece() -> bytes:
    return _chunk(f'{{"content":"{time.monotonic_ns()} "}}')


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    body = await reader.readexactly(int(length[1])) if length else b"{}"
    kind, *numbers = str(json.loads(body).get("model", "full-1")).split("-")
    writer.write(_HEAD + _chunk('{"role":"assistant","content":""}'))
    if kind == "rate":
        await _pace(writer, int(numbers[0]), int(numbers[1]))
    else:
        for _ in range(int(numbers[0])):
            writer.write(_piece())
            await writer.drain()
    if kind == "hold":
        await reader.read()  # until whoever asked hangs up
    writer.write(_chunk("{}", '"stop"') + b"data: [DONE]\n\n")
    await writer.drain()
    writer.close()


async def _pace(writer: asyncio.StreamWriter, rate: int, pieces: int) -> None:
    began = time.monotonic()
    for number in range(pieces):
        await asyncio.sleep(max(began + number / rate - time.monotonic(), 0))
        writer.write(_piece())


async def _serve() -> None:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await _answer(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_serve())
