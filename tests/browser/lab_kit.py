"""A real JupyterLab in a process of its own, and a chat in it as a person sees it: by names and roles."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

TOKEN = "browser-tests"
SIDEBAR = "#jupyter-chat-sessions"
IDLE = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def until(claim: Callable[[], object], timeout: float = 30.0) -> None:
    """Returns when the claim holds; fails when it does not within the time."""
    deadline = time.monotonic() + timeout
    while not claim():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.1)


class Lab:
    """One server on one port and one folder. It may be killed and started again; home and settings are its own."""

    def __init__(self, home: Path) -> None:
        self.root = home / "notebooks"
        self.root.mkdir(parents=True)
        self._home = home
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def configure(self, lines: str) -> None:
        """What its `jupyter_server_config.py` says from its next start on."""
        config = self._home / "config"
        config.mkdir(parents=True, exist_ok=True)
        (config / "jupyter_server_config.py").write_text(lines)

    def use_model(self) -> None:
        """From its next start on, a model answers (asking_agent.py), whose tool calls need a person's word."""
        self.configure(
            f"import sys\n"
            f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
            f"from asking_agent import Asking\n"
            f"c.ChatSessions.agents = {{'asking': Asking}}\n"
            f"c.ChatSessions.default_model = 'asking'\n"
            f"c.ChatSessions.tool_permissions = {{'*': 'ask'}}\n"
        )

    def use_provider(self, base_url: str, key: str, model: str) -> None:
        """From its next start on, that model of an OpenAI-compatible provider answers; shell commands ask."""
        self.configure(
            f"import os\n"
            f"os.environ |= {{'OPENAI_BASE_URL': {base_url!r}, 'OPENAI_API_KEY': {key!r}}}\n"
            f"c.ChatSessions.default_model = 'openai:{model}'\n"
            f"c.ChatSessions.tool_permissions = {{'run_shell': 'ask'}}\n"
        )

    def set(self, plugin: str, settings: dict[str, object]) -> None:
        """What a person has set for a plugin of the front end, by its `package/plugin`."""
        package, _, name = plugin.rpartition("/")
        folder = self._home / "config" / "lab" / "user-settings" / package
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.jupyterlab-settings").write_text(json.dumps(settings))

    def start(self) -> None:
        settings = {name: str(self._home / name.lower()) for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
        labconfig = self._home / "config" / "labconfig"
        labconfig.mkdir(parents=True, exist_ok=True)
        quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
        (labconfig / "page_config.json").write_text(json.dumps(quiet))
        environment = {
            **os.environ,
            **settings,
            "HOME": str(self._home),
            "JUPYTER_CONFIG_DIR": str(self._home / "config"),
            "JUPYTER_PREFER_ENV_PATH": "1",
        }
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self._port,
            "ServerApp.port_retries": 0,
            "ServerApp.root_dir": self.root,
            "ServerApp.allow_root": True,
            "ServerApp.open_browser": False,
            "IdentityProvider.token": TOKEN,
            "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
            "LabApp.expose_app_in_browser": True,
        }
        arguments = [f"--{name}={value}" for name, value in options.items()]
        log = (self._home / "server.log").open("ab")
        command = [sys.executable, "-m", "jupyter", "lab", *arguments]
        self._process = subprocess.Popen(command, env=environment, cwd=self.root, stdout=log, stderr=log)
        log.close()
        until(self._answers, timeout=60)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._home / "server.log").read_text()[-3000:]
        try:
            with urllib.request.urlopen(f"{self.url}/api", timeout=2):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        """As `kill -9` does: nothing is told, nothing is tidied up."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    def threads(self, beside: str = ".") -> list[Path]:
        """The thread folders beside a notebook, the oldest first."""
        found = (self.root / beside / ".chats").glob("*/chat.jsonl")
        return sorted((path.parent for path in found), key=lambda folder: folder.stat().st_ctime_ns)


def open_lab(page: Page, lab: Lab, path: str = "quickstart.ipynb") -> None:
    """Opens a notebook in a fresh workspace and waits until it stands."""
    lost = page.get_by_role("dialog").filter(has_text="Server Connection Error")
    page.add_locator_handler(lost, lambda: page.keyboard.press("Escape"))  # where a start takes long
    page.goto(f"{lab.url}/lab/tree/{path}?token={TOKEN}&reset")
    expect(page.locator(".jp-NotebookPanel").first).to_be_visible(timeout=60_000)


def open_chat(page: Page) -> Chat:
    """Opens the sidebar."""
    tab = page.locator('.jp-SideBar .lm-TabBar-tab[data-id="jupyter-chat-sessions"]')
    expect(tab).to_be_visible(timeout=30_000)
    expect(page.locator(".lm-DockPanel-widget:visible").first).to_be_visible(timeout=30_000)  # the layout has come back
    if not page.locator(SIDEBAR).is_visible():
        tab.click()
    expect(page.locator(SIDEBAR)).to_be_visible()
    return Chat(page.locator(SIDEBAR))


def open_panel(page: Page) -> Chat:
    """Runs the notebook's first code cell, which shows a panel."""
    panel = Chat(page.locator(".jp-OutputArea .jcs-Chat").first)
    expect(page.locator(IDLE)).to_be_visible(timeout=60_000)
    no_kernel = page.get_by_role("dialog").get_by_role("button", name="Select", exact=True)
    for _ in range(5):  # what is run before the kernel's channels are open is dropped, or asks for a kernel
        page.locator(".jp-CodeCell .cm-content").first.click()
        page.keyboard.press("Shift+Enter")
        try:
            expect(panel.composer.or_(no_kernel)).to_be_visible(timeout=10_000)
        except AssertionError:
            continue
        if not no_kernel.is_visible():
            break
        no_kernel.click()
        expect(page.locator(IDLE)).to_be_visible(timeout=60_000)
    expect(panel.composer).to_be_visible()
    return panel


class Chat:
    """A chat on the screen: the sidebar, or a panel in a notebook."""

    def __init__(self, place: Locator) -> None:
        self.place = place
        self.composer = place.get_by_role("textbox", name="Message", exact=True)
        self.stop = place.get_by_role("button", name="Stop", exact=True)
        self.log = place.get_by_role("log", name="Conversation")
        self.cards = place.locator("section.jcs-Tool")
        self.approval = place.get_by_role("region", name="Your decision")

    def send(self, text: str) -> None:
        self.composer.fill(text)
        self.composer.press("Enter")

    def new(self) -> None:
        self.place.get_by_role("button", name="New chat").click()

    def rows(self) -> Locator:
        return self.place.locator(".jcs-Row-open")

    def shows(self, text: str | re.Pattern[str], timeout: float = 30_000) -> None:
        expect(self.log).to_contain_text(text, timeout=timeout)

    def is_done(self) -> None:
        unconfirmed = self.place.locator(".jcs-Turn.jcs-mod-sending, .jcs-Turn.jcs-mod-sent")
        expect(unconfirmed).to_have_count(0, timeout=30_000)
        expect(self.stop).to_have_count(0, timeout=30_000)

    def ticks(self) -> list[int]:
        """The numbers that a ticking tool call has shown so far."""
        shown = self.cards.last.inner_text()
        return [int(number) for number in re.findall(r"^tick (\d+)$", shown, re.MULTILINE)]


def ticking(times: int, every_s: float) -> str:
    """Python that prints `tick 0`, `tick 1`, …"""
    return f"import time\nfor i in range({times}):\n    print('tick', i, flush=True)\n    time.sleep({every_s})"
