"""Chromium and JupyterLab as a person has them. Skipped, with the reason, where one is missing."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Error

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PATIENCE_MS = 20_000
"""How long what a test expects may take to be seen, on a machine that is busy with others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)


def missing() -> str | None:
    """What is not here that these tests need."""
    if CHROMIUM is None:
        return "there is no Chromium on this machine (Debian: apt-get install chromium)"
    extension = Path(sys.prefix) / "share" / "jupyter" / "labextensions" / "jupyter_chat_sessions" / "package.json"
    if not extension.exists():
        return "the package is not installed in this environment with its front end (pip install .)"
    for module in ("playwright", "jupyterlab"):
        try:
            __import__(module)
        except ImportError:
            return f"{module} is not installed (pip install '.[lab,test]')"
    return None


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """No loop of pytest-jupyter's: playwright runs one of its own."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """No server in this process to clean up after."""


@pytest.fixture(scope="session", autouse=True)
def all_is_here() -> None:
    reason = missing()
    if reason is not None:
        pytest.skip(reason)


@pytest.fixture(scope="module")  # no wider: while it lives, playwright's loop stands in the way of all others
def chromium(all_is_here: None) -> Iterator[object]:
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def is_fault(error: Error) -> bool:
    """Whether a page's error counts: not those JupyterLab throws itself where a test kills its server and kernels, and
    not the one of Notebook 7's own start, about a setting it does not find."""
    is_of_a_kill = re.search("Failed to fetch|[Kk]ernel is dead|[Cc]anceled future", error.message)
    is_of_notebook = "(reading 'schema')" in error.message and "/static/notebook/" in (error.stack or "")
    return not (is_of_a_kill or is_of_notebook) or "jupyter_chat_sessions" in (error.stack or "")


@pytest.fixture
def page(chromium: object, request: pytest.FixtureRequest) -> Iterator[object]:
    """A page whose errors fail the test. Its last picture is kept in `test-results/`."""
    from playwright.sync_api import Browser

    assert isinstance(chromium, Browser)
    context = chromium.new_context(viewport={"width": 1300, "height": 860})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)) if is_fault(error) else None)
    yield page
    pictures = HERE.parent.parent / "test-results"
    os.makedirs(pictures, exist_ok=True)
    page.screenshot(path=pictures / f"{request.node.name}.png")
    context.close()
    assert faults == []


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[object]:
    """A running JupyterLab with the quickstart notebook."""
    from lab_kit import Lab

    lab = Lab(tmp_path)
    shutil.copy(HERE.parent.parent / "examples" / "quickstart.ipynb", lab.root)
    lab.start()
    yield lab
    lab.stop()
