"""The chat's screens, one after the other as a person comes to them, and what axe finds on each."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_kit import Chat, Lab, open_chat, open_lab
from playwright.sync_api import Page, expect

ROOT = Path(__file__).parents[2]
AXE = ROOT / "labextension" / "node_modules" / "axe-core" / "axe.min.js"
OURS = ".jcs-Sidebar, .jcs-Main, .jcs-Panel, .jcs-Dialog, .jcs-Share"
"""What is ours on a page: JupyterLab's own parts are JupyterLab's to mend."""

SAID = """# A heading

Words with **weight**, `code`, [a link](https://jupyter.org) and $e^{i\\pi} = -1$.

| language | year |
|---|---|
| Python | 1991 |
| Julia | 2012 |

1. one
2. two

> A quotation.
"""
SHOWN = """import sys
print('\\x1b[31mred\\x1b[0m and plain', 'a long line ' * 12)
print('a warning', file=sys.stderr)
open('table.csv', 'w').write('a,b')
try:
    import pandas
    display(pandas.DataFrame({'n': [1, 2], 'square': [1, 4]}))
except ImportError:
    display({'text/html': '<table><tr><th>n</th></tr><tr><td>1</td></tr></table>'}, raw=True)
1 / 0"""


def python(code: str) -> str:
    """A question upon which the agent for tests wants to run that."""
    return f"Please.\n```python\n{code}\n```"


def screens(page: Page, lab: Lab) -> Iterator[str]:
    """Shows one screen after the other, of a server whose agent is the one for tests, and tells its name."""
    open_lab(page, lab)
    chat = open_chat(page)
    expect(chat.composer).to_be_enabled()
    expect(chat.place.get_by_role("button", name="Send")).to_be_visible()
    yield "nothing said yet"
    chat.send(SAID)
    chat.shows("A quotation")
    chat.is_done()
    yield "an answer"
    chat.send(python(SHOWN))
    expect(chat.approval).to_be_visible(timeout=30_000)
    yield "approval"
    chat.approval.get_by_role("button", name="Edit before it runs").click()
    chat.approval.get_by_role("button", name="Add a note").click()
    yield "approval, being edited"
    chat.approval.get_by_role("button", name="Approve", exact=True).click()
    chat.shows("The tool said", timeout=60_000)
    chat.is_done()
    chat.cards.last.hover()
    yield "tool card"
    chat.send("ask me: Which colour?")
    question = chat.place.get_by_role("region", name="A question to you")
    expect(question).to_be_visible(timeout=30_000)
    yield "question"
    question.get_by_role("button", name="blue").click()
    chat.shows("The person answered: blue")
    chat.is_done()
    yield from _dialogs(page, chat)
    chat.place.get_by_role("button", name="New chat").click()
    chat.send("print('another chat')")
    chat.is_done()
    chat.rows().first.hover()
    yield "two chats in the list"
    chat.rows().last.click()
    chat.place.get_by_role("button", name="Open in the main area").click()
    expect(page.locator(".jcs-Main:visible").get_by_role("log")).to_contain_text("A heading")
    yield "main area"
    chat.place.get_by_role("button", name="Compare models").click()
    compare = page.locator(".jcs-Compare:visible")
    expect(compare.locator(".jcs-Pane")).to_have_count(2, timeout=30_000)
    compare.get_by_role("textbox", name="Message", exact=True).fill("Which is better?")
    compare.get_by_role("textbox", name="Message", exact=True).press("Enter")
    for place in (0, 1):
        expect(compare.get_by_role("log").nth(place)).to_contain_text("Which is better?", timeout=30_000)
    expect(compare.get_by_role("button", name="Stop", exact=True)).to_have_count(0, timeout=30_000)
    yield "compare"


def _dialogs(page: Page, chat: Chat) -> Iterator[str]:
    chat.place.get_by_role("button", name="What was sent to the model").last.click()
    yield from _dialog(page, "what was sent")
    chat.place.locator(".jcs-mod-choose").click()
    yield from _dialog(page, "who answers")
    chat.place.get_by_role("button", name="Share this chat").click()
    page.get_by_role("dialog").get_by_role("button", name="Create link").click()
    expect(page.get_by_role("dialog").get_by_role("textbox", name=re.compile("The link"))).to_be_visible()
    yield from _dialog(page, "share")


def _dialog(page: Page, name: str) -> Iterator[str]:
    expect(page.get_by_role("dialog").locator(".jcs-Dialog, .jcs-Shares").first).to_be_visible()
    yield name
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def keep_picture(page: Page, name: str) -> None:
    """A picture of the page under `test-results/screens/`, for whoever wants to look."""
    folder = ROOT / "test-results" / "screens"
    os.makedirs(folder, exist_ok=True)
    page.screenshot(path=folder / f"{re.sub('[^a-z0-9]+', '-', name.lower())}.png")


def faults_of(page: Page) -> list[str]:
    """What axe finds serious or critical in our parts of the page, one line each."""
    if not AXE.exists():
        pytest.skip("axe-core is not here (jlpm install in labextension/)")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found = page.evaluate(
        """async ours => {
          const roots = [...document.querySelectorAll(ours)].filter(each => each.checkVisibility());
          if (roots.length === 0) throw new Error('nothing of ours is shown');
          await Promise.all(document.getAnimations().filter(each =>
            Number.isFinite(each.effect.getComputedTiming().endTime)).map(each => each.finished.catch(() => 0)));
          const { violations } = await axe.run({ include: roots }, { resultTypes: ['violations'] });
          return violations
            .filter(each => ['serious', 'critical'].includes(each.impact))
            .flatMap(each => each.nodes.map(node =>
              `${each.id}: ${node.html.slice(0, 160)} | ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message}`));
        }""",
        OURS,
    )
    assert isinstance(found, list)
    return found
