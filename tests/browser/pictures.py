"""Takes the documentation's pictures anew: `python tests/browser/pictures.py docs/images`."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from conftest import ARGUMENTS, CHROMIUM
from gallery import called, narrow
from lab_kit import Lab, open_chat, open_lab, open_panel
from playwright.sync_api import Page, expect, sync_playwright

MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
YEARS = {
    "2023": [2.1, 3.4, 6.8, 9.9, 14.2, 18.0, 19.8, 19.1, 16.0, 11.2, 6.3, 4.0],
    "2024": [2.9, 5.6, 8.1, 11.3, 15.9, 19.9, 21.4, 20.2, 15.1, 11.9, 5.4, 2.7],
}
CONFIG = """import sys
sys.path.insert(0, {here!r})
from pictured_agent import Other, Pictured
c.ChatSessions.agents = {{'local': Pictured, 'larger': Other}}
c.ChatSessions.default_model = 'local'
c.ChatSessions.tool_permissions = {{'run_python': {permission!r}}}
"""
EARLIER = ["Clean the readings of March", "Which stations have gaps?"]
QUESTION = "Which month was warmest, and how do the two years differ?"


def write_notebook(lab: Lab) -> None:
    """A notebook that has been worked in, with its data beside it."""
    rows = list(zip(MONTHS, *YEARS.values(), strict=True))
    (lab.root / "temperatures.csv").write_text(
        "month,2023,2024\n" + "".join(f"{month},{one},{other}\n" for month, one, other in rows)
    )
    head = "".join(f"<tr><th>{month}</th><td>{one}</td><td>{other}</td></tr>" for month, one, other in rows[:5])
    table = f"<table><thead><tr><th>month</th><th>2023</th><th>2024</th></tr></thead><tbody>{head}</tbody></table>"
    output = {
        "output_type": "execute_result",
        "execution_count": 1,
        "metadata": {},
        "data": {"text/html": table, "text/plain": "…"},
    }
    code = 'import pandas as pd\n\ntable = pd.read_csv("temperatures.csv", index_col="month")\ntable.head()'
    cells = [
        {
            "cell_type": "markdown",
            "id": "title",
            "metadata": {},
            "source": "# Two years of temperatures\n\nMonthly means of one station, in °C.",
        },
        {
            "cell_type": "code",
            "id": "read",
            "metadata": {},
            "execution_count": 1,
            "outputs": [output],
            "source": code,
        },
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (lab.root / "temperatures.ipynb").write_text(json.dumps(notebook))
    shutil.copy(Path(__file__).parents[2] / "examples" / "quickstart.ipynb", lab.root)


def ask(page: Page, lab: Lab, permission: str, question: str) -> None:
    lab.stop()
    lab.configure(CONFIG.format(here=str(Path(__file__).parent), permission=permission))
    lab.start()
    open_lab(page, lab, "temperatures.ipynb")
    chat = open_chat(page)
    narrow(page, 560)
    chat.new()
    chooser = chat.place.locator("input[type=file]").first
    if "warmest" in question:
        chooser.set_input_files(lab.root / "temperatures.csv")
        expect(chat.place.get_by_role("list", name="Goes along")).to_contain_text("temperatures.csv")
        expect(chat.place.locator("progress")).to_have_count(0)
    chat.send(question)


def sidebar(page: Page, lab: Lab, folder: Path) -> None:
    for title in EARLIER:
        thread = called(lab, "POST", "/threads", {"notebook": "temperatures.ipynb"})["thread_id"]
        called(lab, "POST", f"/threads/{thread}/messages?wait=true", {"content": title})
    ask(page, lab, "allow", QUESTION)
    chat = open_chat(page)
    expect(chat.log.locator("img")).to_be_visible(timeout=90_000)
    chat.shows("July 2024")
    chat.is_done()
    page.wait_for_timeout(1500)
    page.screenshot(path=folder / "sidebar.png")


def approval(page: Page, lab: Lab, folder: Path) -> None:
    ask(page, lab, "ask", "Can you clean up the old logs?")
    chat = open_chat(page)
    expect(chat.approval).to_be_visible(timeout=30_000)
    page.wait_for_timeout(1000)
    page.screenshot(path=folder / "approval.png")


def compare(page: Page, lab: Lab, folder: Path) -> None:
    open_lab(page, lab, "temperatures.ipynb")
    chat = open_chat(page)
    chat.place.get_by_role("button", name="Compare models").click()
    both = page.locator(".jcs-Compare:visible")
    expect(both.locator(".jcs-Pane")).to_have_count(2, timeout=30_000)
    for place, model in enumerate(["local", "larger"]):
        both.locator(".jcs-Pane").nth(place).get_by_label("Model").fill(model)
        both.locator(".jcs-Pane").nth(place).get_by_label("Model").press("Enter")
    words = both.get_by_role("textbox", name="Message", exact=True)
    words.fill("Some sensors report nonsense now and then. How do I clean the readings?")
    words.press("Enter")
    expect(both.get_by_role("log").nth(1)).to_contain_text("cold snaps", timeout=30_000)
    expect(both.get_by_role("button", name="Stop", exact=True)).to_have_count(0, timeout=30_000)
    page.locator('.lm-TabBar-tab[data-id="jupyter-chat-sessions"]').click()  # the sidebar folds
    page.wait_for_timeout(1000)
    page.screenshot(path=folder / "compare.png")


def panel(page: Page, lab: Lab, folder: Path) -> None:
    open_lab(page, lab)
    page.keyboard.press("Control+b")
    chat = open_panel(page)
    chat.send("/model direct")
    chat.shows("From now on")
    chat.send(
        "import numpy as np, matplotlib.pyplot as plt\nt = np.linspace(0, 6, 300)\n"
        "plt.figure(figsize=(6, 1.3)); plt.plot(t, np.exp(-t / 2) * np.cos(6 * t)); plt.show()"
    )
    expect(chat.log.locator("img")).to_be_visible(timeout=60_000)
    chat.is_done()
    page.wait_for_timeout(1000)
    page.screenshot(path=folder / "panel.png")


def main(folder: Path) -> None:
    home = Path(tempfile.mkdtemp())
    lab = Lab(home)
    write_notebook(lab)
    lab.configure(CONFIG.format(here=str(Path(__file__).parent), permission="allow"))
    lab.start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            for take in (sidebar, approval, compare, panel):
                height = 980 if take is sidebar else 860
                context = browser.new_context(viewport={"width": 1280, "height": height})
                take(context.new_page(), lab, folder)
                context.close()
    finally:
        lab.stop()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
