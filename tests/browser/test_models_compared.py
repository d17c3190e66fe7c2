"""Models side by side: each pane its own thread, whichever way one comes in and goes out."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")

from lab_kit import Chat, Lab, open_chat, open_lab, ticking, until
from playwright.sync_api import Locator, Page, expect


class Comparison:
    """A comparison on the screen."""

    def __init__(self, page: Page) -> None:
        self.place = page.locator(".jcs-Compare:visible")
        self.panes = self.place.locator(".jcs-Pane")
        self.composer = self.place.get_by_role("textbox", name="Message", exact=True)
        self.stop = self.place.get_by_role("button", name="Stop", exact=True)

    def is_there(self, panes: int = 2) -> None:
        expect(self.panes).to_have_count(panes, timeout=30_000)
        expect(self.composer).to_be_enabled()

    def answers_with(self, *models: str) -> None:
        for place, model in enumerate(models):
            field = self.panes.nth(place).get_by_label("Model")
            field.fill(model)
            field.press("Enter")

    def send(self, text: str) -> None:
        self.composer.fill(text)
        self.composer.press("Enter")

    def log(self, place: int) -> Locator:
        return self.panes.nth(place).get_by_role("log")

    def is_done(self) -> None:
        expect(self.stop).to_have_count(0, timeout=30_000)


def said_in(thread: Path) -> list[tuple[str, str | None]]:
    """What a person said in a thread, and the model it was said to."""
    lines = [json.loads(line) for line in (thread / "chat.jsonl").read_text().splitlines()]
    return [
        (line["message"]["content"], line.get("options", {}).get("model"))
        for line in lines
        if line["type"] == "message" and line["message"]["role"] == "user"
    ]


def test_each_pane_is_a_thread_and_a_sandbox_of_its_own_and_the_chat_beside_keeps_what_it_shows(
    lab: Lab, page: Page
) -> None:
    lab.stop()
    lab.use_model()
    lab.start()
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("some words")
    chat.shows("some words")
    chat.is_done()
    expect(chat.place.get_by_text("1.3K tokens")).to_be_visible()
    before = {thread.name for thread in lab.threads()}
    chat.place.get_by_role("button", name="Compare models").click()
    both = Comparison(page)
    both.is_there()
    both.answers_with("direct", "direct")
    both.send("print('seen' in globals()); seen = 1; open('mine.txt', 'w').write('x')")
    for place in (0, 1):
        expect(both.log(place)).to_contain_text("False", timeout=60_000)
    both.is_done()
    threads = [thread for thread in lab.threads() if thread.name not in before]
    assert len(threads) == 2
    assert all((thread / "files" / "mine.txt").exists() for thread in threads)
    expect(chat.rows()).to_have_count(3)  # the list hears of them
    both.answers_with("direct", "asking")
    both.send("print('again', seen)")
    expect(both.log(0)).to_contain_text("again 1", timeout=30_000)
    both.is_done()
    assert {said_in(thread)[-1] for thread in threads} == {
        ("print('again', seen)", "direct"),
        ("print('again', seen)", "asking"),
    }
    both.panes.nth(0).get_by_role("button", name="Go on with this one").click()
    kept = Chat(page.locator(".jcs-Main .jcs-Chat:visible"))
    kept.shows("again 1")
    expect(both.place).to_have_count(0)
    kept.send("print('alone', seen)")
    kept.shows("alone 1")
    assert sorted(said_in(thread)[-1] for thread in threads) == [
        ("print('again', seen)", "asking"),
        ("print('alone', seen)", "direct"),
    ]
    expect(chat.log).to_contain_text("some words")
    expect(chat.place.get_by_text("1.3K tokens")).to_be_visible()


@pytest.mark.parametrize("way", ["button", "palette", "shortcut", "link", "link with ids"])
def test_whichever_way_one_comes_in_each_panes_words_go_to_its_own_fresh_thread(lab: Lab, page: Page, way: str) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("print('not', 'compared')")
    chat.shows("not compared")
    chat.is_done()
    (other,) = lab.threads()
    ids = [str(uuid.uuid4()), str(uuid.uuid4())]
    if way == "button":
        chat.place.get_by_role("button", name="Compare models").click()
    elif way == "palette":
        page.keyboard.press("Control+Shift+C")
        page.locator(".lm-CommandPalette-input:visible").fill("Compare Models")
        page.locator(".lm-CommandPalette-item", has_text="Compare Models").first.click()
    elif way == "shortcut":
        page.keyboard.press("Control+Alt+m")
    else:
        query = "compare" if way == "link" else f"compare={','.join(ids)}&models=direct,direct"
        page.goto(f"{lab.url}/lab/tree/quickstart.ipynb?{query}")
    both = Comparison(page)
    both.is_there()
    both.send("print('to', 'both')")  # at once: no id is waited for
    for place in (0, 1):
        expect(both.log(place)).to_contain_text("to both", timeout=60_000)
    both.is_done()
    until(lambda: len(lab.threads()) == 3)
    fresh = [thread for thread in lab.threads() if thread != other]
    assert [len(said_in(thread)) for thread in fresh] == [1, 1]
    assert len(said_in(other)) == 1
    if way == "link with ids":
        assert {thread.name for thread in fresh} == set(ids)
    assert "compare" not in page.url


def test_who_leaves_and_comes_back_while_answers_run_finds_each_in_its_pane(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.place.get_by_role("button", name="Compare models").click()
    both = Comparison(page)
    both.is_there()
    both.answers_with("direct", "direct")
    both.send("import os; mark = os.urandom(4).hex(); print('mark', mark, flush=True)\n" + ticking(120, 0.1))
    for place in (0, 1):
        expect(both.log(place)).to_contain_text("tick 3", timeout=60_000)
    marks = [both.log(place).inner_text().split("\nmark ")[1][:8] for place in (0, 1)]
    assert marks[0] != marks[1]
    chat.rows().first.click()  # one of the two is opened beside them meanwhile
    time.sleep(2)  # JupyterLab saves its layout a second after it has changed, and says nothing about it
    page.goto(page.url.split("?")[0])
    both.is_there()
    for place in (0, 1):
        expect(both.log(place)).to_contain_text(marks[place], timeout=30_000)
        expect(both.log(place)).to_contain_text("tick 20", timeout=30_000)
    both.stop.click()
    both.is_done()
    both.send("print('still', mark)")
    for place in (0, 1):
        expect(both.log(place)).to_contain_text(f"still {marks[place]}", timeout=30_000)
    assert [len(said_in(thread)) for thread in lab.threads()] == [2, 2]


def test_what_is_attached_once_goes_to_each_pane_in_its_own_folder(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    open_chat(page).place.get_by_role("button", name="Compare models").click()
    both = Comparison(page)
    both.is_there()
    both.place.locator("input[type=file]").set_input_files(
        {"name": "table.csv", "mimeType": "text/csv", "buffer": b"a,b"}
    )
    chips = both.place.get_by_role("list", name="Goes along").get_by_role("listitem")
    expect(chips).to_have_text(["table.csv"])
    both.send("print(open(next(__import__('pathlib').Path('.').glob('uploads/*/table.csv'))).read())")
    for place in (0, 1):
        expect(both.log(place)).to_contain_text("a,b", timeout=60_000)
        expect(both.log(place).get_by_role("list", name="Sent along")).to_contain_text("table.csv")
    expect(chips).to_have_count(0)
    folders = [len(list(thread.glob("files/uploads/*/table.csv"))) for thread in lab.threads()]
    assert folders == [1, 1]
