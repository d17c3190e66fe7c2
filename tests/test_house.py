"""The house rules that a tool can hold: style, types, who imports whom, and that what the README says is so."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import jupyter_chat_sessions

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "jupyter_chat_sessions"
MODULES = sorted(PACKAGE.rglob("*.py"))

TOP_LEVEL = {
    "binder",
    "CHANGELOG.md",
    "docs",
    "examples",
    "jupyter_chat_sessions",
    "labextension",
    "LICENSE",
    "pyproject.toml",
    "README.md",
    "tests",
}

LONGEST_MODULE = 300
LONGER_MODULES = {
    "engine/session.py": "one mailbox: what goes through it belongs together",
    "server/openapi.py": "a table with a row for each door",
}

# --- tools, all begun at once ----------------------------------------------------------------------------------------

TOOLS = {
    "ruff check": ["-m", "ruff", "check", "--no-cache", "jupyter_chat_sessions", "tests", "labextension"],
    "ruff format": ["-m", "ruff", "format", "--check", "--no-cache", "jupyter_chat_sessions", "tests", "labextension"],
    "mypy": ["-m", "mypy", "--strict"],
    "import contracts": ["-c", "from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])"],
}


@pytest.fixture(scope="module")
def tools() -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Every tool at its work. The slowest, mypy with a cold cache, sets how long all of them take."""
    begun = {
        name: subprocess.Popen(
            [sys.executable, *arguments], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for name, arguments in TOOLS.items()
    }
    yield begun
    for process in begun.values():
        if process.poll() is None:
            process.kill()
        process.communicate()


# --- what a clone holds ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """The files git knows, or would add."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone")
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def test_the_top_level_holds_only_what_is_named_here(tracked: list[str]) -> None:
    names = {name.split("/")[0] for name in tracked}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_no_file_names_a_folder_of_one_machine_or_the_address_of_a_registry(tracked: list[str]) -> None:
    folder = rb"(?<![\w.}-])/(?:work|opt|root)/"
    registry = rb"https?://[\w.-]*(?:registry\.|npmjs|yarnpkg|pypi|pythonhosted|deb\.debian)"
    unwanted = re.compile(rb"%b|%b|resolved [\"']http" % (folder, registry))
    found = [f"{name}: {match[0]!r}" for name in tracked if (match := unwanted.search((ROOT / name).read_bytes()))]
    assert not found


# --- the package's own shape -----------------------------------------------------------------------------------------


def test_no_module_is_longer_than_three_hundred_lines_without_a_reason() -> None:
    lengths = {path.relative_to(PACKAGE).as_posix(): len(path.read_text().splitlines()) for path in MODULES}
    assert not {name for name, length in lengths.items() if length > LONGEST_MODULE} - LONGER_MODULES.keys()
    assert lengths.keys() >= LONGER_MODULES.keys(), "a module that is gone needs no reason"


def test_no_two_test_modules_share_a_name(tracked: list[str]) -> None:
    names = [Path(each).name for each in tracked if each.startswith("tests/") and Path(each).name.startswith("test_")]
    assert sorted(names) == sorted(set(names)), "pytest takes one for the other"


def test_every_module_and_public_function_says_what_it_gives_and_every_class_unless_its_fields_do() -> None:
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in MODULES
        if path.stat().st_size
        for name in _undocumented(ast.parse(path.read_text()))
    ]
    assert not missing


def _undocumented(module: ast.Module) -> Iterator[str]:
    if ast.get_docstring(module) is None:
        yield "the module"
    for node in module.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            needs_one = True
        elif isinstance(node, ast.ClassDef):
            needs_one = any(isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) for each in node.body)
        else:
            continue
        if needs_one and not node.name.startswith("_") and ast.get_docstring(node) is None:
            yield node.name


def test_what_is_tested_is_this_checkout_and_so_is_what_servers_and_browsers_load(tmp_path: Path) -> None:
    code = "import jupyter_chat_sessions as package; print(package.__path__[0])"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    installed = Path(loaded.stdout.strip())
    stale = [
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        if not (there := installed / path.relative_to(PACKAGE)).is_file() or there.read_bytes() != path.read_bytes()
    ]
    assert Path(jupyter_chat_sessions.__path__[0]) == PACKAGE, "run this as `python -m pytest` in the checkout"
    assert not stale, "the installed package is older than the checkout: install it again"


def test_whoever_imports_the_package_has_its_types() -> None:
    assert (PACKAGE / "py.typed").is_file()


def test_importing_the_package_costs_a_kernel_no_more_than_the_standard_library() -> None:
    code = """
import sys, time
before, began = set(sys.modules), time.process_time()
import jupyter_chat_sessions
cost = time.process_time() - began
print(round(cost * 1000, 2), *{name.split(".")[0] for name in set(sys.modules) - before})
"""
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    cost_ms, *loaded = shown.stdout.split()
    print(f"importing the package: {cost_ms} ms CPU")
    assert set(loaded) <= {"jupyter_chat_sessions", *sys.stdlib_module_names}


def test_loading_the_extension_brings_a_server_nothing_it_has_not_got() -> None:
    code = """
import sys
from jupyter_server.serverapp import ServerApp
server = ServerApp(open_browser=False, jpserver_extensions={})
server.initialize(argv=[], find_extensions=False, new_httpserver=False)
before = set(sys.modules)
name = "jupyter_chat_sessions"
assert server.extension_manager.add_extension(name, enabled=True)
server.extension_manager.link_extension(name)
server.extension_manager.load_extension(name)
assert server.extension_manager.extension_apps[name], "not loaded"
print(*{name.split(".")[0] for name in set(sys.modules) - before})
"""
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = set(shown.stdout.split())
    assert "jupyter_chat_sessions" in loaded
    assert loaded <= {"jupyter_chat_sessions", "jupyter_server", "tornado", *sys.stdlib_module_names}


def test_a_kernel_gets_the_panel_and_the_magics_with_the_names_and_refusals_of_core_and_no_more() -> None:
    grimp = pytest.importorskip("grimp")
    graph = grimp.build_graph("jupyter_chat_sessions", cache_dir=None)
    graph.remove_import(  # only where there is no server, and only at the first chat
        importer="jupyter_chat_sessions.kernel.chats_of_kernel", imported="jupyter_chat_sessions.local.service"
    )
    reached = graph.find_upstream_modules("jupyter_chat_sessions.kernel", as_package=True)
    core = {"jupyter_chat_sessions.core", "jupyter_chat_sessions.core.ids", "jupyter_chat_sessions.core.errors"}
    assert reached <= core


def test_no_two_test_modules_have_one_name() -> None:
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name != "conftest.py"]
    assert not [name for name in set(names) if names.count(name) > 1]  # pytest could not collect both


# --- what is written about it ----------------------------------------------------------------------------------------


def _commands() -> list[str]:
    """The shell commands of the README, in their order."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    return [block.strip() for block in blocks]


def test_the_readme_begins_with_a_command_that_opens_it_and_one_that_tests_it() -> None:
    opening, testing, *_ = _commands()
    for command in (opening, testing):
        assert "\n" not in command
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    assert ".venv/bin/jupyter lab examples/quickstart.ipynb" in opening
    assert testing.endswith(".venv/bin/python -m pytest")


def test_ci_runs_the_readmes_second_command_as_it_stands_there() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert _commands()[1] in lines


def test_what_the_readme_points_to_is_there() -> None:
    pointers = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert pointers
    assert not [pointer for pointer in pointers if not (ROOT / pointer).exists()]


def test_the_readme_names_every_setting() -> None:
    from jupyter_chat_sessions.server.extension import ChatSessions

    own = list(ChatSessions.class_own_traits(config=True))
    readme = (ROOT / "README.md").read_text()
    assert own
    assert not [name for name in own if f"c.ChatSessions.{name}" not in readme]


def test_the_changelog_knows_the_version_that_stands_here() -> None:
    version = jupyter_chat_sessions.__version__
    assert re.search(rf'^version = "{re.escape(version)}"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    headings = re.findall(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert {"Unreleased", version} & set(headings)


def test_the_example_is_a_notebook_without_outputs_that_shows_the_panel() -> None:
    import nbformat

    path = ROOT / "examples" / "quickstart.ipynb"
    notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert code[-1].source.endswith("ChatPanel()")
    scope: dict[str, object] = {}
    exec(code[-1].source, scope)
    assert scope["ChatPanel"] is jupyter_chat_sessions.ChatPanel
    assert json.loads(path.read_text())["cells"][0]["cell_type"] == "markdown"


# --- last, what the tools found --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TOOLS)
def test_nothing_is_found_by(name: str, tools: dict[str, subprocess.Popen[str]]) -> None:
    shown, _ = tools[name].communicate(timeout=300)
    assert tools[name].returncode == 0, shown


@pytest.fixture(autouse=True, scope="module")
def _begun(tools: dict[str, subprocess.Popen[str]]) -> None:
    """The tools work while the other tests of this file do."""
