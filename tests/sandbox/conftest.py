"""Real kernels for the sandbox's tests: one runner a module, so that its kernels are shared."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sandbox_calls import Run, Told, make_runner, told_by

from jupyter_chat_sessions.core.ids import ThreadId, new_thread_id
from jupyter_chat_sessions.sandbox import SandboxRunner


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def runner(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SandboxRunner]:
    made = make_runner(tmp_path_factory.mktemp("notebooks"), grace_s=1.0)
    yield made
    await made.shutdown()


@pytest.fixture(scope="module")
def thread_id() -> ThreadId:
    return new_thread_id()


@pytest.fixture(scope="module")
def run(runner: SandboxRunner, thread_id: ThreadId) -> Run:
    """Runs code in the module's thread."""

    async def run_in_thread(code: str, timeout_s: float | None = 30.0) -> Told:
        return await told_by(runner, code, thread_id, timeout_s)

    return run_in_thread
