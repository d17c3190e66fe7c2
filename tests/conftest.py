"""What tests of several folders share. Asynchronous tests run in pytest-jupyter's loop, which their server lives in;
those that share a kernel over a module are marked for pytest-asyncio."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["pytest_jupyter.jupyter_server"]

# An example takes as long as a busy machine lets it. The same examples each time: a change is judged by itself; to look
# further, `--hypothesis-profile wander`.
settings.register_profile("settled", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("wander", settings.get_profile("settled"), derandomize=False)
settings.load_profile("settled")


@pytest.fixture(scope="session", autouse=True)
def _jupyter_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes what is its person's own: a thread that an earlier run knew of would be found again."""
    with pytest.MonkeyPatch.context() as changing:
        for name in ("CONFIG", "DATA", "RUNTIME"):
            changing.setenv(f"JUPYTER_{name}_DIR", str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture
def user() -> Iterator[str]:
    """An ordinary user of this machine, made for one test; only root can make one."""
    name = f"jcs-test-{os.getpid()}"
    made = subprocess.run(["useradd", "--no-create-home", "--shell", "/bin/sh", name], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no user could be made: {made.stderr.strip()}")
    yield name
    subprocess.run(["userdel", name], check=True, capture_output=True)
