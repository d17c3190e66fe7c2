"""The examples as packages of somebody else: installed, found by their entry points, used through a real server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from served import Rest

from jupyter_chat_sessions.tools import BUILT_IN

ROOT = Path(__file__).parents[2]
EXAMPLES = ("own_agent", "own_tool")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A distribution with both examples and the entry points that they themselves tell of."""
    info = tmp_path / "examples_of_a_test-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: examples-of-a-test\nVersion: 1.0\n")
    points = []
    for name in EXAMPLES:
        shutil.copy(ROOT / "examples" / f"{name}.py", tmp_path)
        group, line = re.findall(
            r'^\[project\.entry-points\."(.+?)"\]\n(.+)$', (tmp_path / f"{name}.py").read_text(), re.M
        )[0]
        points.append(f"[{group}]\n{line.replace(chr(34), '')}\n")
    (info / "entry_points.txt").write_text("\n".join(points))
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("installed")
async def test_an_agent_and_a_tool_of_another_package_work_together(rest: Rest, new_id: Callable[[], str]) -> None:
    body = {"content": "my luck?", "model": "own_agent"}
    answer = (await rest("POST", f"/threads/{new_id()}/messages", body, query={"wait": "true"})).json
    assert answer["outcome"] == "success"
    assert [each["role"] for each in answer["messages"]] == ["assistant", "tool", "assistant"]
    assert re.fullmatch(r"You rolled [1-6] [1-6] [1-6]\.", answer["messages"][-1]["content"])


def test_each_example_is_short_and_the_built_in_tools_are_declared_as_theirs_are() -> None:
    for name in EXAMPLES:
        assert len((ROOT / "examples" / f"{name}.py").read_text().splitlines()) < 30
    declared = (ROOT / "pyproject.toml").read_text().split('entry-points."jupyter_chat_sessions.tools"]\n')[1]
    lines = dict(line.split(" = ") for line in declared.split("\n\n")[0].splitlines())
    assert lines == {name: f'"{made.__module__}:{made.__name__}"' for name, made in BUILT_IN.items()}  # type: ignore[attr-defined]
