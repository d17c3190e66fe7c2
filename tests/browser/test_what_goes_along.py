"""The composer as a person uses it: commands, what goes along, files and images, drafts. Real JupyterLab."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")

from lab_kit import IDLE, Chat, Lab, open_chat, open_lab, until
from playwright.sync_api import Locator, Page, Route, expect

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


def sent(lab: Lab) -> list[dict[str, Any]]:
    """What people have sent in the threads beside the notebook, as it stands on disk."""
    lines = [json.loads(line) for folder in lab.threads() for line in (folder / "chat.jsonl").read_text().splitlines()]
    return [line["message"] for line in lines if line["type"] == "message" and line["message"]["role"] == "user"]


def options(chat: Chat) -> Locator:
    return chat.place.get_by_role("listbox").get_by_role("option")


def chips(chat: Chat) -> Locator:
    return chat.place.get_by_role("list", name="Goes along").get_by_role("listitem")


def hand_over(chat: Chat, event: str, name: str, kind: str, content: bytes) -> None:
    """Drops a file on the composer, or pastes it there, as the operating system does."""
    chat.composer.evaluate(
        """(area, [event, name, kind, encoded]) => {
            const bytes = Uint8Array.from(atob(encoded), char => char.charCodeAt(0));
            const data = new DataTransfer();
            data.items.add(new File([bytes], name, { type: kind }));
            const init = { bubbles: true, cancelable: true };
            area.dispatchEvent(event === 'paste'
                ? new ClipboardEvent('paste', { ...init, clipboardData: data })
                : new DragEvent(event, { ...init, dataTransfer: data }));
        }""",
        [event, name, kind, base64.b64encode(content).decode()],
    )


def test_a_command_is_chosen_and_sent_by_keys_alone(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.composer.focus()
    page.keyboard.type("/")
    expect(options(chat).first).to_contain_text("/help")
    expect(options(chat).first).to_contain_text("shows what can be typed here")
    page.keyboard.type("r")
    page.keyboard.press("ArrowDown")
    active = options(chat).and_(page.locator("[aria-selected=true]"))
    expect(active).to_contain_text("/read")
    expect(chat.composer).to_have_attribute("aria-activedescendant", active.get_attribute("id") or "")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(chat.composer).to_have_value("/run ")
    expect(options(chat)).to_have_count(0)
    page.keyboard.type("6 * 7")
    page.keyboard.press("Enter")
    chat.shows("42")
    chat.is_done()
    page.keyboard.type("/vars")  # typed whole, it is sent by the first Enter
    page.keyboard.press("Enter")
    until(lambda: [each["content"] for each in sent(lab)] == ["/run 6 * 7", "/vars"])
    page.keyboard.type("/re")
    page.keyboard.press("Escape")
    expect(options(chat)).to_have_count(0)
    expect(chat.composer).to_have_value("/re")


def test_the_active_cell_its_selection_and_the_last_error_go_along_and_are_shown(lab: Lab, page: Page) -> None:
    failed = {
        "output_type": "error",
        "ename": "KeyError",
        "evalue": "'x'",
        "traceback": ["\x1b[31mKeyError\x1b[0m: 'x'"],
    }
    code: dict[str, Any] = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    cells = [
        {**code, "id": "one", "source": "mean(x)", "execution_count": 1, "outputs": [failed]},
        {**code, "id": "two", "source": "total = 1"},
    ]
    book = {"cells": cells, "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}
    (lab.root / "failing.ipynb").write_text(json.dumps(book))
    open_lab(page, lab, "failing.ipynb")
    chat = open_chat(page)
    page.locator(".jp-CodeCell .cm-content").nth(1).dblclick(position={"x": 12, "y": 8})  # selects `total`
    chat.composer.focus()
    page.keyboard.type("what is @act")
    page.keyboard.press("Enter")
    expect(chat.composer).to_have_value("what is ")
    page.keyboard.type("@err")
    page.keyboard.press("Tab")
    page.keyboard.type("@sel")
    page.keyboard.press("Enter")
    expect(chips(chat)).to_have_text(["Active cell", "Last error", "Selection"])
    chips(chat).nth(2).get_by_role("button", name="Remove Selection").click()
    expect(chips(chat)).to_have_count(2)
    chat.composer.press("Enter")
    along = chat.log.get_by_role("list", name="Sent along")
    expect(along.get_by_role("listitem")).to_have_count(2)
    along.get_by_text("Active cell").click()
    expect(along).to_contain_text("total = 1")
    expect(chips(chat)).to_have_count(0)
    until(lambda: bool(sent(lab)))
    cell, error = sent(lab)[0]["metadata"]["jupyter"]["context"]
    assert (cell["type"], cell["id"], cell["active"], cell["source"]) == ("cell", "two", True, "total = 1")
    assert cell["notebook"] == "failing.ipynb"
    assert (error["ename"], error["cell_id"], error["traceback"]) == ("KeyError", "one", "KeyError: 'x'")


def test_a_variable_goes_along_by_its_name_and_the_message_keeps_what_it_held(lab: Lab, page: Page) -> None:
    code = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "id": "one"}
    cell = {**code, "source": "prices = {'tea': 3, 'salt': 1}; 'set'"}
    book = {"cells": [cell], "metadata": KERNEL, "nbformat": 4, "nbformat_minor": 5}
    (lab.root / "variables.ipynb").write_text(json.dumps(book))
    open_lab(page, lab, "variables.ipynb")
    expect(page.locator(IDLE)).to_be_visible(timeout=60_000)
    chat = open_chat(page)
    for _ in range(5):  # what is run before the kernel's channels are open is dropped without a word
        page.locator(".jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        try:
            expect(page.locator(".jp-OutputArea-output").first).to_contain_text("set", timeout=10_000)
            break
        except AssertionError:
            continue
    chat.composer.focus()
    page.keyboard.type("what is @pri")
    expect(options(chat)).to_have_count(1)
    expect(options(chat)).to_contain_text("dict")
    page.keyboard.press("Enter")
    expect(chips(chat)).to_have_text(["prices"])
    chat.composer.press("Enter")
    along = chat.log.get_by_role("list", name="Sent along")
    along.get_by_text("prices", exact=True).click()
    expect(along).to_contain_text("'tea': 3")
    (item,) = sent(lab)[0]["metadata"]["jupyter"]["context"]
    assert (item["type"], item["name"], item["notebook"]) == ("variable", "prices", "variables.ipynb")


def test_a_file_beside_the_notebook_goes_along_by_keys_and_again_as_it_is_then(lab: Lab, page: Page) -> None:
    (lab.root / "table.csv").write_text("a,b")
    open_lab(page, lab)
    chat = open_chat(page)
    chat.composer.focus()
    page.keyboard.type("@table")
    expect(options(chat)).to_have_count(1)
    expect(options(chat)).to_contain_text("beside the notebook")
    page.keyboard.press("Enter")
    expect(chips(chat)).to_have_text(["table.csv"])
    page.keyboard.type("/files")
    page.keyboard.press("Enter")
    until(lambda: bool(lab.threads()) and (lab.threads()[0] / "files" / "table.csv").exists())
    chat.shows("table.csv")
    chat.is_done()
    (lab.root / "table.csv").write_text("c,d")
    page.keyboard.type("@table")
    expect(options(chat)).to_have_count(2)
    options(chat).filter(has_text="beside the notebook").click()
    until(lambda: [each.read_text() for each in lab.threads()[0].glob("files/uploads/*/table.csv")] == ["c,d"])
    assert (lab.threads()[0] / "files" / "table.csv").read_text() == "a,b"


def test_a_dropped_file_and_a_pasted_image_are_uploaded_shown_and_sent(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.composer.focus()
    hand_over(chat, "dragover", "big.bin", "application/octet-stream", b"")
    expect(chat.place.get_by_text("Drop to attach")).to_be_visible()
    content = os.urandom(2_500_000)
    hand_over(chat, "drop", "big.bin", "application/octet-stream", content)
    hand_over(chat, "paste", "image.png", "image/png", PNG)
    expect(chips(chat)).to_have_text(["big.bin", "image.png"])
    expect(chat.place.get_by_role("progressbar")).to_have_count(0, timeout=30_000)
    chat.send("/files")
    image = chat.log.get_by_role("img", name="image.png")
    expect(image).to_be_visible()
    until(lambda: image.evaluate("image => image.complete && image.naturalWidth > 0"))
    (folder,) = lab.threads()
    found = {each.name: each.read_bytes() for each in folder.glob("files/uploads/*/*")}
    assert found == {"big.bin": content, "image.png": PNG}
    paths = [item["path"] for item in sent(lab)[0]["metadata"]["jupyter"]["context"]]
    assert [path.split("/")[-1] for path in paths] == ["big.bin", "image.png"]


def test_an_upload_goes_on_after_the_connection_broke_and_the_message_waits_for_it(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    content, seen = os.urandom(2_500_000), []

    def break_off(route: Route) -> None:
        seen.append(route.request.headers.get("content-range", ""))
        if len(seen) in (2, 3):
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/files/uploads/**", break_off)
    hand_over(chat, "drop", "big.bin", "application/octet-stream", content)
    chat.send("/files")
    expect(chat.place.get_by_text("Sent as soon as the files are there")).to_be_visible()
    chat.shows("/files")
    (file,) = lab.threads()[0].glob("files/uploads/*/big.bin")
    assert file.read_bytes() == content
    size = len(content)
    assert seen[:2] == [f"bytes 0-999999/{size}", f"bytes 1000000-1999999/{size}"]
    assert seen[2:] == [
        f"bytes */{size}",
        f"bytes */{size}",
        f"bytes 1000000-1999999/{size}",
        f"bytes 2000000-2499999/{size}",
    ]


def test_a_cell_and_a_file_of_the_browser_are_dragged_into_the_chat(lab: Lab, page: Page) -> None:
    (lab.root / "table.csv").write_text("a,b")
    open_lab(page, lab)
    chat = open_chat(page)
    chat.place.get_by_role("button", name="Open in the main area").click()
    tab = Chat(page.locator(".jcs-Main"))
    expect(tab.composer).to_be_visible()
    page.locator('.jp-SideBar .lm-TabBar-tab[data-id="filebrowser"]').click()
    drag(page, page.locator(".jp-DirListing-item", has_text="table.csv"), tab.composer)
    expect(chips(tab)).to_have_text(["table.csv"])
    chat = open_chat(page)
    page.locator(".lm-TabBar-tab", has_text="quickstart.ipynb").click()
    cell = page.locator(".jp-CodeCell").first
    cell.click()
    drag(page, cell.locator(".jp-InputPrompt"), chat.composer)
    expect(chips(chat).last).to_contain_text("Cell: ")
    expect(page.locator(".jp-CodeCell").first).to_be_visible()


def drag(page: Page, what: Locator, where: Locator) -> None:
    """As a hand does it: slowly enough for the drag to begin."""
    start, end = what.bounding_box(), where.bounding_box()
    assert start is not None
    assert end is not None
    page.mouse.move(start["x"] + 20, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(start["x"] + 40, start["y"] + 10, steps=4)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=12)
    page.mouse.up()


def test_what_is_written_and_not_sent_is_there_after_a_reload_in_its_own_thread(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    expect(page.locator(".jp-Cell.jp-mod-active")).to_be_visible()
    chat.composer.focus()
    page.keyboard.type("half a thought @act")
    page.keyboard.press("Enter")
    expect(chips(chat)).to_have_text(["Active cell"])
    page.reload()
    chat = open_chat(page)
    expect(chat.composer).to_have_value("half a thought ")
    expect(chips(chat)).to_have_text(["Active cell"])
    chat.new()
    expect(chat.composer).to_have_value("")
    expect(chips(chat)).to_have_count(0)
    chat.send("print('be' + 'gun')")
    chat.shows("begun")
    chat.composer.fill("another one")
    page.reload()
    chat = open_chat(page)
    expect(chat.composer).to_have_value("half a thought ")
    chat.rows().first.click()
    expect(chat.composer).to_have_value("another one")
    chat.composer.press("Enter")
    until(lambda: any(each["content"] == "another one" for each in sent(lab)))
    page.reload()
    chat = open_chat(page)
    chat.rows().first.click()
    expect(chat.composer).to_have_value("")


def test_an_input_methods_enter_sends_nothing_and_what_is_typed_offline_is_sent_by_the_next_page(
    lab: Lab, page: Page
) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.composer.fill("print('後' + 'で')")
    composing = (
        "area => area.dispatchEvent(new KeyboardEvent('keydown', "
        "{ key: 'Enter', bubbles: true, cancelable: true, isComposing: true }))"
    )
    chat.composer.evaluate(composing)
    expect(chat.composer).to_have_value("print('後' + 'で')")
    lab.kill()
    expect(chat.place.get_by_text("cannot be reached", exact=False).first).to_be_visible(timeout=30_000)
    expect(chat.composer).to_be_enabled()

    def is_sent() -> bool:  # JupyterLab's own dialog about the server may take the first Enter
        chat.composer.press("Enter")
        return chat.composer.input_value() == ""

    until(is_sent)
    page.goto("about:blank")
    lab.start()
    open_lab(page, lab)
    chat = open_chat(page)
    chat.shows("後で", timeout=60_000)
    expect(chat.place.get_by_role("article", name="You")).to_have_count(1)
    assert len(lab.threads()) == 1
