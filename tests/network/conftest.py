"""Real servers and a network that can be bad."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pinging_server import PING_MS, RealServer, real_server
from proxy import Proxy


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """No server in this process to clean up after."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """A server that pings every 0.4 s; in life it is 10 s."""
    with real_server(tmp_path_factory.mktemp("server"), ping_ms=PING_MS) as found:
        yield found


@pytest.fixture
def proxy(server: RealServer) -> Iterator[Proxy]:
    with Proxy(server.port) as proxy:
        yield proxy
