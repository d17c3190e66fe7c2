"""What a person sees in JupyterLab: from nothing to a plot, reload, stop, kill, two tabs, the panel."""

from __future__ import annotations

import re
import time

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")

from lab_kit import Lab, open_chat, open_lab, open_panel, ticking, until
from playwright.sync_api import Page, expect

PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 4, 9, 16])\nprint('drawn')"


def test_from_the_quickstart_to_a_plot_drawn_in_the_threads_folder(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send(PLOT)
    picture = chat.log.locator("img")
    expect(picture).to_be_visible(timeout=60_000)
    until(lambda: picture.evaluate("image => image.complete && image.naturalWidth") > 100)
    (thread,) = lab.threads()
    assert (thread / "files" / "plot-1.png").read_bytes().startswith(b"\x89PNG")
    expect(chat.place.get_by_role("region", name="This notebook").locator(".jcs-Row-open")).to_have_count(1)
    page.reload()
    expect(open_chat(page).log.locator("img")).to_be_visible(timeout=30_000)


def test_a_reload_in_mid_answer_goes_on_without_a_gap_or_a_doubled_line_and_stop_stops(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send(ticking(200, 0.1))
    until(lambda: len(chat.ticks()) >= 5)
    page.reload()
    chat = open_chat(page)
    chat.shows("tick 20")
    seen = chat.ticks()
    assert seen == list(range(len(seen)))
    chat.stop.click()
    chat.is_done()
    chat.shows("Stopped")
    stopped = chat.ticks()
    assert stopped == list(range(len(stopped)))
    assert len(stopped) < 200
    chat.send("6 * 7")
    chat.shows("42")


def test_after_a_kill_the_page_comes_back_by_itself_says_interrupted_and_tries_again(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("print('kept')")
    chat.is_done()
    chat.send(ticking(40, 0.1))
    until(lambda: len(chat.ticks()) >= 5)
    time.sleep(0.5)  # the draft reaches the disk five times a second
    lab.kill()
    expect(chat.place.get_by_role("status").filter(has_text="The server cannot be reached").first).to_be_visible()
    lab.start()
    expect(chat.place.get_by_role("button", name="Retry")).to_be_visible(timeout=60_000)
    chat.shows("kept")
    chat.shows("tick 3")
    chat.place.get_by_role("button", name="Retry").click()
    chat.shows("tick 39")
    chat.is_done()


def test_a_new_chat_in_mid_answer_is_another_thread_and_each_keeps_its_own(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("mine = 'first'\n" + ticking(10, 0.2))
    chat.shows("tick 1")
    chat.new()
    chat.send("print('second', 'mine' in globals())")
    chat.shows("second False")
    expect(chat.rows()).to_have_count(2)
    assert "tick" not in chat.log.inner_text()
    chat.rows().filter(has_text="mine = ").click()
    chat.shows("tick 9")
    assert "second" not in chat.log.inner_text()
    assert len(lab.threads()) == 2


def test_five_quick_messages_in_a_new_chat_are_one_thread_answered_in_order(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    for number in range(5):
        chat.send(f"print('answer', {number})")
    chat.shows("answer 4")
    chat.is_done()
    assert re.findall(r"^answer (\d)$", chat.log.inner_text(), re.MULTILINE) == ["0", "1", "2", "3", "4"]
    assert len(lab.threads()) == 1


def test_two_tabs_show_each_message_once(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("print('once')")
    chat.shows("once")
    chat.is_done()
    other_page = page.context.new_page()
    open_lab(other_page, lab)
    other = open_chat(other_page)
    other.shows("once")
    chat.send("print('and', 'again')")
    other.shows("and again")
    other.is_done()
    for each in (chat, other):
        expect(each.log.get_by_role("article", name="You")).to_have_count(2)
        expect(each.cards).to_have_count(2)


def test_a_thread_is_renamed_in_place_and_deleted_by_two_clicks(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("print(1)")
    chat.is_done()
    row = chat.rows().first
    expect(row).to_contain_text("print(1)")
    row.hover()
    chat.place.get_by_role("button", name=re.compile("^Rename ")).first.click()
    title = chat.place.get_by_role("textbox", name="Title")
    title.fill("Sales")
    title.press("Enter")
    expect(chat.rows().first).to_contain_text("Sales")
    page.reload()
    chat = open_chat(page)
    expect(chat.rows().first).to_contain_text("Sales", timeout=30_000)
    chat.rows().first.hover()
    delete = chat.place.locator(".jcs-Confirm").first
    delete.click()
    expect(chat.rows()).to_have_count(1)
    delete.click()
    expect(chat.rows()).to_have_count(0)
    until(lambda: not lab.threads())


def test_the_panel_in_a_notebook_shows_the_same_chat_and_keys_typed_in_it_stay_in_it(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    sidebar = open_chat(page)
    sidebar.send("print('from the', 'sidebar')")
    sidebar.shows("from the sidebar")
    panel = open_panel(page)
    panel.shows("from the sidebar")
    cells = page.locator(".jp-Cell").count()
    panel.composer.click()
    page.keyboard.type("aabb = 1")
    page.keyboard.press("Enter")
    panel.is_done()
    panel.send("print('from the', 'panel')")
    sidebar.shows("from the panel")
    assert page.locator(".jp-Cell").count() == cells
    assert len(lab.threads()) == 1
