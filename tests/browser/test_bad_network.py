"""A chat in JupyterLab on a network that breaks: what is on the screen is what is on disk, each once."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab_kit import Lab, open_chat, open_lab
from playwright.sync_api import Page, expect

NETWORK = Path(__file__).parents[1] / "network"
sys.path.append(str(NETWORK))

from proxy import Proxy, offline  # noqa: E402
from reciting_agent import recited  # noqa: E402

CONFIG = f"""
import sys
sys.path.insert(0, {str(NETWORK)!r})
from reciting_agent import Reciting
c.ChatSessions.agents = {{"reciting": Reciting}}
c.ChatSessions.default_model = "reciting"
"""


@dataclass(frozen=True)
class Far:
    """The server as the browser reaches it."""

    url: str


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A JupyterLab where an agent answers whose words are known beforehand."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "jupyter_server_config.py").write_text(CONFIG)
    lab = Lab(tmp_path)
    shutil.copy(Path(__file__).parents[2] / "examples" / "quickstart.ipynb", lab.root)
    lab.start()
    yield lab
    lab.stop()


def said(lab: Lab, role: str) -> list[str]:
    lines = [json.loads(line) for line in (lab.threads()[0] / "chat.jsonl").read_bytes().splitlines()]
    messages = [line["message"] for line in lines if line["type"] == "message"]
    return [message["content"] for message in messages if message["role"] == role]


def test_a_chat_whose_network_drops_goes_down_and_falls_silent_shows_all_of_it_once(page: Page, lab: Lab) -> None:
    with Proxy(int(lab.url.rsplit(":", 1)[1])) as proxy:
        open_lab(page, Far(f"http://127.0.0.1:{proxy.port}"))  # type: ignore[arg-type]
        chat = open_chat(page)
        chat.send("recite 400")
        for number in (30, 120, 250):
            chat.shows(f".{number}é")
            proxy.drop()
        chat.shows(".399é", timeout=60_000)
        chat.is_done()
        answer = "".join(recited(400))
        assert said(lab, "assistant") == [answer]
        assert chat.log.inner_text().count("0é🙂.1é🙂.") == 1
        assert answer in chat.log.inner_text()

        with offline(proxy):
            chat.send("typed without a network")
            expect(chat.log).to_contain_text("typed without a network")
            assert said(lab, "user") == ["recite 400"]
        expect(chat.log.get_by_text("typed without a network")).to_have_count(2, timeout=60_000)
        assert said(lab, "user") == ["recite 400", "typed without a network"]

        proxy.go_deaf()  # open, and nothing comes any more: only the heartbeats that are missing tell
        chat.send("into the silence")
        expect(chat.log.get_by_text("into the silence")).to_have_count(2, timeout=60_000)
        assert said(lab, "user")[2:] == ["into the silence"]

        proxy.go_deaf()
        page.evaluate("window.dispatchEvent(new Event('online'))")
        chat.send("back at once")
        expect(chat.log.get_by_text("back at once")).to_have_count(2, timeout=15_000)
        assert said(lab, "user")[3:] == ["back at once"]
