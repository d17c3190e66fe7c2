"""Hands that use no mouse, ears that follow an answer, eyes that want less motion or their own colours."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")

from lab_kit import Lab, open_chat, open_lab, ticking
from playwright.sync_api import Locator, Page, expect
from screens import faults_of, keep_picture, python


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """A JupyterLab where a model answers."""
    lab.stop()
    lab.use_model()
    lab.start()
    return lab


def tab_to(page: Page, wanted: Locator, key: str = "Tab", most: int = 40) -> None:
    """Presses a key until that has the focus."""
    for _ in range(most):
        if wanted.evaluate("node => node === document.activeElement"):
            return
        page.keyboard.press(key)
    pytest.fail(f"{key} never came to {wanted}")


def test_a_chat_is_begun_written_stopped_approved_and_left_by_keys_alone(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("print('before')")
    chat.is_done()
    page.locator(".jp-CodeCell .cm-content").first.click()  # the last use of a mouse
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Alt+n")
    expect(chat.composer).to_be_focused()
    page.keyboard.insert_text(python(ticking(300, 0.1)))
    page.keyboard.press("Enter")
    expect(chat.approval).to_be_visible(timeout=30_000)
    tab_to(page, chat.approval.get_by_role("button", name="Approve", exact=True), "Shift+Tab")
    page.keyboard.press("Space")
    expect(chat.cards.last).to_contain_text("tick 3", timeout=60_000)
    tab_to(page, chat.stop)
    page.keyboard.press("Enter")
    chat.is_done()
    expect(chat.cards.last).to_contain_text("Stopped")
    more = chat.place.get_by_role("button", name="Export and more")
    tab_to(page, more)
    page.keyboard.press("Enter")
    expect(page.get_by_role("menu").get_by_text("Export Chat as Markdown")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu").get_by_text("Export Chat as Markdown")).to_have_count(0)
    page.keyboard.press("Control+Shift+c")
    page.keyboard.type("Activate Next Tab")
    page.locator(".lm-CommandPalette-item", has_text="Activate Next Tab").first.wait_for()
    page.keyboard.press("Enter")
    notebook = page.locator(".jp-Notebook")
    expect(notebook.locator(":focus")).to_have_count(1)


def test_one_answer_is_announced_once_and_its_pieces_are_not(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("first words")
    chat.is_done()
    page.evaluate(
        """sidebar => {
          window.heard = [];
          const live = node => node.closest?.('[aria-live],[role=status],[role=alert],[role=log]');
          new MutationObserver(records => records.forEach(({ target }) => {
            const region = live(target.nodeType === 1 ? target : target.parentElement);
            const isOff = region?.getAttribute('aria-live') === 'off';
            const said = region && !isOff ? region.textContent.trim() : '';
            if (said) window.heard.push(said);
          })).observe(document.querySelector(sidebar), { childList: true, characterData: true, subtree: true });
        }""",
        "#jupyter-chat-sessions",
    )
    chat.send("many small pieces of one answer " * 20)
    chat.is_done()
    expect(chat.place.get_by_role("status", name="Newest answer")).to_contain_text("many small pieces")
    heard = page.evaluate("window.heard")
    assert len(heard) == 1, heard
    chat.send(python("print('asked')"))
    expect(chat.approval).to_be_visible(timeout=30_000)
    expect(chat.place.get_by_role("status", name="Newest answer")).to_have_text("Your decision is needed.")


def test_nothing_moves_for_who_wants_no_motion_and_their_own_colours_show_everything(lab: Lab, page: Page) -> None:
    page.emulate_media(reduced_motion="reduce", forced_colors="active")
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send(python(ticking(300, 0.1)))
    expect(chat.approval).to_be_visible(timeout=30_000)
    keep_picture(page, "forced colours approval")
    chat.approval.get_by_role("button", name="Approve", exact=True).click()
    expect(chat.cards.last).to_contain_text("tick 3", timeout=60_000)
    moving = page.evaluate(
        """sidebar => document.getAnimations().filter(each => each.playState === 'running' &&
             each.effect.target.closest(sidebar)).map(each => each.effect.target.className)""",
        "#jupyter-chat-sessions",
    )
    assert moving == []
    colours = chat.stop.evaluate(
        """button => { const edge = getComputedStyle(button), shape = button.querySelector('svg [fill]');
             return [edge.borderTopWidth, shape && getComputedStyle(shape).fill, edge.backgroundColor] }"""
    )
    assert colours[0] != "0px"
    assert colours[1] != colours[2], "the icon is there to be seen"
    keep_picture(page, "forced colours running")
    assert faults_of(page) == []
    chat.stop.click()
    chat.is_done()
    keep_picture(page, "forced colours")
