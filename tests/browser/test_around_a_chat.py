"""What stands around a conversation: branches, files, code, tabs, settings, long threads, saved panels."""

from __future__ import annotations

import json
import re
import shutil
import time

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")

from lab_kit import Chat, Lab, open_chat, open_lab, open_panel, until
from long_thread import write_thread
from playwright.sync_api import Page, Route, expect


def test_a_question_in_other_words_is_a_branch_and_the_one_before_it_comes_back(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("print('fir' + 'st')")
    chat.shows("first")
    chat.is_done()
    chat.log.get_by_role("article", name="You").hover()
    chat.place.get_by_role("button", name="Edit the question").click()
    editor = chat.place.get_by_role("textbox", name="The question in other words")
    editor.fill("print('sec' + 'ond')")
    editor.press("Control+Enter")
    chat.shows("second")
    chat.is_done()
    assert "first" not in chat.log.inner_text()
    chat.place.get_by_role("button", name="Wording: previous").click()
    chat.shows("first")
    assert "second" not in chat.log.inner_text()
    chat.send("print('follows the ' + 'first')")
    chat.shows("follows the first")
    chat.is_done()
    page.reload()
    chat = open_chat(page)
    chat.shows("follows the first")
    assert "second" not in chat.log.inner_text()


def test_the_threads_files_are_listed_and_downloaded_and_code_goes_into_the_notebook(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("Like this:\n\n```python\nopen('table.csv', 'w').write('a,b')\n```")
    strip = chat.place.get_by_role("region", name="Files of this chat")
    expect(strip).to_contain_text("1 file", timeout=30_000)
    expect(chat.cards.last).to_contain_text("table.csv")
    strip.get_by_role("button").click()
    with page.expect_download() as download:
        strip.get_by_role("link", name=re.compile("table.csv")).click()
    assert download.value.path().read_text() == "a,b"
    save = strip.get_by_role("button", name=re.compile("Save table.csv to the notebook"))
    save.click()
    expect(strip).to_contain_text("table.csv was saved beside the notebook as table.csv")
    assert (lab.root / "table.csv").read_text() == "a,b"
    save.click()
    expect(strip).to_contain_text("as table-1.csv")
    cells = page.locator(".jp-Cell").count()
    chat.cards.last.hover()
    chat.cards.last.get_by_role("button", name="Insert below the active cell").click()
    expect(page.locator(".jp-Cell")).to_have_count(cells + 1)
    expect(page.locator(".jp-CodeCell .cm-content").filter(has_text="table.csv")).to_have_count(1)


def test_a_thread_in_the_main_area_comes_back_with_the_layout(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("print('in a', 'tab')")
    chat.is_done()
    chat.place.get_by_role("button", name="Open in the main area").click()
    tab = Chat(page.locator(".jcs-Main"))
    tab.shows("in a tab")
    time.sleep(2)  # JupyterLab saves its layout a second after it has changed, and says nothing about it
    page.goto(page.url.split("?")[0])
    tab.shows("in a tab")
    tab.send("print('from', 'there')")
    open_chat(page).shows("from there")


def test_a_deleted_thread_is_brought_back_by_undo(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("print(1)")
    chat.is_done()
    expect(chat.rows()).to_have_count(1)
    chat.rows().first.hover()
    chat.place.locator(".jcs-Confirm").first.click()
    chat.place.locator(".jcs-Confirm").first.click()
    expect(chat.rows()).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(chat.rows()).to_have_count(1)
    until(lambda: len(lab.threads()) == 1)


def test_the_keys_that_send_can_be_set(lab: Lab, page: Page) -> None:
    lab.set("jupyter_chat_sessions/sessions", {"sendKey": "Shift+Enter"})
    open_lab(page, lab)
    chat = open_chat(page)
    expect(chat.place.get_by_role("button", name="Send")).to_have_attribute("title", "Send (Shift+Enter)")
    chat.composer.fill("x = 6")
    chat.composer.press("Enter")
    page.keyboard.type("x * 7")
    chat.composer.press("Shift+Enter")
    chat.shows("42")
    expect(chat.log.get_by_role("article", name="You")).to_have_count(1)


def test_a_long_thread_opens_at_its_end_and_is_read_backwards_to_its_beginning(lab: Lab, page: Page) -> None:
    write_thread(lab.root, "quickstart.ipynb", turns=300)
    open_lab(page, lab)
    chat = open_chat(page)
    expect(chat.log.get_by_text("Answer 299", exact=True)).to_be_in_viewport(timeout=30_000)
    rows = chat.log.locator(".jcs-Log-row")
    assert rows.count() < 40
    chat.log.hover()
    held: list[Route] = []
    page.route("**/messages?*", lambda route: held.append(route))
    chat.log.evaluate("log => { log.scrollTop = 0 }")
    expect(chat.log.get_by_text("Loading…")).to_be_in_viewport()
    read = chat.log.locator(".jcs-Log-row p").first.inner_text()
    held[0].continue_()
    page.unroute("**/messages?*")
    until(lambda: chat.log.evaluate("log => log.scrollTop") > 500)  # older turns came before what is read
    expect(chat.log.get_by_text(read, exact=True)).to_be_in_viewport()
    first = chat.log.get_by_text("Answer 0", exact=True)
    deadline = time.monotonic() + 60
    while not first.is_visible():
        assert time.monotonic() < deadline, "the beginning was not reached"
        page.mouse.wheel(0, -2000)
        page.wait_for_timeout(30)
    assert rows.count() < 40
    chat.place.get_by_role("button", name="To the newest message").click()
    expect(chat.log.get_by_text("Answer 299", exact=True)).to_be_in_viewport()


def test_a_saved_panel_is_live_without_its_kernel_and_readable_without_its_thread(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    panel = open_panel(page)
    panel.send("print('kept in the', 'notebook')")
    panel.shows("kept in the notebook")
    panel.is_done()
    until(lambda: "kept in the notebook" in saved_html(lab, page))
    lab.kill()  # with its kernels
    lab.start()
    open_lab(page, lab)
    panel.shows("kept in the notebook", timeout=60_000)
    panel.send("print('live', 'again')")
    panel.shows("live again")
    panel.is_done()
    lab.kill()
    shutil.rmtree(lab.root / ".chats")
    lab.start()
    open_lab(page, lab)
    panel.shows("kept in the notebook", timeout=60_000)
    expect(panel.place).to_contain_text("this server does not have the chat")


def saved_html(lab: Lab, page: Page) -> str:
    """The panel's HTML in the notebook, saved now."""
    page.keyboard.press("Control+s")
    page.wait_for_timeout(300)
    cells = json.loads((lab.root / "quickstart.ipynb").read_text())["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return "".join("".join(output["data"].get("text/html", "")) for output in outputs)


def test_tools_read_the_notebooks_folder_once_a_person_lets_them(lab: Lab, page: Page) -> None:
    (lab.root / "table.csv").write_text("beside the notebook")
    open_lab(page, lab)
    chat = open_chat(page)
    look = "import glob\nprint([open(p).read() for p in glob.glob('/mnt/notebook/table.csv')])"
    chat.send(look)
    chat.shows("[]")
    chat.is_done()
    level = chat.place.get_by_role("button", name="isolated", exact=True)
    if not level.is_visible():
        pytest.skip("there are no namespaces here, and without them the folder keeps its own path")
    level.click()
    menu = chat.place.get_by_role("group", name="What tools may see")
    menu.get_by_role("checkbox").click()
    expect(menu.get_by_role("checkbox")).to_be_checked()
    expect(menu).to_contain_text("as soon as Python starts anew")
    menu.get_by_role("button", name=re.compile("Restart Python now")).click()
    expect(menu).to_contain_text("starts anew with the next call")
    page.keyboard.press("Escape")
    chat.send(look)
    chat.shows("['beside the notebook']")
    chat.is_done()
    page.reload()
    chat = open_chat(page)
    chat.place.get_by_role("button", name="isolated", exact=True).click()
    expect(chat.place.get_by_role("checkbox")).to_be_checked()
