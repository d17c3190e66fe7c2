"""What else a chat offers: export, its code in the notebook, the queue, the Running panel, banners."""

from __future__ import annotations

import json
import re

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")

from lab_kit import Chat, Lab, open_chat, open_lab, ticking, until
from playwright.sync_api import Page, expect

CODE = "Like this:\n\n```python\nimport os\nprint('from', 'here')\n```"


def test_a_chat_is_exported_in_three_formats(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("print('kept', 1)")
    chat.shows("kept 1")
    chat.is_done()
    for name, ending in (("Markdown", "md"), ("Notebook", "ipynb"), ("JSON", "json")):
        chat.place.get_by_role("button", name="Export and more").click()
        with page.expect_download() as download:
            page.get_by_role("menuitem", name=f"Export Chat as {name}").click()
        assert download.value.suggested_filename.endswith(f".{ending}")
        text = download.value.path().read_text()
        assert "print('kept', 1)" in text or "print('kept', 1)" in json.dumps(json.loads(text))


def test_code_is_put_above_and_over_a_cell_with_its_changes_shown_and_run_in_the_sandbox(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send(CODE)
    chat.shows("from here")
    chat.is_done()
    cells = page.locator(".jp-Cell")
    before = cells.count()
    page.locator(".jp-CodeCell .cm-content").first.click()
    chat.cards.last.locator(".jcs-Code").hover()
    chat.cards.last.get_by_role("button", name="Insert above the active cell").click()
    expect(cells).to_have_count(before + 1)
    page.locator(".jp-CodeCell .cm-content").filter(has_text="ChatPanel").click()
    chat.cards.last.locator(".jcs-Code").hover()
    chat.cards.last.get_by_role("button", name="Replace the active cell…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("2 lines added, 3 removed")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.locator(".jp-CodeCell .cm-content").filter(has_text="ChatPanel")).to_have_count(1)
    chat.cards.last.locator(".jcs-Code").hover()
    chat.cards.last.get_by_role("button", name="Replace the active cell…").click()
    dialog.get_by_role("button", name="Replace").click()
    expect(page.locator(".jp-CodeCell .cm-content").filter(has_text="ChatPanel")).to_have_count(0)
    expect(page.locator(".jp-CodeCell .cm-content").filter(has_text="import os")).to_have_count(2)
    expect(cells).to_have_count(before + 1)
    cards = chat.cards.count()
    chat.cards.last.locator(".jcs-Code").hover()
    chat.cards.last.get_by_role("button", name=re.compile("^Run in this chat")).click()
    expect(chat.cards).to_have_count(cards + 1)
    chat.is_done()
    assert len(lab.threads()) == 1


def test_what_waits_is_said_in_other_words_or_dropped(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send(ticking(60, 0.1))
    chat.shows("tick 1")
    chat.send("print('dropped')")
    chat.send("print('worse')")
    waiting = chat.place.locator(".jcs-Turn.jcs-mod-waiting")
    expect(waiting).to_have_count(2)
    waiting.nth(0).get_by_role("button", name="Take back").click()
    expect(waiting).to_have_count(1)
    waiting.hover()
    waiting.get_by_role("button", name="Edit the question").click()
    editor = chat.place.get_by_role("textbox", name="The question in other words")
    editor.fill("print('bet' + 'ter')")
    editor.press("Control+Enter")
    expect(waiting).to_contain_text("bet")
    chat.stop.focus()
    chat.shows("better")
    chat.is_done()
    shown = chat.log.inner_text()
    assert "worse" not in shown
    assert "dropped" not in shown


def test_jupyterlabs_running_panel_lists_chats_stops_them_and_shuts_their_python_down(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("kept = 1\n" + ticking(300, 0.1))
    chat.shows("tick 1")
    page.locator('.jp-SideBar [data-id="jp-running-sessions"]').click()
    panel = page.locator("#jp-running-sessions")
    refresh = panel.get_by_role("button", name="Refresh").first
    rows = panel.locator(".jp-RunningSessions-item", has_text="kept = 1")
    until(lambda: (refresh.click(), page.wait_for_timeout(200), rows.count() == 2)[-1])
    rows.first.hover()
    rows.first.locator('[title="Stop"]').click()
    until(lambda: (refresh.click(), page.wait_for_timeout(200), rows.count() == 1)[-1])
    rows.first.hover()
    rows.first.locator('[title="Shut Down Python"]').click()
    until(lambda: (refresh.click(), page.wait_for_timeout(200), rows.count() == 0)[-1])
    chat = open_chat(page)
    chat.shows("Stopped")
    chat.send("print('kept' in globals())")
    chat.shows("False")
    expect(chat.place.get_by_role("status").filter(has_text="Python was started anew")).to_be_visible()
    chat.place.get_by_role("button", name="Dismiss").click()
    expect(chat.place.locator(".jcs-Banner", has_text="Python was started anew")).to_have_count(0)


def test_a_lost_server_is_told_with_its_tries_and_tried_again_at_a_click(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("print('was', 1)")
    chat.shows("was 1")
    lab.kill()
    status = chat.place.get_by_role("status").filter(has_text="cannot be reached")
    expect(status).to_contain_text("Tried 2 times", timeout=30_000)
    lab.start()
    chat.place.get_by_role("button", name="Try now").click()
    expect(chat.place.get_by_text("The server cannot be reached")).to_have_count(0, timeout=15_000)
    chat.send("print('bac' + 'k')")
    chat.shows("back")


def test_a_link_opens_a_chat_in_the_main_area(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("print('linked', 1)")
    chat.shows("linked 1")
    (thread,) = lab.threads()
    page.goto(f"{lab.url}/lab/tree/quickstart.ipynb?chat={thread.name}")
    tab = Chat(page.locator(".jcs-Main"))
    tab.shows("linked 1")
    assert "chat=" not in page.url
