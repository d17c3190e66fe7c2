"""Kernels start without the debugger that nobody talks to, and code can import it all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sandbox_calls import Run

from jupyter_chat_sessions.sandbox.lean import without_debugger

LOOKS = """
import os, sys
print([name for name in sys.modules if name.partition(".")[0] in ("debugpy", "_pydevd_bundle")])
print(os.path.basename(sys.argv[0]), sys.path.count(""), __name__)
import debugpy
print(debugpy.__name__)
"""

LAUNCHER = """
import sys
print(sys.argv[1:], "debugpy" in sys.modules, __name__, "" in sys.path)
import debugpy
print(debugpy.__file__.endswith("debugpy.py"))
"""


@pytest.mark.asyncio(loop_scope="module")
async def test_a_kernel_has_not_loaded_the_debugger_and_code_can(run: Run) -> None:
    told = await run(LOOKS)
    assert told.result.content.split("\n") == ["[]", "ipykernel_launcher.py 1 __main__", "debugpy"]


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
