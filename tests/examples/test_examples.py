"""The notebooks of examples/, run from top to bottom as a program would, in a folder without a server, model or key."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.ipynb"))

Run = Callable[[str], list[Any]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("quickstart")`: the code cells of a copy of the example, with their outputs."""
    nbclient = pytest.importorskip("nbclient")
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(home / "runtime"))
    for name in ("JUPYTER_CHAT_URL", "JUPYTER_CHAT_TOKEN", "JUPYTER_CHAT_MODEL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    here = tmp_path / "examples"
    shutil.copytree(EXAMPLES, here, ignore=shutil.ignore_patterns(".chats", "__pycache__"))

    def executed(name: str) -> list[Any]:
        notebook = nbformat.read(here / f"{name}.ipynb", as_version=4)
        nbclient.NotebookClient(notebook, timeout=90, resources={"metadata": {"path": str(here)}}).execute()
        return [cell for cell in notebook.cells if cell.cell_type == "code"]

    return executed


def shown(cell: Any) -> str:
    """All text that a cell has put out."""
    texts = [output.get("text") or output.get("data", {}).get("text/markdown", "") for output in cell.outputs]
    return "\n".join(texts)


def test_every_notebook_is_valid_without_outputs_and_begins_with_words() -> None:
    assert {"quickstart", "data_analysis", "own_agent_and_tool", "class_without_keys"} <= set(NAMES)
    for name in NAMES:
        notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=nbformat.NO_CONVERT)
        nbformat.validate(notebook)
        assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
        assert notebook.cells[0].cell_type == "markdown"
        code = [cell for cell in notebook.cells if cell.cell_type == "code"]
        assert [(cell.outputs, cell.execution_count) for cell in code] == [([], None)] * len(code), name


def test_the_package_of_the_examples_declares_what_their_files_tell() -> None:
    declared = (EXAMPLES / "pyproject.toml").read_text()
    for name in ("own_agent", "own_tool"):
        told = (EXAMPLES / f"{name}.py").read_text().split('"""')[1].split("\n\n")[-1]
        assert told.strip() in declared, name


@pytest.mark.slow
def test_the_quickstart_shows_a_panel(run: Run) -> None:
    (cell,) = run("quickstart")
    assert any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in cell.outputs)


@pytest.mark.slow
def test_a_csv_becomes_numbers_and_a_plot(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    _, summed, _, listed, asked, tools = run("data_analysis")
    assert "harbour: 30 days, 16.9 °C on average" in shown(summed)
    assert "('plot-1.png', 'image/png')" in shown(listed)
    assert shown(asked).startswith("The warmest day at the harbour had 2")
    assert "| `import_file` | asks first |" in shown(tools)
    (drawn,) = (tmp_path / "examples").glob(".chats/*/files/*.png")
    assert drawn.read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_an_agent_and_a_tool_installed_from_the_examples_answer(run: Run, tmp_path: Path) -> None:
    target = tmp_path / "site"
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(tmp_path / "examples")]
    done = subprocess.run([sys.executable, *install], capture_output=True, text=True, timeout=120, check=False)
    if "No matching distribution" in done.stderr or "No module named pip" in done.stderr:
        pytest.skip(f"what builds packages is not to be had here: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stderr
    os.environ["PYTHONPATH"] = str(target)
    try:
        cells = run("own_agent_and_tool")
    finally:
        del os.environ["PYTHONPATH"]
    assert shown(cells[2]).startswith("success - own_agent\nLet us see.")
    assert "assistant ['roll_dice']" in shown(cells[3])


@pytest.mark.slow
def test_a_class_hears_the_recording_and_its_code_runs_in_their_own_chat(run: Run, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    _, first, second, tried, third = run("class_without_keys")
    assert "**Recording**, 1 of 3: What sums do two dice give?" in shown(first)
    assert "The sums in the middle come most often" in shown(first)
    assert "**Recording**, 2 of 3" in shown(second)
    assert len(list((tmp_path / "examples").glob(".chats/*/files/*.png"))) == 1
    assert "0.1" in shown(tried)
    assert "**Recording**, 3 of 3: Why is 7 the most frequent?" in shown(third)
