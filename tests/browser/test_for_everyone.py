"""What axe checks, on every screen: names, roles, contrast, in each of JupyterLab's themes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")

from lab_kit import Chat, Lab, open_chat, open_lab, open_panel
from playwright.sync_api import Browser, Page, expect
from screens import faults_of, keep_picture, screens
from test_shared_thread import share

THEMES = ["JupyterLab Light", "JupyterLab Dark", "JupyterLab Dark High Contrast"]


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """A JupyterLab where a model answers."""
    lab.stop()
    lab.use_model()
    return lab


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing_serious_on_any_screen(lab: Lab, page: Page, theme: str) -> None:
    lab.set("@jupyterlab/apputils-extension/themes", {"theme": theme})
    lab.start()
    found: list[str] = []
    for screen in screens(page, lab):
        keep_picture(page, f"{theme} {screen}")
        found += [f"{screen}: {fault}" for fault in faults_of(page)]
    assert found == [], "\n".join(found)


def test_axe_finds_nothing_serious_in_a_panel_in_a_notebook(lab: Lab, page: Page) -> None:
    lab.start()
    open_lab(page, lab)
    panel = open_panel(page)
    panel.send("some words")
    panel.shows("some words")
    panel.is_done()
    keep_picture(page, "panel")
    assert faults_of(page) == []


@pytest.fixture(params=["light", "dark"])
def stranger(chromium: object, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page in a browser that has never been here."""
    assert isinstance(chromium, Browser)
    context = chromium.new_context(viewport={"width": 900, "height": 760}, color_scheme=request.param)
    yield context.new_page()
    context.close()


def test_axe_finds_nothing_serious_on_a_shared_page(
    lab: Lab, page: Page, stranger: Page, request: pytest.FixtureRequest
) -> None:
    lab.start()
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("Please.\n```python\nprint('seen')\n```")
    chat.approval.get_by_role("button", name="Approve", exact=True).click(timeout=30_000)
    chat.shows("The tool said")
    chat.is_done()
    stranger.goto(share(page, chat, "Read and write"))
    seen = Chat(stranger.locator(".jcs-Share"))
    seen.shows("The tool said")
    expect(seen.composer).to_be_enabled()
    keep_picture(stranger, f"shared {request.node.callspec.params['stranger']}")
    assert faults_of(stranger) == []
