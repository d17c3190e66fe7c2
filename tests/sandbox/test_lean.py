"""A command that starts an ipykernel starts it without its debugger; no other command is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_chat_sessions.sandbox.lean import without_debugger

LAUNCHER = """
import sys
print(sys.argv[1:], "debugpy" in sys.modules, __name__, "" in sys.path)
import debugpy
print(debugpy.__file__.endswith("debugpy.py"))
"""


@pytest.mark.parametrize("debugger", [None, "raise RuntimeError('made in another way')", "import debugpy", "x = 1"])
def test_an_ipykernel_of_another_make_starts_as_it_does(tmp_path: Path, debugger: str | None) -> None:
    (tmp_path / "ipykernel").mkdir()
    (tmp_path / "ipykernel" / "__init__.py").write_text("")
    (tmp_path / "ipykernel_launcher.py").write_text(LAUNCHER)
    (tmp_path / "debugpy.py").write_text("")
    if debugger is not None:
        (tmp_path / "ipykernel" / "debugger.py").write_text(debugger)
    command = without_debugger([sys.executable, "-S", "-m", "ipykernel_launcher", "-f", "x.json"])
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["['-f', 'x.json'] False __main__ False", "True"], done.stderr


@pytest.mark.parametrize(
    "argv",
    [
        ["python", "-m", "ipykernel", "-f", "x"],
        ["conda", "run", "python", "-m", "ipykernel_launcher"],
        ["R", "--slave", "-e", "IRkernel::main()"],
        ["python", "-m"],
    ],
)
def test_any_other_command_is_left_as_it_is(argv: list[str]) -> None:
    assert without_debugger(argv) == argv
