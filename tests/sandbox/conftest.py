"""Real kernels for the sandbox's tests, under every backend that works here: one runner a module and backend, so that
its kernels are shared."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sandbox_calls import Run, Told, make_runner, told_by

from jupyter_chat_sessions.core.ids import ThreadId, new_thread_id
from jupyter_chat_sessions.sandbox import SandboxRunner
from jupyter_chat_sessions.sandbox.backends import BACKENDS, backend_named

RARE_BOMBS = ("a file without a name", "a closed folder", "a deep folder")


def pytest_report_header() -> list[str]:
    reports = {backend.name: backend.probe() for backend in BACKENDS}
    return [f"sandbox: {name} {'tried' if each.ok else f'NOT TRIED: {each.reason}'}" for name, each in reports.items()]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Left to the slow run: where something confines kernels, what is tried unconfined, but for the attacks; and the
    rarer ways to fill a folder in namespaces, where it is counted as it is without."""
    for item in items:
        given = getattr(item, "callspec", None)
        if given is not None and given.params.get("backend") == "bubblewrap" and given.params.get("bomb") in RARE_BOMBS:
            item.add_marker(pytest.mark.slow)
    if not any(backend.name != "plain" and backend.probe().ok for backend in BACKENDS):
        return
    for item in items:
        in_slow = item.path.name in ("test_sandbox_kernels.py", "test_sandbox_limits.py", "test_sandbox_runner.py")
        callspec = getattr(item, "callspec", None)
        if in_slow and callspec is not None and callspec.params.get("backend") == "plain":
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module", params=[backend.name for backend in BACKENDS])
def backend(request: pytest.FixtureRequest) -> str:
    """The name of a backend that works here."""
    report = backend_named(request.param).probe()
    if not report.ok:
        pytest.skip(f"{request.param} does not work here: {report.reason}")
    return str(request.param)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def runner(tmp_path_factory: pytest.TempPathFactory, backend: str) -> AsyncIterator[SandboxRunner]:
    made = make_runner(tmp_path_factory.mktemp("notebooks"), backend=backend, grace_s=1.0)
    yield made
    await made.shutdown()


@pytest.fixture(scope="module")
def thread_id(backend: str) -> ThreadId:
    return new_thread_id()


@pytest.fixture(scope="module")
def run(runner: SandboxRunner, thread_id: ThreadId) -> Run:
    """Runs code in the module's thread."""

    async def run_in_thread(code: str, timeout_s: float | None = 100.0) -> Told:
        return await told_by(runner, code, thread_id, timeout_s)

    return run_in_thread
