"""What tests of several folders share: who runs the asynchronous ones.

Tests of the doors run in the event loop of their server, by pytest-jupyter; all others by pytest-asyncio.
"""

from __future__ import annotations

import inspect

import pytest

pytest_plugins = ["pytest_jupyter.jupyter_server"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        is_asynchronous = isinstance(item, pytest.Function) and inspect.iscoroutinefunction(item.obj)
        if is_asynchronous and "server" not in item.path.parts and item.get_closest_marker("asyncio") is None:
            item.add_marker(pytest.mark.asyncio)
