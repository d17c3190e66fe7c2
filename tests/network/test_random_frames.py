"""Whatever a websocket is told, it answers by an ack or a nack, or closes as documented; the server goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pinging_server import RealServer, real_server
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError, websocket_connect

from jupyter_chat_sessions.core.ids import new_thread_id

pytestmark = pytest.mark.slow

UUIDS = st.sampled_from(["3b0c5a52-6a1e-4a36-9d4e-0c8a4a1f2b3c", "c1f7a0de-52f4-4e0b-8a63-9a1f2b7d4e55"])
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | UUIDS
ANYTHING = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
IDS = st.text(st.sampled_from("abcXYZ0189-_.: é"), max_size=40) | UUIDS
PARTS = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "image", ""])}, optional={"text": st.text(), "x": ANYTHING}
)
CONTENT = st.text(max_size=60) | st.lists(PARTS, max_size=3)
OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "mode": st.sampled_from(["queue", "reject", "interrupt", "never"]),
        "model": st.sampled_from(["reciting", "nobody", "direct"]) | ANYTHING,
        "parentRunId": UUIDS | st.none() | ANYTHING,
        "context": st.lists(ANYTHING, max_size=2),
        "permissions": st.dictionaries(
            st.text(max_size=9), st.sampled_from(["allow", "ask", "deny"]) | ANYTHING, max_size=2
        ),
        "more": ANYTHING,
    },
)
VALID = st.one_of(
    st.fixed_dictionaries({"kind": st.just("send"), "id": IDS, "content": CONTENT}, optional={"options": OPTIONS}),
    st.fixed_dictionaries({"kind": st.just("cancel"), "id": IDS}, optional={"runId": UUIDS}),
    st.fixed_dictionaries({"kind": st.sampled_from(["regenerate", "withdraw"]), "id": IDS, "messageId": IDS}),
    st.fixed_dictionaries({"kind": st.just("head"), "id": IDS, "runId": UUIDS}),
    st.fixed_dictionaries(
        {"kind": st.just("answer"), "id": IDS, "runId": UUIDS, "answers": st.lists(ANYTHING, max_size=3)}
    ),
    st.fixed_dictionaries({"kind": st.just("notebook"), "id": IDS}, optional={"value": ANYTHING, "error": ANYTHING}),
)


@st.composite
def almost_frames(draw: st.DrawFn) -> str:
    """A frame, often with one field that has another type, is missing or should not be there."""
    frame: dict[str, Any] = dict(draw(VALID))
    name = draw(st.sampled_from([*frame, "extra"]))
    what = draw(st.sampled_from(["as it is", "replaced", "missing"]))
    if what == "replaced":
        frame[name] = draw(ANYTHING)
    elif what == "missing":
        frame.pop(name, None)
    return json.dumps(frame)


RAW = st.one_of(
    almost_frames(),
    almost_frames().map(lambda text: text[: len(text) // 2]),
    ANYTHING.map(json.dumps),
    st.text(),
    st.binary(max_size=200),
    st.integers(1, 200_000).map(lambda depth: "[" * depth),
    st.integers(1, 50_000).map(lambda depth: '{"kind":"send","id":"m","content":' + '{"a":' * depth),
    st.integers(1_000_000, 3_900_000).map(lambda size: '{"kind":"send","id":"m","content":"' + "x" * size + '"}'),
    st.integers(1, 400_000).map(lambda digits: '{"kind":"cancel","id":' + "9" * digits + "}"),
)


class Caller:
    """A socket to one thread, joined again after a close."""

    def __init__(self, server: RealServer) -> None:
        self._server = server
        self._loop = asyncio.new_event_loop()
        self._socket: WebSocketClientConnection | None = None
        self.thread_id = new_thread_id()

    def _join(self) -> None:
        url = f"ws://127.0.0.1:{self._server.port}/chat-sessions/threads/{self.thread_id}/live?after=0"
        request = HTTPRequest(url, headers={"Authorization": f"token {self._server.token}"})
        self._socket = self._loop.run_until_complete(_joined(request))
        assert json.loads(self._read() or "{}")["kind"] == "hello"

    def _read(self) -> Any:
        assert self._socket is not None
        return self._loop.run_until_complete(asyncio.wait_for(_next(self._socket), 20))

    def answer_to(self, message: str | bytes, *, is_binary: bool) -> dict[str, Any] | int | None:
        """The ack or nack to a message, or the code the socket was closed with."""
        if self._socket is None:
            self._join()
        assert self._socket is not None
        self._loop.run_until_complete(_write(self._socket, message, is_binary))
        while (text := self._read()) is not None:
            frame: dict[str, Any] = json.loads(text)
            if frame["kind"] in ("ack", "nack"):
                return frame
        code, self._socket = self._socket.close_code, None
        return code

    def close(self) -> None:
        if self._socket is not None:
            self._loop.run_until_complete(_close(self._socket))
        self._loop.close()


async def _joined(request: HTTPRequest) -> WebSocketClientConnection:
    return await websocket_connect(request)


async def _close(socket: WebSocketClientConnection) -> None:
    socket.close()
    while await asyncio.wait_for(socket.read_message(), 30) is not None:
        pass


async def _next(socket: WebSocketClientConnection) -> Any:
    return await socket.read_message()


async def _write(socket: WebSocketClientConnection, message: str | bytes, is_binary: bool) -> None:
    with contextlib.suppress(WebSocketClosedError):  # the server may close before it has read all of it
        await socket.write_message(message, binary=is_binary)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """One that pings as in life: between two calls nobody reads, and to make the next may take a while."""
    with real_server(tmp_path_factory.mktemp("server")) as found:
        yield found


@pytest.fixture(scope="module")
def caller(server: RealServer) -> Iterator[Caller]:
    caller = Caller(server)
    yield caller
    caller.close()


def test_random_frames_are_answered_and_the_server_goes_on(server: RealServer, caller: Caller) -> None:
    sizes: list[float] = []

    @settings(
        max_examples=1500, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(RAW)
    def run(message: str | bytes) -> None:
        answer = caller.answer_to(message, is_binary=isinstance(message, bytes))
        assert isinstance(answer, dict), (answer, message[:200])
        assert answer["kind"] == "ack" or (answer["code"] not in ("server_error", "error") and answer["message"])
        sizes.append(server.resident_bytes)

    run()
    assert server.ask("GET", "/health")["status"] == "ok"
    assert "Traceback" not in server.log
    quarter = len(sizes) // 4
    grown = statistics.median(sizes[-quarter:]) - statistics.median(sizes[quarter : 2 * quarter])
    assert grown < 30_000_000, f"{grown / 1e6:.1f} MB more in the last quarter than in the second"


@pytest.mark.parametrize(("frame", "code"), [(b'{"kind": "cancel", "id": "\xff"}', None), (b"x" * 4_000_001, 1009)])
def test_what_is_no_text_or_too_long_closes_the_socket_as_documented(
    server: RealServer, caller: Caller, frame: bytes, code: int
) -> None:
    assert caller.answer_to(frame, is_binary=False) in (code, None)  # a reset may overtake the closing frame
    assert caller.answer_to('{"kind": "cancel", "id": "after"}', is_binary=False) == {
        "kind": "ack", "id": "after", "cancelled": False, "runIds": [],
    }  # fmt: skip
