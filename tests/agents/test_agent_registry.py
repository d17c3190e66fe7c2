from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_chat_sessions.agents.direct import DirectAgent
from jupyter_chat_sessions.agents.registry import agent_names, load_agent
from jupyter_chat_sessions.core.errors import NotFound


@pytest.fixture
def other_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed distribution with two entry points: its own agent, and one that calls itself "direct"."""
    module = "class Echo:\n    id = 'echo'\n    label = 'Echo'\n    author = 'model'\n"
    (tmp_path / "echo_agent_of_a_test.py").write_text(module)
    info = tmp_path / "echo_agent_of_a_test-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: echo-agent-of-a-test\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[jupyter_chat_sessions.agents]\necho = echo_agent_of_a_test:Echo\ndirect = echo_agent_of_a_test:Echo\n"
    )
    monkeypatch.syspath_prepend(tmp_path)


def test_direct_is_there_without_being_installed() -> None:
    assert isinstance(load_agent("direct"), DirectAgent)
    assert "direct" in agent_names()


@pytest.mark.usefixtures("other_package")
def test_an_installed_package_adds_its_agent() -> None:
    assert "echo" in agent_names()
    assert load_agent("echo").label == "Echo"


@pytest.mark.usefixtures("other_package")
def test_no_package_takes_the_place_of_direct() -> None:
    assert isinstance(load_agent("direct"), DirectAgent)
    assert agent_names().count("direct") == 1


def test_an_unknown_agent_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(NotFound, match=r"'nobody'.*direct"):
        load_agent("nobody")


def test_knowing_the_names_imports_no_agent() -> None:
    code = (
        "import sys; from jupyter_chat_sessions.agents import registry; registry.agent_names();"
        "sys.exit('jupyter_chat_sessions.agents.direct' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
