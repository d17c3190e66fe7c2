"""A thread shared by a link, as a stranger sees it: another browser, no login, no JupyterLab."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")

from lab_kit import TOKEN, Chat, Lab, open_chat, open_lab
from playwright.sync_api import Browser, Page, Request, expect

JCS = re.compile(r"jcs_[A-Za-z0-9_-]{43}")


@pytest.fixture
def stranger(chromium: object) -> Iterator[Page]:
    """A page in a browser that has never been here; its faults fail the test."""
    assert isinstance(chromium, Browser)
    context = chromium.new_context(viewport={"width": 900, "height": 760})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
    yield page
    context.close()
    assert faults == []


def share(page: Page, chat: Chat, may: str) -> str:
    """Makes a link in the dialog, and closes it."""
    chat.place.get_by_role("button", name="Share this chat").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name=may, exact=True).check()
    dialog.get_by_role("button", name="Create link").click()
    link = dialog.get_by_role("textbox", name=re.compile("The link")).input_value()
    assert TOKEN not in link
    dialog.get_by_role("button", name="Close", exact=True).click()
    return link


def revoke(page: Page, chat: Chat) -> None:
    chat.place.get_by_role("button", name="Share this chat").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Take the link back").click()
    dialog.get_by_role("button", name=re.compile("Confirm")).click()
    expect(dialog.get_by_role("region", name="Links that open this chat")).to_have_count(0)
    dialog.get_by_role("button", name="Close", exact=True).click()


def written_below(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_bytes()


def status_of(url: str, token: str) -> int:
    """What a server answers to one who shows the token there. Redirections are not followed."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("GET", parts.path, headers={"Authorization": f"Bearer {token}"})
        return connection.getresponse().status
    finally:
        connection.close()


PLOT = """import matplotlib.pyplot as plt
plt.plot([1, 3, 2])
plt.show()
print('<img src=x onerror=alert(1)>', '**as typed**')"""


def test_a_link_opens_the_thread_live_to_read_and_nothing_else_until_it_is_taken_back(
    lab: Lab, page: Page, stranger: Page, tmp_path: Path
) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send(PLOT)
    chat.is_done()
    link = share(page, chat, "Read")
    token = link.partition("#")[2]
    assert JCS.fullmatch(token)

    asked: list[Request] = []
    stranger.on("request", lambda request: asked.append(request))
    stranger.goto(link)
    seen = Chat(stranger.locator(".jcs-Share"))
    seen.shows("<img src=x onerror=alert(1)> **as typed**")
    picture = seen.log.locator("img")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth") > 100
    expect(stranger.get_by_text("Shared with you to read")).to_be_visible()
    expect(seen.composer).to_have_count(0)
    for forbidden in ("Answer again", "Edit the question", "Send"):
        expect(stranger.get_by_role("button", name=forbidden)).to_have_count(0)

    chat.send("print('said ' + 'later')")
    seen.shows("said later")

    assert token not in stranger.url, "the address is what people copy"
    headers = [{**request.all_headers(), "url": request.url} for request in asked]
    cookies = {each["url"].partition("?")[0] for each in headers if each.pop("cookie", "")}
    assert cookies
    assert all(url.startswith(link.rpartition("/")[0]) for url in cookies), "the cookie goes to the thread's doors only"
    everything = stranger.content() + json.dumps(headers).replace(link, "")
    assert TOKEN not in everything
    assert token not in everything
    assert all("referer" not in request.all_headers() for request in asked)
    assert stranger.evaluate("document.cookie") == "", "no script can read who one is"
    stranger.reload()
    seen.shows("said later")

    for address in ("/api/contents", "/api/kernels", "/api/sessions", "/chat-sessions/threads", "/lab", "/files/x"):
        assert status_of(lab.url + address, token) in (302, 401, 403, 404), address

    revoke(page, chat)
    expect(stranger.get_by_role("alert")).to_contain_text("This link was taken back")
    stranger.goto(link)
    expect(stranger.get_by_role("alert")).to_contain_text("This link was taken back")
    stranger.goto(link[:-3])
    expect(stranger.get_by_role("alert")).to_contain_text("does not open a chat")

    lab.stop()
    found = [str(path) for path, content in written_below(tmp_path) if token.encode() in content]
    assert found == [], "the token is in a log, a transcript or a file"


def test_a_visitor_who_may_write_writes_and_is_not_asked_to_decide(lab: Lab, page: Page, stranger: Page) -> None:
    lab.stop()
    lab.use_model()
    lab.start()
    open_lab(page, lab)
    chat = open_chat(page)
    link = share(page, chat, "Read and write")
    stranger.emulate_media(color_scheme="dark")
    stranger.goto(link)
    seen = Chat(stranger.locator(".jcs-Share"))
    file = {"name": "mine.csv", "mimeType": "text/csv", "buffer": b"a,b"}
    stranger.locator("input[type=file]").set_input_files(file)  # type: ignore[arg-type]
    expect(seen.place.get_by_role("list", name="Goes along")).to_contain_text("mine.csv")
    expect(seen.place.get_by_role("progressbar")).to_have_count(0)
    seen.send("Please run this:\n\n```python\nprint('it ' + 'ran')\n```")
    expect(seen.log.get_by_role("link", name="mine.csv")).to_be_visible()
    expect(chat.approval).to_be_visible(timeout=30_000)
    expect(seen.log).to_contain_text("Waiting for a decision")
    expect(seen.approval).to_have_count(0)
    expect(chat.approval).to_contain_text("A visitor of this chat brought it up.")
    chat.approval.get_by_role("button", name="Approve", exact=True).click()
    chat.is_done()
    seen.shows("The tool said: it ran")
    expect(seen.log).not_to_contain_text("Waiting for a decision")
    revoke(page, chat)
    expect(stranger.get_by_role("alert")).to_contain_text("This link was taken back")
