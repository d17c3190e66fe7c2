"""M10: how long a chat's Python takes to be ready, and to answer, beside a stock kernel of jupyter_client.

Ready: from the ask until the kernel has answered on both channels. Stock is `AsyncKernelManager` over TCP, asked in the
same way as ours (its client's own `wait_for_ready` adds 0.2 s of listening to silence).

First result: a new chat's first call of all, `1 + 1`, from the ask to its result, with the folder made, looked through
before and after, and the result put together; for one that starts cold, and for one that gets a kernel that waited.
Stock has started a kernel, asked whether it is ready as for ours, and executed `1 + 1`. What its own `wait_for_ready`
adds is shown beside it.

A warm call is `1 + 1` from the request to its reply and idle, by each side's own client.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager

from jupyter_chat_sessions.core.ids import new_run_id, new_thread_id
from jupyter_chat_sessions.core.roles import ToolContext, ToolResult
from jupyter_chat_sessions.sandbox import SandboxKernels, SandboxPolicy, SandboxRunner
from jupyter_chat_sessions.sandbox.backends import BACKENDS
from jupyter_chat_sessions.sandbox.connection import Connection
from jupyter_chat_sessions.sandbox.policy import BackendChoice
from jupyter_chat_sessions.sandbox.slot import Kernel

from .harness import Comparison, Figure, Measure, compare

GOALS = {"bubblewrap": 1.25}
TIMES_QUICKER = 30
"""How much sooner than a stock kernel's a first result is there when a kernel waited."""
SLACK = 1.2
CALLS = 40


def measure(is_quick: bool) -> list[Figure]:
    """Ready, first result and warm call, for each backend that works here, over stock."""
    loop = asyncio.new_event_loop()
    rounds = 5 if is_quick else 21
    figures = []
    try:
        for backend in BACKENDS:
            if backend.probe().ok:
                ready = compare(_ready(loop, backend.name), _ready_stock(loop), rounds=rounds)
                figures.append(_figure(f"ready, {backend.name}, over stock", ready, GOALS.get(backend.name), 1000))
                cold = compare(_first(loop, backend.name, _nothing), _first_stock(loop, _ready_as_ours), rounds=rounds)
                figures.append(_figure(f"first result, cold, {backend.name}, over stock", cold, None, 1000))
                waited = compare(_first(loop, backend.name, _prepared), _first_stock(loop, _ready_as_ours), rounds)
                goal = 1 / TIMES_QUICKER
                figures.append(_figure(f"first result, waited, {backend.name}, over stock", waited, goal, 1000))
                with _Warm(loop, backend.name) as (ours, stock):
                    warm = compare(ours, stock, rounds=rounds)
                goal = 1.0 if backend.name == "bubblewrap" else None
                figures.append(_figure(f"warm call, {backend.name}, over stock", warm, goal, 1000 / CALLS))
    finally:
        own = compare(_first_stock(loop, _ready_by_its_own), _first_stock(loop, _ready_as_ours), rounds)
        figures.append(_figure("first result, stock by its own wait_for_ready", own, None, 1000))
        loop.close()
    return figures


def _figure(what: str, found: Comparison, goal: float | None, to_ms: float) -> Figure:
    times = f"{1 / found.ratio:.1f} ({1 / found.high:.1f} to {1 / found.low:.1f}) times sooner"
    note = f"ours {found.ours * to_ms:.1f} ms, stock {found.other * to_ms:.1f} ms, {times}, {found.rounds} rounds"
    return Figure(
        "M10",
        what,
        found.ratio,
        found.low,
        found.high,
        "x",
        f"<= {goal:.3g} x" if goal else "",
        goal * SLACK if goal else None,
        f"{note}, control {found.control:.2f}",
        found.is_sound,
    )


# --- stock -----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _stock_manager() -> AsyncIterator[AsyncKernelManager]:
    manager = AsyncKernelManager()
    await manager.start_kernel(stderr=subprocess.DEVNULL)
    try:
        yield manager
    finally:
        await manager.shutdown_kernel(now=True)


@asynccontextmanager
async def _stock_client(manager: AsyncKernelManager) -> AsyncIterator[AsyncKernelClient]:
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        yield client
    finally:
        client.stop_channels()


def _ready_stock(loop: asyncio.AbstractEventLoop) -> Measure:
    async def start() -> float:
        began = time.perf_counter()
        async with _stock_manager() as manager:
            connection = Connection(manager)
            await connection.ready(lambda: True, 60.0)
            took = time.perf_counter() - began
            connection.close()
            return took

    return lambda: loop.run_until_complete(start())


async def _ready_as_ours(manager: AsyncKernelManager, client: AsyncKernelClient) -> None:
    connection = Connection(manager)
    await connection.ready(lambda: True, 60.0)
    connection.close()
    client.start_channels()


async def _ready_by_its_own(manager: AsyncKernelManager, client: AsyncKernelClient) -> None:
    client.start_channels()
    await client.wait_for_ready(timeout=60)


def _first_stock(
    loop: asyncio.AbstractEventLoop, ready: Callable[[AsyncKernelManager, AsyncKernelClient], Awaitable[None]]
) -> Measure:
    async def first() -> float:
        began = time.perf_counter()
        async with _stock_manager() as manager:
            client = manager.client()
            try:
                await ready(manager, client)
                await _call_stock(client)
                return time.perf_counter() - began
            finally:
                client.stop_channels()

    return lambda: loop.run_until_complete(first())


async def _call_stock(client: AsyncKernelClient) -> None:
    await client._async_execute_interactive("1 + 1", allow_stdin=False, output_hook=lambda _: None)


# --- ours ------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _kernels(backend: BackendChoice) -> AsyncIterator[Callable[[], asyncio.Future[Kernel]]]:
    with tempfile.TemporaryDirectory() as place:
        kernels = SandboxKernels(SandboxPolicy(backend=backend))

        def start() -> asyncio.Future[Kernel]:
            thread_id = new_thread_id()
            folder = Path(place) / ".chats" / thread_id / "files"
            return asyncio.ensure_future(kernels.kernel(kernels.slot(thread_id), folder))

        try:
            yield start
        finally:
            await kernels.shutdown()


def _ready(loop: asyncio.AbstractEventLoop, backend: str) -> Measure:
    async def start() -> float:
        async with _kernels(backend) as ready:
            began = time.perf_counter()
            await ready()
            return time.perf_counter() - began

    return lambda: loop.run_until_complete(start())


async def _nothing(runner: SandboxRunner) -> None:
    """No kernel waits."""


async def _prepared(runner: SandboxRunner) -> None:
    """One waits."""
    runner.prepare(new_thread_id())
    await runner.kernels.spare.settled()


def _first(
    loop: asyncio.AbstractEventLoop, backend: BackendChoice, ready: Callable[[SandboxRunner], Awaitable[None]]
) -> Measure:
    async def first() -> float:
        with tempfile.TemporaryDirectory() as place:
            chats = Path(place) / ".chats"
            chats.mkdir()
            policy = SandboxPolicy(backend=backend)
            runner = SandboxRunner(lambda thread_id: chats / thread_id / "files", lambda run_id: chats / run_id, policy)
            await asyncio.to_thread(lambda: runner.level)
            try:
                await ready(runner)
                began = time.perf_counter()
                events = [event async for event in runner.run("1 + 1", ToolContext(new_thread_id(), new_run_id()))]
                took = time.perf_counter() - began
            finally:
                await runner.shutdown()
            assert isinstance(events[-1], ToolResult)
            assert events[-1].content == "2"
            return took

    return lambda: loop.run_until_complete(first())


async def _call(kernel: Kernel) -> None:
    request = await kernel.connection.execute("1 + 1")
    while not request.has_ended:
        await kernel.connection.messages(request, 1.0)


class _Warm:
    """A kernel of each side, for as long as both are measured."""

    def __init__(self, loop: asyncio.AbstractEventLoop, backend: str) -> None:
        self._loop, self._backend, self._stack = loop, backend, AsyncExitStack()

    def __enter__(self) -> tuple[Measure, Measure]:
        return self._loop.run_until_complete(self._begin())

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._stack.aclose())

    async def _begin(self) -> tuple[Measure, Measure]:
        manager = await self._stack.enter_async_context(_stock_manager())
        client = await self._stack.enter_async_context(_stock_client(manager))
        kernel = await (await self._stack.enter_async_context(_kernels(self._backend)))()

        async def ours() -> None:
            for _ in range(CALLS):
                await _call(kernel)

        async def stock() -> None:
            for _ in range(CALLS):
                await _call_stock(client)

        return self._timed(ours), self._timed(stock)

    def _timed(self, work: Callable[[], Awaitable[None]]) -> Measure:
        async def once() -> float:
            began = time.perf_counter()
            await work()
            return time.perf_counter() - began

        return lambda: self._loop.run_until_complete(once())
