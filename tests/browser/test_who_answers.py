"""Choosing who answers, typing a key, and looking at what was sent, in a real JupyterLab."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")

sys.path.append(str(Path(__file__).parents[1] / "agents"))

from lab_kit import Lab, open_chat, open_lab, until
from playwright.sync_api import Page, expect
from upstream import Upstream, running_upstream

KEY = "sk-typed-in-the-browser-0123456789"


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Upstream]:
    with running_upstream() as served:
        monkeypatch.setenv("OPENAI_BASE_URL", served.base_url)
        monkeypatch.delenv("OPENAI_API_KEY", raising=False)
        yield served


def test_a_model_is_chosen_with_a_typed_key_answers_after_a_reload_too_and_shows_what_it_was_sent(
    upstream: Upstream, lab: Lab, page: Page
) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.place.get_by_role("button", name="Connect one").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("API keys").click()
    dialog.get_by_label("API key of OpenAI").fill(KEY)
    dialog.get_by_role("button", name="Use key").click()
    expect(dialog.get_by_text("A key is held in the server")).to_be_visible()
    expect(dialog.get_by_label("API key of OpenAI")).to_have_value("")
    dialog.get_by_role("textbox", name="Another model").fill("openai:reason")
    picture(page, "models")
    dialog.get_by_role("button", name="Use", exact=True).click()
    chip = chat.place.get_by_role("button", name="choose who does")
    expect(chip).to_contain_text("openai:reason")
    chat.send("What is it?")
    chat.shows("42")
    assert upstream.asked[0].headers["authorization"] == f"Bearer {KEY}"

    page.reload()
    chat = open_chat(page)
    expect(chat.place.get_by_role("button", name="choose who does")).to_contain_text("openai:reason")
    chat.send("/model openai:length")
    chat.shows("From now on")
    chat.send("Again?")
    chat.shows("The answer is cut off")
    expect(chat.place.get_by_role("button", name="choose who does")).to_contain_text("openai:length")
    chat.place.get_by_role("button", name="What was sent to the model").last.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Request 1 of 1")
    dialog.get_by_text("Again?").first.click()
    expect(dialog.locator("pre:visible")).to_contain_text("Again?")
    picture(page, "requests")
    assert KEY not in page.content()
    dialog.get_by_role("button", name="Close").click()
    chat.place.get_by_role("button", name="Continue").click()
    chat.shows("Please continue.")


NARROW = """() => {
  const panel = window.jupyterapp.shell._hsplitPanel;
  panel.setRelativeSizes([0, 1, 0]);
}"""
"""The sidebar becomes as narrow as it gets."""

ROOM = """chips => {
  const { left, right, top, bottom } = chips.getBoundingClientRect();
  return [...chips.children].every(each => {
    const box = each.getBoundingClientRect();
    return box.width > 20 && box.left >= left && box.right <= right && box.top >= top && box.bottom <= bottom + 1;
  }) && bottom - top < 30;
}"""
"""Whether all that stands below the composer has room there, on one line."""


def test_who_answers_what_it_cost_and_the_menu_stand_on_one_line_of_a_narrow_sidebar(
    upstream: Upstream, lab: Lab, page: Page
) -> None:
    lab.stop()
    lab.use_provider(upstream.base_url, KEY, "costs")
    lab.start()
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("How much is it?")
    chat.shows("ok")
    expect(chat.place.get_by_role("group", name="It cost $0.0004")).to_be_visible()
    page.evaluate(NARROW)
    until(lambda: chat.place.evaluate("place => place.clientWidth") < 300)
    assert chat.place.locator(".jcs-Chips").evaluate(ROOM)


def picture(page: Page, name: str) -> None:
    folder = Path(__file__).parents[2] / "test-results"
    folder.mkdir(exist_ok=True)
    page.screenshot(path=folder / f"{name}.png")
