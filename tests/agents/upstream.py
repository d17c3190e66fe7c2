"""A provider of models on loopback, in a thread of its own. What it does is chosen by the model's name.

It refuses what the pickiest real one refuses (`strict_provider`), and notes each request and when its client left.
As a program it prints its port and serves until its input ends: for measurements, which want it in another process.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from strict_provider import refusal_of

KEY = "sk-test-0123456789abcdef"


@dataclass
class Asked:
    """One request as it came, and when its client went away before it was answered whole (monotonic time)."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    connection: int
    gone_at: float | None = None

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.body["messages"]


@dataclass
class Upstream:
    """The provider. `asked` is every request to complete a chat; `looked` the paths of all other requests."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    models: Any = None
    _connections: int = 0

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def times(self, model: str) -> int:
        """How often that model was asked."""
        return sum(each.body["model"] == model for each in self.asked)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        number = self._connections
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._serve_one(reader, Answer(writer), number):
                pass
        writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, answer: Answer, number: int) -> bool:
        """Whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        path = head[0].split(" ")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        if path != "/v1/chat/completions":
            self.looked.append(path)
            await answer.whole(200 if self.models is not None else 404, self.models or {"error": {}})
            return True
        asked = Asked(path, headers, json.loads(body), number)
        self.asked.append(asked)
        acting = asyncio.ensure_future(self._act(asked, answer))
        leaving = asyncio.ensure_future(reader.read(1))
        await asyncio.wait({acting, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not acting.done():
            asked.gone_at = time.monotonic()
            acting.cancel()
            return False
        leaving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await leaving
        return acting.result() is not False

    async def _act(self, asked: Asked, answer: Answer) -> bool | None:
        refused = refusal_of(asked.messages)
        if refused:
            return await answer.error(400, f"Invalid messages: {refused}")
        model = asked.body["model"]
        if model.startswith("echo-"):
            return await answer.says(["word "] * int(model[5:]))
        return await BEHAVIOURS[model](asked, answer, self.times(model))


class Answer:
    """One HTTP answer being written."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def whole(self, status: int, body: Any, **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(data)), **headers}
        self._head(status, headers)
        self._writer.write(data)
        await self._writer.drain()

    async def error(self, status: int, message: str, code: str | None = None, **headers: str) -> None:
        error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
        await self.whole(status, {"error": error}, **headers)

    def begin(self) -> None:
        self._head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"})

    def _head(self, status: int, headers: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {status}", *(f"{name}: {value}" for name, value in headers.items())]
        self._writer.write("\r\n".join([*lines, "", ""]).encode())

    async def raw(self, data: bytes) -> None:
        self._writer.write(b"%x\r\n%b\r\n" % (len(data), data))
        await self._writer.drain()

    async def chunk(self, **fields: Any) -> None:
        chunk = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", **fields}
        await self.raw(b"data: " + json.dumps(chunk).encode() + b"\n\n")

    async def delta(self, finish_reason: str | None = None, **delta: Any) -> None:
        await self.chunk(choices=[{"index": 0, "delta": delta, "finish_reason": finish_reason}])

    async def end(self, reason: str | None = "stop", usage: Any = None, *, is_done: bool = True) -> None:
        if reason:
            await self.delta(finish_reason=reason)
        if usage:
            await self.chunk(choices=[], usage=usage)
        if is_done:
            await self.raw(b"data: [DONE]\n\n")
        self._writer.write(b"0\r\n\r\n")
        await self._writer.drain()

    async def says(self, words: list[str], **end: Any) -> None:
        self.begin()
        await self.delta(role="assistant", content="")
        for word in words:
            await self.delta(content=word)
        await self.end(**end)

    async def calls(self, *pieces: dict[str, Any], reason: str = "tool_calls") -> None:
        self.begin()
        for piece in pieces:
            await self.delta(tool_calls=[piece])
        await self.end(reason)


def a_call(index: int | None, call_id: str | None, name: str | None, arguments: Any) -> dict[str, Any]:
    """A piece of a call, without what is `None`."""
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    piece = {"index": index, "id": call_id, "type": "function", "function": function}
    return {key: value for key, value in piece.items() if value is not None}


Behaviour = Callable[[Asked, Answer, int], Awaitable[bool | None]]
BEHAVIOURS: dict[str, Behaviour] = {}


def behaviour(function: Behaviour) -> Behaviour:
    """Makes a function what the model of its name does: it gets the request, the answer, how often it was asked."""
    BEHAVIOURS[function.__name__] = function
    return function


def once_called(act: Callable[[Answer], Awaitable[Any]]) -> Behaviour:
    """A model that calls tools for a question, and says what came back for results."""

    async def calls_then_says(asked: Asked, answer: Answer, times: int) -> None:
        if asked.messages[-1]["role"] == "tool":
            await answer.says([f"got {asked.messages[-1]['content']}"])
        else:
            await act(answer)

    return calls_then_says


@behaviour
async def slow(asked: Asked, answer: Answer, times: int) -> None:
    answer.begin()
    for number in range(1000):
        await answer.delta(content=f"{number} ")
        await asyncio.sleep(0.02)
    await answer.end()


@behaviour
async def stall(asked: Asked, answer: Answer, times: int) -> None:
    answer.begin()
    await answer.delta(content="half ")
    await asyncio.sleep(3600)


@behaviour
async def hang(asked: Asked, answer: Answer, times: int) -> None:
    await asyncio.sleep(3600)


@behaviour
async def hesitate(asked: Asked, answer: Answer, times: int) -> None:
    answer.begin()
    await answer.raw(b": thinking\n\n")
    await asyncio.sleep(3600)


@behaviour
async def drop(asked: Asked, answer: Answer, times: int) -> bool:
    answer.begin()
    await answer.delta(content="half ")
    return False


@behaviour
async def vanish(asked: Asked, answer: Answer, times: int) -> bool | None:
    return False if times == 1 else await answer.says(["back"])


@behaviour
async def cut(asked: Asked, answer: Answer, times: int) -> None:
    answer.begin()
    await answer.delta(content="half ")
    await answer.end(reason=None, is_done=False)


@behaviour
async def e401(asked: Asked, answer: Answer, times: int) -> None:
    await answer.error(401, f"Incorrect API key provided: {KEY[:12]}****cdef.", "invalid_api_key")


@behaviour
async def e400key(asked: Asked, answer: Answer, times: int) -> None:
    await answer.whole(400, [{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT"}}])


@behaviour
async def e403(asked: Asked, answer: Answer, times: int) -> None:
    await answer.error(403, "No access.")


@behaviour
async def e404(asked: Asked, answer: Answer, times: int) -> None:
    await answer.error(404, "The model `e404` does not exist", "model_not_found")


@behaviour
async def e400(asked: Asked, answer: Answer, times: int) -> None:
    await answer.error(400, f"Unsupported value, said {KEY}", "unsupported_value")


@behaviour
async def equota(asked: Asked, answer: Answer, times: int) -> None:
    await answer.error(429, "You exceeded your current quota.", "insufficient_quota")


@behaviour
async def e429(asked: Asked, answer: Answer, times: int) -> None:
    await answer.error(429, "Slow down.", "rate_limit_exceeded", **{"Retry-After": "3600"})


@behaviour
async def e429once(asked: Asked, answer: Answer, times: int) -> None:
    if times == 1:
        await answer.error(429, "Slow down.", "rate_limit_exceeded", **{"Retry-After": "0.3"})
    else:
        await answer.says(["ok"])


@behaviour
async def e500once(asked: Asked, answer: Answer, times: int) -> None:
    await (answer.error(500, "Boom.") if times == 1 else answer.says(["ok"]))


@behaviour
async def e500(asked: Asked, answer: Answer, times: int) -> None:
    await answer.error(503, "Boom.")


@behaviour
async def emoved(asked: Asked, answer: Answer, times: int) -> None:
    await answer.whole(307, b"", Location="http://127.0.0.1:9/elsewhere")


@behaviour
async def ectx(asked: Asked, answer: Answer, times: int) -> None:
    await answer.error(400, "This model's maximum context length is 8 tokens.", "context_length_exceeded")


@behaviour
async def ectxonce(asked: Asked, answer: Answer, times: int) -> None:
    if times == 1:
        await answer.error(400, "the request exceeds the available context size", "exceed_context_size_error")
    else:
        await answer.says(["ok"])


@behaviour
async def midrerr(asked: Asked, answer: Answer, times: int) -> None:
    answer.begin()
    await answer.delta(content="half ")
    await answer.raw(b'data: {"error": {"message": "no room for %b", "code": 502}}\n\n' % KEY.encode())
    await answer.end(reason=None)


@behaviour
async def midrerr2(asked: Asked, answer: Answer, times: int) -> None:
    """An error without a field of its own, as some servers write it."""
    answer.begin()
    await answer.delta(content="half ")
    await answer.raw(b'data: {"object": "error", "message": "out of memory", "code": 500}\n\n')
    await answer.end(reason=None)


@behaviour
async def firsterr(asked: Asked, answer: Answer, times: int) -> None:
    if times > 1:
        return await answer.says(["ok"])
    answer.begin()
    await answer.raw(b'data: {"error": {"message": "busy", "code": 429}}\n\n')
    return await answer.end(reason=None)


@behaviour
async def toolloop(asked: Asked, answer: Answer, times: int) -> None:
    await answer.calls(a_call(0, "call_0", "count", "{}"))


@behaviour
async def reason(asked: Asked, answer: Answer, times: int) -> None:
    answer.begin()
    await answer.delta(role="assistant", reasoning_content="Let me ")
    await answer.delta(reasoning="think.")
    await answer.delta(content="42")
    await answer.end()


@behaviour
async def parts(asked: Asked, answer: Answer, times: int) -> None:
    answer.begin()
    await answer.delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}])
    await answer.delta(content=[{"type": "text", "text": "42"}])
    await answer.end()


@behaviour
async def usage(asked: Asked, answer: Answer, times: int) -> None:
    await answer.says(["ok"], usage={"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18})


@behaviour
async def costs(asked: Asked, answer: Answer, times: int) -> None:
    await answer.says(["ok"], usage={"prompt_tokens": 11, "completion_tokens": 7, "cost": 0.00042})


@behaviour
async def oddcosts(asked: Asked, answer: Answer, times: int) -> None:
    await answer.says(["ok"], usage={"prompt_tokens": 11, "completion_tokens": 7, "cost": {"sum": -1}})


@behaviour
async def nousage(asked: Asked, answer: Answer, times: int) -> None:
    if "stream_options" in asked.body:
        await answer.error(422, "stream_options: Extra inputs are not permitted")
    else:
        await answer.says(["ok"])


@behaviour
async def notools(asked: Asked, answer: Answer, times: int) -> None:
    if "tools" in asked.body:
        await answer.error(400, "registry/library/notools:latest does not support tools")
    else:
        await answer.says([asked.messages[0]["content"]])


@behaviour
async def blind(asked: Asked, answer: Answer, times: int) -> None:
    if "image_url" in json.dumps(asked.messages):
        await answer.error(400, "this model does not support image input")
    else:
        await answer.says([str(asked.messages[-1]["content"])])


@behaviour
async def nodone(asked: Asked, answer: Answer, times: int) -> None:
    await answer.says(["ok"], is_done=False)


@behaviour
async def lingers(asked: Asked, answer: Answer, times: int) -> None:
    answer.begin()
    await answer.delta(content="ok")
    await answer.delta(finish_reason="stop")
    await asyncio.sleep(3600)


@behaviour
async def length(asked: Asked, answer: Answer, times: int) -> None:
    await answer.says(["much"], reason="length")


@behaviour
async def torn(asked: Asked, answer: Answer, times: int) -> None:
    """Lines that end anywhere, in the middle of letters too."""
    answer.begin()
    line = 'data: {"choices":[{"delta":{"content":"héé €"},"finish_reason":"stop"}]}\r\n\r\n'.encode()
    for place in range(0, len(line), 3):
        await answer.raw(line[place : place + 3])
    await answer.end(reason=None)


@behaviour
async def unstreamed(asked: Asked, answer: Answer, times: int) -> None:
    message = {"role": "assistant", "content": "all at once"}
    await answer.whole(200, {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}})


@behaviour
async def page(asked: Asked, answer: Answer, times: int) -> None:
    await answer.whole(200, b"<html>Log in</html>", **{"Content-Type": "application/json"})


def _tool(answer: Answer) -> Awaitable[None]:
    return answer.calls(a_call(0, "call_a", "count", '{"n"'), a_call(0, None, None, ": 1}"))


def _tools2(answer: Answer) -> Awaitable[None]:
    return answer.calls(
        a_call(0, "call_a", "count", ""),
        a_call(1, "call_b", "count", ""),
        a_call(1, "", "", '{"n": 2}'),
        a_call(0, "", "", '{"n": 1}'),
    )


def _noindex(answer: Answer) -> Awaitable[None]:
    return answer.calls(
        a_call(None, "call_a", "count", '{"n"'),
        a_call(None, None, None, ": 1}"),
        a_call(None, "call_b", "count", '{"n": 2}'),
    )


def _zeroindex(answer: Answer) -> Awaitable[None]:
    return answer.calls(
        a_call(0, "call_a", "count", '{"n": 1}'), a_call(0, "call_b", "count", '{"n": 2}'), reason="stop"
    )


def _noids(answer: Answer) -> Awaitable[None]:
    return answer.calls(a_call(0, "", "count", '{"n": 1}'), a_call(0, "", "count", '{"n": 2}'))


BEHAVIOURS |= {
    "tool": once_called(_tool),
    "tools2": once_called(_tools2),
    "noindex": once_called(_noindex),
    "zeroindex": once_called(_zeroindex),
    "noids": once_called(_noids),
    "objectargs": once_called(lambda answer: answer.calls(a_call(0, "call_a", "count", {"n": 1}))),
    "toolbad": once_called(lambda answer: answer.calls(a_call(0, "call_a", "count", '{"n": '))),
    "toolunknown": once_called(lambda answer: answer.calls(a_call(0, "call_a", "no such.tool", "{}"))),
}


@contextlib.asynccontextmanager
async def _served(upstream: Upstream) -> AsyncIterator[None]:
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", upstream.port, limit=2**24)
    upstream.port = server.sockets[0].getsockname()[1]
    try:
        yield
    finally:
        server.close()


@contextlib.contextmanager
def running_upstream() -> Iterator[Upstream]:
    """A provider on a free port, until the block ends."""
    upstream, is_up, loop = Upstream(), threading.Event(), asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with _served(upstream):
            is_up.set()
            await stop.wait()
        while rest := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in rest:  # again, where one was about to wait for the next request
                task.cancel()
            await asyncio.wait(rest, timeout=0.1)

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert is_up.wait(10)
    try:
        yield upstream
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


if __name__ == "__main__":
    with running_upstream() as served:
        print(served.port, flush=True)
        sys.stdin.read()
