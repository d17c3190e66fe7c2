"""M2: what a piece of text costs from a provider through the agent, beside reading the same stream with httpx alone.

Both sides ask the same provider, in a process of its own, for 20,000 pieces at full speed, and spend CPU in this one.
The other side is the least a client does: httpx's own lines, each parsed as JSON. What the engine adds comes on top.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path

import httpx

from jupyter_chat_sessions.agents.openai_compatible import OpenAICompatible
from jupyter_chat_sessions.agents.providers import parse_model_id
from jupyter_chat_sessions.agents.web import close_session
from jupyter_chat_sessions.core.ids import new_run_id, new_thread_id
from jupyter_chat_sessions.core.roles import Request, TextDelta

from .harness import Figure, compare

PIECES = 20_000
GOAL = 1.5
MODEL = f"echo-{PIECES}"
QUESTION = [{"role": "system", "content": "Echo."}, {"role": "user", "content": "go"}]


@contextmanager
def _provider() -> Iterator[str]:
    """The base URL of the tests' provider, in a process of its own."""
    program = Path(__file__).parents[1] / "agents" / "upstream.py"
    process = subprocess.Popen([sys.executable, str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.stdin.close()
        process.wait(10)


async def _through_the_agent(base_url: str) -> int:
    model_id = parse_model_id(f"custom:{MODEL}")
    assert model_id
    agent = OpenAICompatible(model_id, environment={"CUSTOM_BASE_URL": base_url})
    request = Request(new_thread_id(), new_run_id(), [{"id": "m", "role": "user", "content": "go"}])
    count = 0
    async with aclosing(agent.answer(request)) as events:
        async for event in events:
            count += isinstance(event, TextDelta)
    return count


async def _by_httpx_alone(client: httpx.AsyncClient, base_url: str) -> int:
    count = 0
    body = {"model": MODEL, "messages": QUESTION, "stream": True}
    async with client.stream("POST", f"{base_url}/chat/completions", json=body) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: {"):
                count += bool(json.loads(line[6:])["choices"][0]["delta"].get("content"))
    return count


def measure(is_quick: bool) -> list[Figure]:
    """The ratio of the two, and what each takes."""
    loop = asyncio.new_event_loop()
    client = httpx.AsyncClient(trust_env=False)

    def cpu_of(read: Callable[[], Awaitable[int]]) -> float:
        async def timed() -> float:
            began = time.process_time()
            assert await read() == PIECES
            return time.process_time() - began

        return loop.run_until_complete(timed())

    with _provider() as base_url:
        found = compare(
            lambda: cpu_of(lambda: _through_the_agent(base_url)),
            lambda: cpu_of(lambda: _by_httpx_alone(client, base_url)),
            rounds=5 if is_quick else 15,
        )
        loop.run_until_complete(client.aclose())
        loop.run_until_complete(close_session())
    loop.close()
    ours_us, other_us = found.ours / PIECES * 1e6, found.other / PIECES * 1e6
    costs = f"agent {ours_us:.1f} us, httpx alone {other_us:.1f} us CPU a piece"
    note = f"{costs}, {found.rounds} rounds, control {found.control:.2f}"
    return [
        Figure(
            "M2",
            "a piece through the agent, over httpx alone",
            found.ratio,
            found.low,
            found.high,
            "x",
            f"<= {GOAL} x",
            GOAL,
            note,
            found.is_sound,
        )
    ]
