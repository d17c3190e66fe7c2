"""The table of promises in `tests/README.md` names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROWS = re.findall(r"^\| (A\d\d) [^|]+\| (.+) \|$", (TESTS / "README.md").read_text(), re.MULTILINE)
PROMISED = [f"A{number:02}" for number in (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 22, 23, 25, 26, 28, 29, 30)]


def test_every_promise_of_a_thread_and_its_sandbox_has_its_row() -> None:
    assert [promise for promise, _ in ROWS] == PROMISED


@pytest.mark.parametrize(("promise", "shown_by"), ROWS, ids=[promise for promise, _ in ROWS])
def test_what_shows_a_promise_is_there(promise: str, shown_by: str) -> None:
    named = re.findall(r"`([^`]+?)::([^`]+)`", shown_by)
    assert named
    for module, test in named:
        begins = f"def {test}(" if module.endswith(".py") else f"test('{test}'"
        assert begins in (TESTS / module).read_text(), f"{promise}: {module} has no {test}"
