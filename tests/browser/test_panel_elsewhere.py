"""The panel where JupyterLab is not: in Notebook 7, on a server without the chat, and in Voila."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed (pip install '.[lab,test]')")

from lab_kit import TOKEN, Chat, Lab, open_panel, ticking, until
from playwright.sync_api import Page, expect
from test_a_panel_stays import called, saved, sessions


def open_notebook(page: Page, lab: Lab) -> None:
    """The quickstart in Notebook 7."""
    page.goto(f"{lab.url}/notebooks/quickstart.ipynb?token={TOKEN}")
    expect(page.locator(".jp-NotebookPanel").first).to_be_visible(timeout=60_000)


def test_in_notebook_7_it_is_live_keeps_its_keys_and_is_read_again_without_kernel_and_without_server(
    lab: Lab, page: Page
) -> None:
    open_notebook(page, lab)
    until(lambda: any(each["kernel"]["connections"] for each in sessions(lab)))  # what is run before asks for a kernel
    panel = open_panel(page)
    panel.send(ticking(600, 0.05))
    panel.shows("tick 3")
    seen = panel.ticks()[-1]
    until(lambda: panel.ticks()[-1] > seen)
    expect(panel.stop).to_be_visible()

    cells = page.locator(".jp-Cell")
    before = cells.count()
    panel.composer.focus()
    for keys in ("Shift+Enter", "Alt+Enter", "Control+Enter", "a", "b", "d", "d", "x", "m"):
        panel.composer.press(keys)
    assert panel.composer.input_value().endswith("abddxm")
    panel.stop.focus()
    for keys in ("a", "b", "d", "d", "x"):
        page.keyboard.press(keys)
    expect(cells).to_have_count(before)
    assert panel.ticks()[-1] > seen, "the panel was not drawn anew"
    panel.composer.press("Escape")
    panel.is_done()

    panel.composer.fill("")
    panel.send("print('kept in ' + 'the notebook')")
    panel.shows("kept in the notebook")
    panel.is_done()
    until(lambda: saved(lab, page, "kept in the notebook"))
    (session,) = sessions(lab)
    page.goto("about:blank")
    called(lab, "DELETE", f"/api/sessions/{session['id']}")
    until(lambda: not sessions(lab))

    notebook = lab.root / "quickstart.ipynb"
    parts = json.loads(notebook.read_text())
    parts["metadata"] = {"kernelspec": {"name": "gone", "display_name": "Gone", "language": "gone"}}
    notebook.write_text(json.dumps(parts))
    open_notebook(page, lab)
    page.get_by_role("dialog").get_by_role("button", name="No Kernel").click(timeout=30_000)
    panel.shows("kept in the notebook")
    panel.send("print('without ' + 'a kernel')")
    panel.shows("without a kernel")
    panel.is_done()
    assert sessions(lab) == []

    page.goto("about:blank")
    lab.stop()
    lab.configure("c.ServerApp.jpserver_extensions = {'jupyter_chat_sessions': False}\n")
    lab.start()
    open_notebook(page, lab)
    page.get_by_role("dialog").get_by_role("button", name="No Kernel").click(timeout=30_000)
    panel.shows("kept in the notebook")
    expect(panel.place.locator(".jcs-Banner")).to_contain_text("As saved with the notebook")
    expect(panel.composer).to_have_count(0)


def test_voila_shows_it_live_where_the_server_has_the_chat(lab: Lab, page: Page, tmp_path: Path) -> None:
    pytest.importorskip("voila", reason="voila is not installed (pip install '.[lab,test]')")
    extensions = tmp_path / "labextensions"  # a copy, as a checkout's is a link, which Voila does not follow
    shutil.copytree(Path(sys.prefix) / "share" / "jupyter" / "labextensions", extensions)
    lab.stop()
    lab.configure(f"c.VoilaConfiguration.extra_labextensions_path = [{str(extensions)!r}]\n")
    lab.start()
    page.goto(f"{lab.url}/voila/render/quickstart.ipynb?token={TOKEN}")
    panel = Chat(page.locator(".jcs-Panel"))
    expect(panel.composer).to_be_enabled(timeout=60_000)
    panel.send("print('said in ' + 'Voila')")
    panel.shows("said in Voila")
    panel.is_done()
    (thread,) = lab.threads()
    assert "said in Voila" in (thread / "chat.jsonl").read_text()
