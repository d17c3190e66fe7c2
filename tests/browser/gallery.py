"""Pictures of every screen, in each theme, narrow and wide: `python tests/browser/gallery.py FOLDER [room or part …]`.

A room is one of ROOMS, a part one of a picture's name. For people to look at; what must hold on the screens is tested
in test_for_everyone.py.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "agents"))

from conftest import ARGUMENTS, CHROMIUM
from lab_kit import TOKEN, Chat, Lab, open_chat, open_lab, open_panel
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from upstream import BEHAVIOURS, a_call, once_called, running_upstream

THEMES = {
    "light": "JupyterLab Light",
    "dark": "JupyterLab Dark",
    "contrast": "JupyterLab Dark High Contrast",
}
EXAMPLES = Path(__file__).parents[2] / "examples"

ANSWER = """The loss falls from **0.69** to `0.21`; the model has learned. It minimises

$$ L(\\theta) = -\\frac{1}{n} \\sum_{i=1}^{n} \\log p_\\theta(y_i \\mid x_i) $$

where $p_\\theta$ is the softmax. Three things stand out:

1. The learning rate of $10^{-3}$ is well chosen.
2. After epoch 7 the validation loss rises again, which is where I would stop: the gap to the training loss has \
doubled by then and does not close any more.
3. [The manual](https://scikit-learn.org) says more.

| epoch | training | validation | seconds |
|------:|---------:|-----------:|--------:|
| 1 | 0.69 | 0.70 | 12.1 |
| 5 | 0.31 | 0.35 | 11.8 |
| 7 | 0.24 | 0.33 | 11.9 |

```py
from sklearn.linear_model import LogisticRegression

model = LogisticRegression(max_iter=1000)
model.fit(x_train, y_train)  # a comment that is so long that this line cannot possibly fit in a narrow sidebar
print(f"{model.score(x_test, y_test):.3f}")
```

> Stop early, and keep the best weights.

#### What next

- Try dropout
  - 0.1 first
- `sklearn.model_selection.cross_val_score(estimator, X, y, groups=None, scoring=None, cv=None, n_jobs=None)`
"""
PLOT = """import pandas as pd, matplotlib.pyplot as plt
losses = {'training': [.69, .5, .4, .34, .31], 'validation': [.7, .53, .44, .38, .35]}
table = pd.DataFrame({'epoch': range(1, 6), **losses})
table.plot(x='epoch', figsize=(5, 3)); plt.show()
table.to_csv('losses.csv', index=False)
table"""
ANSI = """print('\\x1b[1mepoch 1\\x1b[0m  loss \\x1b[32m0.69\\x1b[0m  \\x1b[31mworse\\x1b[0m \\x1b[36mcyan\\x1b[0m')
print('\\x1b[44m on blue \\x1b[0m \\x1b[7m inverse \\x1b[0m', 'a long line ' * 12)
import warnings; warnings.warn('This will be removed in a later version')"""
FAILS = """def fit(rows):
    return [clean(row) for row in rows]

def clean(row):
    return {name: float(value) for name, value in row.items()}

fit([{'a': '1'}, {'a': 'not a number'}])"""
TICKS = (
    "import time\nfor n in range(1, 2000):\n    print(f'epoch {n}: loss {1 / n:.4f}', flush=True)\n    time.sleep(0.2)"
)
EDIT = """```call edit_file
{"path": "train.py", "old": "rate = 0.1\\nepochs = 5", "new": "rate = 0.001\\nepochs = 7\\npatience = 2"}
```"""
TITLES = [
    "Why does the loss rise after epoch 7?",
    "Clean the survey data",
    "A very long title that says everything about what was asked and then goes on",
    "Plot temperatures by month",
    "Join two tables",
    "Explain this traceback",
    "Unit tests for parse()",
    "Faster group-by",
    "Regular expression for dates",
    "Convert to polars",
    "Draft an abstract",
    "Which test is right here?",
]


class Gallery:
    """Where pictures go, and of which screens they are wanted."""

    def __init__(self, folder: Path, wanted: list[str]) -> None:
        self.folder = folder
        self._wanted = wanted
        folder.mkdir(parents=True, exist_ok=True)

    def take(self, page: Page, name: str, what: Locator | None = None) -> None:
        """A screen in each theme; the part of the page that is asked for, or all of it."""
        if self._wanted and not any(each in name for each in self._wanted):
            return
        for short, theme in THEMES.items():
            show_theme(page, theme)
            self.picture(page, f"{name} {short}", what)
        show_theme(page, THEMES["light"])
        page.emulate_media(forced_colors="active")
        self.picture(page, f"{name} forced", what)
        page.emulate_media(forced_colors="none")

    def picture(self, page: Page, name: str, what: Locator | None) -> None:
        path = self.folder / f"{re.sub('[^a-z0-9]+', '-', name.lower())}.png"
        page.wait_for_timeout(150)  # for the eye only: colours fade
        if what is None:
            page.screenshot(path=path)
        else:
            what.screenshot(path=path)


def show_theme(page: Page, theme: str) -> None:
    if not page.evaluate("'jupyterapp' in window"):
        return
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme)
    page.wait_for_function("theme => document.body.dataset.jpThemeName === theme", arg=theme)
    expect(page.locator("#jupyterlab-splash")).to_have_count(0)


def narrow(page: Page, width: int = 260) -> None:
    page.evaluate(
        """width => {
          const panel = window.jupyterapp.shell._hsplitPanel;
          const all = panel.node.clientWidth;
          panel.setRelativeSizes([width / all, 1 - width / all, 0]);
        }""",
        width,
    )


def called(lab: Lab, method: str, path: str, body: object = None) -> Any:
    headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{lab.url}/chat-sessions{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read() or b"null")


def add_threads(lab: Lab) -> None:
    for title in reversed(TITLES):
        thread = called(lab, "POST", "/threads", {"notebook": "quickstart.ipynb"})["thread_id"]
        words = {"content": f"{title} I have tried it twice.", "model": "asking"}
        called(lab, "POST", f"/threads/{thread}/messages?wait=true", words)
        called(lab, "PATCH", f"/threads/{thread}", {"title": title})


def approve(chat: Chat) -> None:
    chat.approval.get_by_role("button", name="Approve", exact=True).click(timeout=30_000)
    chat.is_done()


def lists(page: Page, lab: Lab, gallery: Gallery) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    narrow(page)
    expect(chat.composer).to_be_enabled()
    gallery.take(page, "sidebar nothing yet", chat.place)
    add_threads(lab)
    page.reload()
    chat = open_chat(page)
    narrow(page)
    expect(chat.rows()).to_have_count(len(TITLES), timeout=30_000)
    chat.rows().nth(2).hover()
    gallery.take(page, "list many", chat.place)
    search = chat.place.get_by_role("searchbox")
    search.fill("clean")
    gallery.take(page, "list search", chat.place)
    search.fill("nothing like it")
    gallery.take(page, "list search without result", chat.place)
    search.fill("")
    chat.rows().nth(1).hover()
    chat.rows().nth(1).press("F2")
    gallery.take(page, "list rename", chat.place)
    page.keyboard.press("Escape")
    chat.rows().nth(3).hover()
    chat.place.locator(".jcs-Row").nth(3).locator(".jcs-Confirm").click()
    gallery.take(page, "list delete armed", chat.place)
    chat.place.locator(".jcs-Row").nth(4).hover()
    chat.place.locator(".jcs-Row").nth(4).locator(".jcs-Confirm").click()
    chat.place.locator(".jcs-Row").nth(4).locator(".jcs-Confirm").click()
    expect(page.get_by_role("button", name="Undo")).to_be_visible()
    gallery.take(page, "list deleted")


def composer(page: Page, lab: Lab, gallery: Gallery) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    narrow(page)
    chat.new()
    chat.composer.press_sequentially("/")
    expect(chat.place.get_by_role("listbox")).to_be_visible()
    gallery.take(page, "composer commands", chat.place)
    chat.composer.fill("")
    chat.composer.press_sequentially("See @")
    expect(chat.place.get_by_role("listbox").get_by_role("option").first).to_be_visible()
    gallery.take(page, "composer along menu", chat.place)
    chat.composer.press("Enter")
    for name in ("measurements-of-the-whole-year.csv", "notes.md"):
        chooser = chat.place.locator("input[type=file]").first
        chooser.set_input_files({"name": name, "mimeType": "text/plain", "buffer": b"a,b\n1,2\n"})
    chat.composer.fill("Compare these, please: which of the two has more rows, and why do they differ in July?")
    gallery.take(page, "composer chips", chat.place)
    chat.composer.press("Enter")
    chat.is_done()
    gallery.take(page, "question with chips", chat.place)


def answers(page: Page, lab: Lab, gallery: Gallery) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    narrow(page)
    chat.new()
    chat.send(ANSWER)
    chat.shows("Try dropout")
    chat.is_done()
    say: Callable[[str], None] = chat.send
    everywhere(page, chat, gallery, "answer")
    say("/model direct")
    chat.shows("From now on")
    say(PLOT)
    expect(chat.log.locator("img")).to_be_visible(timeout=90_000)
    chat.is_done()
    everywhere(page, chat, gallery, "plot and table")
    say(ANSI)
    chat.shows("on blue")
    chat.is_done()
    everywhere(page, chat, gallery, "ansi")
    say(FAILS)
    chat.shows("not a number")
    chat.is_done()
    everywhere(page, chat, gallery, "traceback")
    say(TICKS)
    chat.shows("epoch 9")
    say("print('this waits')")
    say("and this, which is longer and wraps over several lines in a narrow sidebar, waits as well")
    everywhere(page, chat, gallery, "running with queue")
    chat.stop.click()
    chat.is_done()
    everywhere(page, chat, gallery, "stopped")
    chat.log.get_by_role("article", name="You").last.hover()
    chat.place.get_by_role("button", name="Edit the question").last.click()
    everywhere(page, chat, gallery, "edit")
    editor = chat.place.get_by_role("textbox", name="The question in other words")
    editor.fill("print('in other words')")
    editor.press("Control+Enter")
    chat.shows("in other words")
    chat.is_done()
    everywhere(page, chat, gallery, "branch")


def everywhere(page: Page, chat: Chat, gallery: Gallery, name: str) -> None:
    """The chat in the sidebar, and the same in the main area."""
    gallery.take(page, name, chat.place)
    tab = page.locator(".jcs-Main:visible")
    if tab.count() == 0:
        chat.place.get_by_role("button", name="Open in the main area").click()
        expect(tab.get_by_role("log")).to_be_visible()
    page.wait_for_timeout(500)
    gallery.take(page, f"{name} wide", tab)


def decisions(page: Page, lab: Lab, gallery: Gallery) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    narrow(page)
    chat.new()
    chat.send(f"Please.\n```python\n{PLOT}\n```")
    expect(chat.approval).to_be_visible(timeout=30_000)
    everywhere(page, chat, gallery, "approval")
    page.locator(".jcs-Main:visible").evaluate("() => window.jupyterapp.commands.execute('application:close')")
    chat.approval.get_by_role("button", name="Edit before it runs").click()
    chat.approval.get_by_role("button", name="Add a note").click()
    gallery.take(page, "approval edited", chat.place)
    chat.approval.get_by_role("button", name="Deny", exact=True).click()
    chat.is_done()
    gallery.take(page, "denied", chat.place)
    chat.send("ask me: Which of the two columns is the one that you mean by “temperature”?")
    expect(chat.place.get_by_role("region", name="A question to you")).to_be_visible(timeout=30_000)
    everywhere(page, chat, gallery, "question card")
    chat.place.get_by_role("region", name="A question to you").get_by_role("button", name="blue").click()
    chat.is_done()
    chat.send(
        '```call write_file\n{"path": "train.py", "content": "import torch\\n\\nrate = 0.1\\nepochs = 5\\n"}\n```'
    )
    everywhere(page, chat, gallery, "write file approval")
    approve(chat)
    chat.send(EDIT)
    expect(chat.approval).to_be_visible(timeout=30_000)
    everywhere(page, chat, gallery, "diff approval")
    approve(chat)
    everywhere(page, chat, gallery, "diff card")


def dialogs(page: Page, lab: Lab, gallery: Gallery) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    narrow(page)
    chat.new()
    chat.send("Why does the loss rise after epoch 7?")
    chat.is_done()
    for name, button in {
        "share": "Share this chat",
    }.items():
        chat.place.get_by_role("button", name=button).last.click()
        for wanted in page.get_by_role("dialog").get_by_role("button", name="Create link").all():
            wanted.click()
            expect(page.get_by_role("dialog").get_by_role("textbox", name=re.compile("The link"))).to_be_visible()
        page.wait_for_timeout(500)
        for closed in page.get_by_role("dialog").locator("details:not([open]) > summary").all()[:1]:
            closed.click()
        gallery.take(page, f"dialog {name}", page.locator(".jp-Dialog-content"))
        page.keyboard.press("Escape")
    chat.place.locator(".jcs-mod-choose").click()
    page.wait_for_timeout(800)
    gallery.take(page, "dialog models", page.locator(".jp-Dialog-content"))
    page.get_by_role("dialog").locator("summary").first.click()
    page.wait_for_timeout(300)
    gallery.take(page, "dialog key", page.locator(".jp-Dialog-content"))
    page.keyboard.press("Escape")
    chat.place.get_by_role("button", name="Export and more").click()
    gallery.take(page, "menu export")
    page.keyboard.press("Escape")
    chat.place.locator(".jcs-Level button").click()
    gallery.take(page, "level menu", chat.place)
    page.keyboard.press("Escape")
    page.locator('.lm-TabBar-tab[data-id="jp-running-sessions"]').click()
    page.wait_for_timeout(500)
    gallery.take(page, "running panel")
    page.evaluate("window.jupyterapp.commands.execute('settingeditor:open', { query: 'Chat' })")
    page.wait_for_timeout(2500)
    gallery.take(page, "settings")


def comparisons(page: Page, lab: Lab, gallery: Gallery) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    narrow(page)
    chat.place.get_by_role("button", name="Compare models").click()
    both = page.locator(".jcs-Compare:visible")
    expect(both.locator(".jcs-Pane")).to_have_count(2, timeout=30_000)
    page.wait_for_timeout(500)
    gallery.take(page, "compare empty")
    words = both.get_by_role("textbox", name="Message", exact=True)
    words.fill(ANSWER)
    words.press("Enter")
    for place in (0, 1):
        expect(both.get_by_role("log").nth(place)).to_contain_text("Try dropout", timeout=30_000)
    expect(both.get_by_role("button", name="Stop", exact=True)).to_have_count(0, timeout=30_000)
    gallery.take(page, "compare two")
    both.get_by_role("button", name=re.compile("Add")).first.click()
    expect(both.locator(".jcs-Pane")).to_have_count(3)
    gallery.take(page, "compare three")
    page.set_viewport_size({"width": 820, "height": 860})
    gallery.take(page, "compare narrow")


def panels(page: Page, lab: Lab, gallery: Gallery) -> None:
    open_lab(page, lab)
    panel = open_panel(page)
    panel.send("Why does the loss rise after epoch 7?")
    panel.is_done()
    gallery.take(page, "panel in a notebook")
    page.goto(f"{lab.url}/notebooks/quickstart.ipynb?token={TOKEN}")
    expect(page.locator(".jp-NotebookPanel").first).to_be_visible(timeout=60_000)
    panel = open_panel(page)
    panel.shows("epoch 7")
    gallery.take(page, "panel in Notebook 7")


def provider(page: Page, lab: Lab, gallery: Gallery) -> None:
    """What only a model behind a provider's door has: thinking, a bill, what was sent."""
    BEHAVIOURS["draws"] = once_called(
        lambda answer: answer.calls(a_call(0, "call_a", "run_python", json.dumps({"code": PLOT})))
    )
    page.set_default_timeout(10_000)
    with running_upstream() as upstream:
        lab.stop()
        lab.use_provider(upstream.base_url, "sk-0123456789", "reason")
        lab.start()
        open_lab(page, lab)
        chat = open_chat(page)
        narrow(page)
        chat.new()
        chat.send("Why does the loss rise after epoch 7?")
        sent = chat.place.get_by_role("button", name="What was sent to the model")
        expect(sent).to_be_visible(timeout=30_000)
        everywhere(page, chat, gallery, "answer of a provider")
        chat.send("/model openai:draws")
        chat.shows("From now on")
        chat.send("Draw both losses, and say from which epoch on they part")
        expect(sent).to_have_count(2, timeout=60_000)
        chat.is_done()
        sent.last.click()
        for width in (1560, 420):
            page.set_viewport_size({"width": width, "height": 860})
            requests(page, gallery, f"dialog what was sent {width}")
    lab.stop()
    lab.use_model()
    lab.start()


def requests(page: Page, gallery: Gallery, name: str) -> None:
    """What was sent: its messages, one of them in full, and all of it."""
    messages = page.get_by_role("dialog").locator("details[open] .jcs-Request")
    gallery.take(page, name)
    for what, place in (("first", 0), ("call", -3), ("json", -1)):
        message = messages.nth(place) if place >= 0 else messages.nth(messages.count() + place)
        message.locator("summary").click()
        gallery.take(page, f"{name} {what}", page.locator(".jp-Dialog-content"))
        message.locator("summary").click()


def banners(page: Page, lab: Lab, gallery: Gallery) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    narrow(page)
    chat.new()
    chat.send("/model direct")
    chat.shows("From now on")
    chat.send(TICKS)
    chat.shows("epoch 3", timeout=60_000)
    lab.kill()
    expect(chat.place.get_by_text("The server cannot be reached")).to_be_visible(timeout=30_000)
    gallery.picture(page, "banner offline light", chat.place)  # no theme can be had now
    lab.start()
    expect(chat.log).to_contain_text("The server stopped", timeout=60_000)
    everywhere(page, chat, gallery, "interrupted")


def shared(page: Page, lab: Lab, gallery: Gallery) -> None:
    browser = page.context.browser
    assert browser is not None
    open_lab(page, lab)
    chat = open_chat(page)
    chat.new()
    chat.send(ANSWER)
    chat.is_done()
    chat.place.get_by_role("button", name="Share this chat").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Read and write", exact=True).check()
    dialog.get_by_role("button", name="Create link").click()
    link = dialog.get_by_role("textbox", name=re.compile("The link")).input_value()
    for scheme in ("light", "dark"):
        for width in (420, 1300):
            context = browser.new_context(
                viewport={"width": width, "height": 860}, color_scheme="dark" if scheme == "dark" else "light"
            )
            other = context.new_page()
            other.goto(link)
            expect(other.get_by_role("log")).to_contain_text("Try dropout", timeout=30_000)
            other.screenshot(path=gallery.folder / f"shared-{scheme}-{width}.png")
            context.close()


ROOMS = [lists, composer, answers, decisions, dialogs, comparisons, panels, banners, provider, shared]


def pages(browser: Browser) -> Iterator[Page]:
    while True:
        context = browser.new_context(viewport={"width": 1560, "height": 860})
        yield context.new_page()
        context.close()


def main(folder: Path, wanted: list[str]) -> None:
    home = Path(tempfile.mkdtemp())
    lab = Lab(home)
    shutil.copy(EXAMPLES / "quickstart.ipynb", lab.root)
    lab.use_model()
    lab.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            fresh = pages(browser)
            rooms = [room for room in ROOMS if not wanted or room.__name__ in wanted]
            names = [each for each in wanted if each not in {room.__name__ for room in ROOMS}]
            for room in rooms or ROOMS:
                page = next(fresh)
                try:
                    room(page, lab, Gallery(folder, names))
                except Exception as error:  # one room that is locked should not close the others
                    page.screenshot(path=folder / f"failed-{room.__name__}.png")
                    print(f"{room.__name__}: {str(error)[:1500]}", file=sys.stderr)
    finally:
        lab.stop()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
