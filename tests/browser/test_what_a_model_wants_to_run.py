"""A model's tool calls wait for a person's word, in a real JupyterLab."""

from __future__ import annotations

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")

from lab_kit import Lab, open_chat, open_lab
from playwright.sync_api import Page, expect


def python(*codes: str) -> str:
    return "Please.\n" + "\n".join(f"```python\n{code}\n```" for code in codes)


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """A JupyterLab where a model answers."""
    lab.stop()
    lab.use_model()
    lab.start()
    return lab


def test_a_call_waits_over_a_reload_and_a_restart_and_runs_as_it_was_edited(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send(python("open('made.txt', 'w').write('as written')"))
    expect(chat.approval).to_contain_text("made.txt", timeout=30_000)
    page.reload()
    chat = open_chat(page)
    expect(chat.approval).to_contain_text("made.txt", timeout=30_000)
    lab.kill()
    lab.start()
    open_lab(page, lab)
    chat = open_chat(page)
    expect(chat.approval).to_contain_text("made.txt", timeout=60_000)
    (thread,) = lab.threads()
    assert not (thread / "files" / "made.txt").exists()
    chat.approval.get_by_role("button", name="Edit before it runs").click()
    chat.approval.get_by_role("textbox", name="Code").fill("open('made.txt', 'w').write('as edited')")
    chat.approval.get_by_role("button", name="Approve", exact=True).click()
    chat.shows("The person changed the arguments before allowing this")
    expect(chat.approval).to_have_count(0)
    assert (thread / "files" / "made.txt").read_text() == "as edited"
    expect(chat.log.get_by_role("article", name="You")).to_have_count(1)
    expect(chat.log.get_by_role("article", name="Answer")).to_have_count(1)


def test_of_two_tabs_the_first_answer_counts_and_the_other_card_becomes_its_result(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send(python("print('ran')", "print('did not')"))
    expect(chat.approval).to_be_visible(timeout=30_000)
    other_page = page.context.new_page()
    open_lab(other_page, lab)
    other = open_chat(other_page)
    expect(other.approval).to_contain_text("Allow these 2 calls?", timeout=30_000)
    other.approval.get_by_role("checkbox").nth(1).uncheck()
    other.composer.focus()
    other_page.keyboard.press("Alt+Enter")
    for each in (chat, other):
        expect(each.approval).to_have_count(0, timeout=30_000)
        expect(each.cards).to_have_count(2)
        expect(each.cards.first).to_contain_text("ran")
        expect(each.cards.last).to_contain_text("Denied")


def test_a_denial_is_told_to_the_model_with_its_note_and_stop_declines(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send(python("print('no')"))
    chat.approval.get_by_role("button", name="Add a note").click(timeout=30_000)
    chat.approval.get_by_role("textbox", name="Note").fill("rather tomorrow")
    chat.approval.get_by_role("button", name="Deny").click()
    chat.shows("rather tomorrow")
    chat.is_done()
    chat.send(python("print('never')"))
    expect(chat.approval).to_be_visible(timeout=30_000)
    chat.stop.click()
    expect(chat.approval).to_have_count(0)
    chat.shows("Stopped")
    chat.send("still here")
    chat.is_done()
    chat.shows("still here")
