"""`--yes` in a cell, and a cell that nobody watches: with real kernels, a real server, and a provider on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_client.blocking.client import BlockingKernelClient

sys.path.insert(0, str(Path(__file__).parents[1] / "agents"))
from upstream import BEHAVIOURS, KEY, Answer, Upstream, a_call, once_called, running_upstream

pytestmark = pytest.mark.slow

TOKEN = "yes-token"
CONFIG = """
c.ChatSessions.sandbox = "plain"
c.ChatSessions.tool_permissions = {"install_package": "deny"}
c.ChatSessions.detect_local = False
c.ServerApp.jpserver_extensions = {"jupyter_chat_sessions": True}
"""


def calling(tool: str, **arguments: Any) -> Any:
    async def act(answer: Answer) -> None:
        await answer.calls(a_call(0, "call_a", tool, json.dumps(arguments)))

    return once_called(act)


BEHAVIOURS |= {
    "acts": calling("run_python", code="print(6 * 7)"),
    "wonders": calling("ask_user", question="Which one?"),
    "lists": calling("list_files"),
    "installs": calling("install_package", packages=["six"]),
    "copies": calling("import_file", path="data.csv"),
}


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """No loop of pytest-jupyter's: what runs here runs in other processes."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """No server in this process to clean up after."""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with running_upstream() as upstream:
        yield upstream


def surroundings(home: Path, upstream: Upstream) -> dict[str, str]:
    """An environment in which that provider is the only one, and home, settings and servers are the test's own."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER_", "JPY_"))}
    folders = {f"JUPYTER_{name}_DIR": str(home / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
    provider = {"OPENAI_BASE_URL": upstream.base_url, "OPENAI_API_KEY": KEY}
    return {**inherited, **folders, **provider, "HOME": str(home), "JUPYTER_PREFER_ENV_PATH": "1"}


class Server:
    """A `jupyter server` and the kernel of a notebook on it."""

    def __init__(self, home: Path, upstream: Upstream) -> None:
        environment = surroundings(home, upstream)
        (home / "config").mkdir()
        (home / "config" / "jupyter_server_config.py").write_text(CONFIG)
        self.root = home / "root"
        self.root.mkdir()
        self._runtime = home / "runtime"
        command = [sys.executable, "-m", "jupyter", "server", "--no-browser", "--allow-root", "--ServerApp.port=0"]
        command += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={self.root}"]
        with (home / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self._url = self._found(home / "server.log")

    def _found(self, log: Path) -> str:
        deadline = time.monotonic() + 60
        while True:
            for record in self._runtime.glob(f"jpserver-{self._process.pid}.json"):
                url = str(json.loads(record.read_bytes())["url"])
                try:
                    urllib.request.urlopen(f"{url}api", timeout=5).close()
                    return url
                except OSError:
                    break
            assert self._process.poll() is None, log.read_text()[-3000:]
            assert time.monotonic() < deadline, log.read_text()[-3000:]
            time.sleep(0.05)

    def _asked(self, path: str, body: Any = None, method: str | None = None) -> Any:
        headers = {"Authorization": f"token {TOKEN}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def kernel(self) -> BlockingKernelClient:
        """A client of the kernel of `report.ipynb`, ready."""
        nbformat.write(nbformat.v4.new_notebook(), self.root / "report.ipynb")
        session = {"path": "report.ipynb", "name": "report.ipynb", "type": "notebook", "kernel": {"name": "python3"}}
        made = self._asked("api/sessions", session)
        client = BlockingKernelClient(connection_file=str(self._runtime / f"kernel-{made['kernel']['id']}.json"))
        client.load_connection_file()
        client.start_channels()
        client.wait_for_ready(timeout=60)
        return client

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)


@pytest.fixture
def server(tmp_path: Path, upstream: Upstream) -> Iterator[Server]:
    server = Server(tmp_path, upstream)
    yield server
    server.stop()


def shown_by(kernel: BlockingKernelClient, code: str) -> str:
    """What a cell shows, its updates included."""
    told: list[str] = []

    def hear(message: Any) -> None:
        content = message["content"]
        if message["msg_type"] in ("display_data", "update_display_data"):
            told.append(content["data"].get("text/markdown") or content["data"].get("text/plain", ""))
        elif message["msg_type"] in ("stream", "error"):
            told.append(content.get("text") or "\n".join(content["traceback"]))

    reply = kernel.execute_interactive(code, timeout=120, output_hook=hear)
    assert reply["content"]["status"] == "ok", told
    return told[-1] if told else ""


def test_a_cell_with_yes_allows_what_its_answer_asks_and_only_that(server: Server, upstream: Upstream) -> None:
    kernel = server.kernel()
    try:
        shown_by(kernel, "%load_ext jupyter_chat_sessions")
        refused = shown_by(kernel, "%chat -m openai:acts go")
        assert "nobody is there to give it" in refused
        assert "It has not run" in upstream.asked[-1].messages[-1]["content"]

        assert "got 42" in shown_by(kernel, "%chat --yes -m openai:acts go")
        lines = [json.loads(line) for path in server.root.glob(".chats/*/chat.jsonl") for line in path.open()]
        [interrupt] = next(line for line in lines if line["type"] == "approval")["interrupts"]
        [answer] = [line for line in lines if line["type"] == "answer"]
        assert (interrupt["tool"], interrupt["level"]) == ("run_python", "unconfined")
        assert (answer["by"], answer["answers"][0]["payload"]) == ("owner", {"approve": True})
        assert "nobody is there to give it" in shown_by(kernel, "%chat -m openai:acts go")

        shown_by(kernel, "%chat --yes -m openai:wonders go")
        assert "did not answer" in upstream.asked[-1].messages[-1]["content"]
        shown_by(kernel, "%chat --yes -m openai:installs go")
        assert "not allowed here" in upstream.asked[-1].messages[-1]["content"]

        shown_by(kernel, "%chat -m openai:lists go")
        assert "nobody" not in upstream.asked[-1].messages[-1]["content"]
        assert "| `list_files` | asks first |" in shown_by(kernel, "%chat tools ask")
        shown_by(kernel, "%chat -m openai:lists go")
        assert "nobody is there to give it" in upstream.asked[-1].messages[-1]["content"]
        shown_by(kernel, "%chat --yes -m openai:lists go")
        assert "nobody" not in upstream.asked[-1].messages[-1]["content"]
        shown_by(kernel, "%chat tools on")

        tools = shown_by(kernel, "%chat tools")
        assert "| `run_python` | asks first |" in tools
        assert "| `install_package` | is refused |" in tools
        assert "level `unconfined`" in tools

        kernel.execute_interactive("sizes = [1, 2, 3]", timeout=30)
        shown_by(kernel, '%chat -m openai:echo-2 -s "Be brief, for {sizes[0]} reader." --no-tools what of @sizes?')
        sent = upstream.asked[-1]
        assert "Be brief, for 1 reader." in sent.messages[0]["content"]
        assert "The variable sizes:\n```\nsizes: builtins.list\n[1, 2, 3]\n```" in sent.messages[-1]["content"]
        assert "tools" not in sent.body
    finally:
        kernel.stop_channels()


@pytest.mark.parametrize("program", ["nbconvert", "papermill"])
def test_where_a_program_runs_the_notebook_what_asks_is_refused_and_the_model_is_told_unless_the_cell_says_yes(
    tmp_path: Path, upstream: Upstream, program: str
) -> None:
    pytest.importorskip(program)
    work = tmp_path / "work"
    work.mkdir()
    (work / "data.csv").write_text("a,b\n")
    cells = ("%load_ext jupyter_chat_sessions", "%chat -m openai:copies go", "%chat --yes -m openai:copies go")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, work / "a.ipynb")
    command = {
        "nbconvert": ["nbconvert", "--to", "notebook", "--execute", "a.ipynb", "--output", "b.ipynb"],
        "papermill": ["papermill", "a.ipynb", "b.ipynb", "-k", "python3"],
    }[program]
    run = [sys.executable, "-m", *command]
    done = subprocess.run(
        run, cwd=work, env=surroundings(tmp_path, upstream), capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    outputs: list[Any] = [cell.outputs for cell in nbformat.read(work / "b.ipynb", as_version=4).cells[-2:]]
    assert "nobody is there to give it" in outputs[0][-1].data["text/markdown"]
    told = [each.messages[-1]["content"] for each in upstream.asked if each.messages[-1]["role"] == "tool"]
    assert "It has not run" in told[0]
    assert "data.csv" in told[1]
    assert [path.read_text() for path in work.glob(".chats/*/files/data.csv")] == ["a,b\n"]
