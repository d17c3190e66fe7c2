"""The snippets of docs/magics.md, run one after the other as a notebook's cells."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from jupyter_chat_sessions.kernel import chats_of_kernel
from jupyter_chat_sessions.kernel.chats_of_kernel import Chats
from jupyter_chat_sessions.kernel.command_line import _ARGUMENT, _FLAGS, _VALUES
from jupyter_chat_sessions.kernel.service import Place
from jupyter_chat_sessions.local.service import LocalService

PAGE = (Path(__file__).parents[2] / "docs" / "magics.md").read_text()


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """No loop of pytest-jupyter's: these chats have one of their own."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """No server in this process to clean up after."""


def test_every_snippet_of_the_page_runs_in_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setenv("MPLBACKEND", "agg")
    service = LocalService(tmp_path)
    monkeypatch.setattr(chats_of_kernel, "_found", Chats(service, Place("page.ipynb", "")))
    shell = InteractiveShell()
    snippets = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    try:
        for snippet in snippets:
            result = shell.run_cell(snippet)
            assert result.success, snippet
    finally:
        service.close()
        shell.history_manager.end_session()
    assert len(snippets) >= 8
    assert shell.user_ns["image"].startswith(b"\x89PNG")
    assert shell.user_ns["answer"].text == "42"


def test_the_page_and_the_help_name_every_subcommand_and_option() -> None:
    from jupyter_chat_sessions.kernel.help import HELP

    for name in (*(set(_ARGUMENT) - {"help"}), *_FLAGS, *(each for each in _VALUES if len(each) == 2)):
        assert name in HELP, name
        assert name in PAGE, name
