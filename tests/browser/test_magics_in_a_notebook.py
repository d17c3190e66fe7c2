"""`%chat` in a real JupyterLab and in Notebook 7: what a person who types it sees."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from lab_kit import IDLE, TOKEN, Lab, open_chat, open_lab, until
from playwright.sync_api import Locator, Page, expect

PLOT = "import matplotlib.pyplot as plt\n_ = plt.plot([3, 1, 2])\nprint('drawn')"
SLOW = "import time\nfor i in range(600):\n    print('tick', i, flush=True)\n    time.sleep(0.2)"
CELLS = (
    "%load_ext jupyter_chat_sessions",
    f"%%chat -o plotted\n{PLOT}",
    "print(plotted.outcome, [each.path for each in plotted.artifacts])",
    "%chat what can you do?",
    f"%%chat\n{SLOW}",
    "%chat list",
)


EMPTY = {"metadata": {}, "execution_count": None}


def write_notebook(path: Path) -> None:
    cells = [
        {
            "cell_type": "code",
            "id": f"c{number}",
            "metadata": {},
            "execution_count": None,
            "outputs": [],
            "source": cell,
        }
        for number, cell in enumerate(CELLS)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))


@pytest.fixture
def magics(lab: Lab) -> Lab:
    write_notebook(lab.root / "magics.ipynb")
    return lab


def run(page: Page, number: int) -> Locator:
    """Runs a cell; its outputs."""
    cell = page.locator(".jp-CodeCell").nth(number)
    cell.locator(".cm-content").click()
    page.keyboard.press("Shift+Enter")
    return cell.locator(".jp-OutputArea-output")


def loaded(page: Page) -> None:
    expect(page.locator(IDLE).first).to_be_visible(timeout=60_000)
    cell = page.locator(".jp-CodeCell").first
    for _ in range(5):  # what is run before the kernel's channels are open is dropped without a word
        run(page, 0)
        try:
            expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"), timeout=10_000)
            return
        except AssertionError:
            continue
    raise AssertionError("the first cell did not run")


def chats_by_cells(page: Page) -> None:
    """What holds in both: one display a cell, a plot in it, a result, a question, an interrupt that stops the run."""
    loaded(page)
    plotted = run(page, 1)
    expect(plotted.locator("img")).to_be_visible(timeout=60_000)
    expect(plotted).to_have_count(1)
    expect(plotted).to_contain_text("drawn")
    expect(run(page, 2)).to_contain_text("success ['plot-1.png']")
    expect(run(page, 3)).to_contain_text("No AI model is connected")
    slow = run(page, 4)
    expect(slow.first).to_contain_text("tick 2", timeout=60_000)
    expect(slow).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("i")
    page.keyboard.press("i")
    expect(slow.first).to_contain_text("Stopped.", timeout=30_000)
    expect(slow.nth(1)).to_contain_text("The chat's answer was stopped.")
    expect(run(page, 5)).to_contain_text("import matplotlib")


def outcomes(lab: Lab) -> list[str]:
    (folder,) = lab.threads()
    lines = [json.loads(line) for line in (folder / "chat.jsonl").read_text().splitlines()]
    return [line["outcome"] for line in lines if line["type"] == "run"]


def test_in_jupyterlab_a_cell_and_the_sidebar_are_one_chat_and_an_interrupt_stops_the_run(
    magics: Lab, page: Page
) -> None:
    open_lab(page, magics, "magics.ipynb")
    chats_by_cells(page)
    until(lambda: outcomes(magics) == ["success", "success", "cancelled"])
    chat = open_chat(page)
    chat.shows("drawn")
    chat.send("print('from the sidebar')")
    chat.shows("from the sidebar")
    chat.is_done()
    page.locator(".jp-CodeCell").nth(5).locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.type("%chat show 1")
    page.keyboard.press("Shift+Enter")
    expect(page.locator(".jp-CodeCell").nth(5).locator(".jp-OutputArea-output")).to_contain_text("from the sidebar")
    assert len(magics.threads()) == 1


def test_in_notebook_7_cells_chat_as_well(magics: Lab, page: Page) -> None:
    page.goto(f"{magics.url}/notebooks/magics.ipynb?token={TOKEN}")
    expect(page.locator(".jp-NotebookPanel").first).to_be_visible(timeout=60_000)
    chats_by_cells(page)
    until(lambda: outcomes(magics) == ["success", "success", "cancelled"])
