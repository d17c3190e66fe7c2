"""Chats of other programs, brought in from the file browser and from the computer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")

from lab_kit import Chat, Lab, open_lab
from playwright.sync_api import Page, expect

LAB_CHAT = {
    "messages": [
        {"id": "1", "body": "what is this?", "time": 1.5, "sender": "ann", "type": "msg"},
        {"id": "2", "body": "A plot of the tides.", "time": 2.5, "sender": "bot", "type": "msg"},
    ],
    "users": {"ann": {"username": "ann", "display_name": "Ann"}, "bot": {"username": "bot", "bot": True}},
    "attachments": {},
    "metadata": {"id": "abc"},
}


def pick(page: Page, file: Path) -> None:
    """Imports a file of this computer by the command palette."""
    page.keyboard.press("Control+Shift+C")
    page.locator(".jp-ModalCommandPalette input").fill("Import Chat")
    with page.expect_file_chooser() as chooser:
        page.locator(".lm-CommandPalette-item", has_text="Import Chat…").click()
    chooser.value.set_files(file)


def test_a_chat_file_becomes_a_chat_by_its_context_menu_and_one_of_this_computer_from_the_palette(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    (lab.root / "tides.chat").write_text(json.dumps(LAB_CHAT))
    (lab.root / "plain.txt").write_text("no chat")
    open_lab(page, lab)
    browser = page.get_by_role("tab", name="File Browser")
    if browser.get_attribute("aria-selected") != "true":
        browser.click()
    for name, is_offered in (("plain.txt", False), ("tides.chat", True)):
        page.locator(".jp-DirListing-item", has_text=name).click(button="right")
        entry = page.locator(".lm-Menu-item", has_text="Import as Chat")
        expect(page.locator(".lm-Menu-item", has_text="Rename")).to_be_visible()
        expect(entry).to_be_visible(visible=is_offered)
        if not is_offered:
            page.keyboard.press("Escape")
    entry.click()
    tab = Chat(page.locator(".jcs-Main"))
    tab.shows("A plot of the tides.")
    picked = tmp_path / "list.json"
    picked.write_text(json.dumps([{"role": "user", "content": "hello there"}, {"role": "assistant", "content": "Hi."}]))
    pick(page, picked)
    expect(page.locator(".jcs-Main").filter(has_text="Hi.")).to_be_visible(timeout=20_000)
