"""A whole conversation with a model's tools in a real JupyterLab. A provider on loopback plays the model."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")
sys.path.append(str(Path(__file__).parents[1] / "agents"))

from lab_kit import IDLE, Chat, Lab, open_chat, open_lab, until
from playwright.sync_api import Page, expect
from test_magics_in_a_notebook import loaded, run
from upstream import BEHAVIOURS, KEY, Answer, Asked, Upstream, a_call, running_upstream

PLOT = (
    "import csv\nimport matplotlib.pyplot as plt\n"
    "rows = [int(row['n']) for row in csv.DictReader(open('data.csv'))]\nplt.plot(rows); plt.show(); sum(rows)"
)
SLOW = "import time\nfor i in range(300):\n    print('tick', i, flush=True)\n    time.sleep(0.1)"
NEW = "# Changed by the model"


def sha_in(text: str) -> tuple[str, str]:
    """The id and the sha of the first cell that `read_notebook` told of."""
    found = re.search(r"=== cell (\S+) · \w+ · sha (\w+)", text)
    assert found, text
    return found[1], found[2]


def step_of(messages: list[dict[str, Any]]) -> tuple[str, int, str]:
    """The person's last words, how many steps have been made since, and what the last tool said."""
    at = max(place for place, each in enumerate(messages) if each["role"] == "user")
    steps = sum(each["role"] == "assistant" for each in messages[at:])
    return str(messages[at]["content"]), steps, str(messages[-1]["content"])


async def guided(asked: Asked, answer: Answer, times: int) -> None:
    """The model: which tool it calls next hangs on the person's words and on how far it has come."""
    words, step, newest = step_of(asked.messages)
    script: dict[str, list[tuple[str, Any]]] = {
        "plot": [("import_file", {"path": "data.csv"}), ("run_python", {"code": PLOT})],
        "remove": [("run_shell", {"command": "rm -rf ."})],
        "edit": [("read_notebook", {})],
        "run": [("run_cell", {"cell_id": "sum"})],
        "look": [("list_files", {})],
        "slow": [("run_python", {"code": SLOW})],
        "ask": [("ask_user", {"question": "Which colour?", "choices": ["red", "blue"]})],
    }
    steps = script.get(words.split()[0], [])
    if step < len(steps):
        name, arguments = steps[step]
        await answer.calls(a_call(0, f"call_{times}", name, json.dumps(arguments)))
    elif words.startswith("edit") and step == 1:
        cell_id, sha = sha_in(newest)
        arguments = {"cell_id": cell_id, "old_source_sha": sha, "new_source": NEW}
        await answer.calls(a_call(0, f"call_{times}", "edit_cell", json.dumps(arguments)))
    else:
        await answer.says([f"I read: {newest[:300]}"])


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    BEHAVIOURS["guided"] = guided
    with running_upstream() as served:
        yield served


@pytest.fixture
def lab(lab: Lab, upstream: Upstream) -> Lab:
    lab.stop()
    lab.use_provider(upstream.base_url, KEY, "guided")
    (lab.root / "data.csv").write_text("n\n1\n2\n39\n")
    lab.start()
    return lab


def allow(chat: Chat) -> None:
    chat.approval.get_by_role("button", name="Approve", exact=True).click(timeout=30_000)


def test_a_csv_is_imported_and_plotted_a_call_refused_a_cell_edited_and_after_a_kill_the_chat_goes_on(
    lab: Lab, page: Page, upstream: Upstream
) -> None:
    open_lab(page, lab)
    chat = open_chat(page)
    chat.send("plot the csv")
    expect(chat.approval).to_contain_text("data.csv", timeout=30_000)
    allow(chat)
    chat.shows(re.compile(r"I read: .*42", re.DOTALL), timeout=60_000)
    expect(chat.log.locator("img").first).to_be_visible()
    (thread,) = lab.threads()
    assert (thread / "files" / "data.csv").read_text() == (lab.root / "data.csv").read_text()

    chat.send("remove everything")
    expect(chat.approval).to_contain_text("rm -rf", timeout=30_000)
    chat.approval.get_by_role("button", name="Deny").click()
    chat.shows("did not allow this call")
    assert (thread / "files" / "data.csv").exists()

    first = page.locator(".jp-Notebook .jp-Cell").first
    chat.send("edit my notebook")
    expect(chat.approval.locator("ins")).to_contain_text(NEW, timeout=30_000)
    expect(chat.approval.get_by_role("button", name="Approve for this thread")).to_be_visible()
    on_disk = (lab.root / "quickstart.ipynb").read_bytes()
    allow(chat)
    expect(first).to_contain_text("Changed by the model", timeout=30_000)
    chat.shows("was changed")
    assert (lab.root / "quickstart.ipynb").read_bytes() == on_disk, "the page's own, unsaved until its person saves"
    first.dblclick()
    page.keyboard.press("Control+z")
    expect(first).not_to_contain_text("Changed by the model")

    chat.send("slow work")
    until(lambda: len(chat.ticks()) > 3)
    lab.kill()
    lab.start()
    page.reload()
    chat = open_chat(page)
    expect(chat.cards).to_have_count(6, timeout=60_000)
    chat.send("ask me something")
    question = chat.place.get_by_role("region", name="A question to you")
    expect(question).to_contain_text("Which colour?", timeout=60_000)
    page.reload()
    question.get_by_role("button", name="blue").click(timeout=30_000)
    chat.shows("The person answered: blue")
    roles = [each["role"] for each in upstream.asked[-1].messages]
    assert roles[0] == "system"
    assert all(KEY not in path.read_text() for path in thread.rglob("*.jsonl"))


def test_a_cell_runs_where_the_person_sees_it_each_time_after_their_word(lab: Lab, page: Page) -> None:
    import nbformat

    cells = [nbformat.v4.new_code_cell("total = 6 * 7\nprint(total)", id="sum")]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=metadata), lab.root / "sum.ipynb")
    open_lab(page, lab, "sum.ipynb")
    expect(page.locator(IDLE)).to_be_visible(timeout=60_000)
    chat = open_chat(page)
    output = page.locator(".jp-Notebook .jp-OutputArea-output").first
    for _ in range(2):
        chat.send("run it")
        expect(chat.approval).to_contain_text("print(total)", timeout=30_000)
        expect(chat.approval.get_by_role("button", name="Approve for this thread")).to_have_count(0)
        allow(chat)
        expect(output).to_have_text("42", timeout=30_000)
        chat.is_done()
    page.locator(".jp-Notebook .cm-content").first.click()
    chat.send("run it")
    expect(chat.approval).to_contain_text("print(total)", timeout=30_000)
    page.locator(".jp-Notebook .cm-content").first.click()
    page.keyboard.type("# mine ")
    allow(chat)
    chat.shows("It has not run.")


def test_a_cell_that_has_tools_ask_waits_for_the_word_of_who_sees_the_chat(lab: Lab, page: Page) -> None:
    import nbformat

    cells = ["%load_ext jupyter_chat_sessions\n%chat tools ask", "%chat look around", "%chat tools on"]
    made = [nbformat.v4.new_code_cell(source, id=f"c{place}") for place, source in enumerate(cells)]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=metadata), lab.root / "asking.ipynb")
    open_lab(page, lab, "asking.ipynb")
    chat = open_chat(page)
    chat.send("hello")
    chat.is_done()
    loaded(page)
    expect(page.locator(".jp-OutputArea-output").first).to_contain_text("Before each call you are asked")
    answered = run(page, 1)
    expect(chat.approval).to_contain_text("List files", timeout=30_000)
    expect(chat.approval.get_by_role("button", name="Approve for this thread")).to_have_count(0)
    allow(chat)
    expect(answered.first).to_contain_text("I read:", timeout=30_000)
    expect(run(page, 2)).to_contain_text("tools ask")
    chat.send("look again")
    chat.is_done()
    expect(chat.approval).to_have_count(0)
