"""The panel in a notebook whose kernel is restarted, shut down, or not there when the notebook is opened again."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from lab_kit import TOKEN, Lab, open_lab, open_panel, until
from playwright.sync_api import Page, expect


def called(lab: Lab, method: str, path: str) -> str:
    """What the server's own API answers."""
    request = urllib.request.Request(f"{lab.url}{path}", method=method, headers={"Authorization": f"token {TOKEN}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(answer.read().decode())


def sessions(lab: Lab) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(called(lab, "GET", "/api/sessions"))
    return found


def saved(lab: Lab, page: Page, words: str) -> bool:
    """Whether the notebook on disk holds the words, after saving it now."""
    page.keyboard.press("Control+s")
    page.wait_for_timeout(300)
    return words in (lab.root / "quickstart.ipynb").read_text()


def test_it_keeps_its_transcript_through_restart_save_close_and_reopen_without_a_kernel(lab: Lab, page: Page) -> None:
    open_lab(page, lab)
    panel = open_panel(page)
    panel.send("kept = 'through ' + 'everything'; print(kept)")
    panel.shows("through everything")
    panel.is_done()

    (session,) = sessions(lab)
    called(lab, "POST", f"/api/kernels/{session['kernel']['id']}/restart")
    panel.send("print(kept, 'and a restart')")  # the chat's own Python has not been restarted
    panel.shows("through everything and a restart")
    panel.is_done()
    until(lambda: saved(lab, page, "through everything"))

    called(lab, "DELETE", f"/api/sessions/{session['id']}")
    until(lambda: not sessions(lab))
    panel.send("print(len(kept), 'letters')")
    panel.shows("18 letters")
    panel.is_done()

    page.goto("about:blank")
    path = lab.root / "quickstart.ipynb"
    notebook = json.loads(path.read_text())
    notebook["metadata"] = {"kernelspec": {"name": "gone", "display_name": "Gone", "language": "gone"}}
    path.write_text(json.dumps(notebook))
    open_lab(page, lab)
    no_kernel = page.get_by_role("dialog").get_by_role("button", name="No Kernel")
    expect(no_kernel).to_be_visible(timeout=30_000)
    no_kernel.click()
    panel.shows("18 letters", timeout=60_000)
    assert sessions(lab) == []
    panel.send("print(kept.upper())")
    panel.shows("THROUGH EVERYTHING")
    panel.is_done()
    assert len(lab.threads()) == 1
