"""The table of promises in `tests/README.md` names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROWS = re.findall(r"^\| ([A-G]\d\d) [^|]+\| (.+) \|$", (TESTS / "README.md").read_text(), re.MULTILINE)
PROMISED = {
    "A": (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 22, 23, 25, 26, 28, 29, 30),
    "B": (1, 2, 3, 4, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18, 20, 22),
    "C": (1, 2, 3, 4, 5, 6, 7, 9),
    "D": (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16),
    "E": (1, 2, 3, 5, 6, 8, 9, 10, 11, 12, 13, 14, 16, 17, 20, 22, 24),
    "F": (1, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 26),
    "G": (1, 2),
}


def test_every_promise_has_its_row() -> None:
    assert [promise for promise, _ in ROWS] == [f"{part}{n:02}" for part, all_of in PROMISED.items() for n in all_of]


@pytest.mark.parametrize(("promise", "shown_by"), ROWS, ids=[promise for promise, _ in ROWS])
def test_what_shows_a_promise_is_there(promise: str, shown_by: str) -> None:
    named = re.findall(r"`([^`]+?)::([^`]+)`", shown_by)
    assert named
    for module, test in named:
        begins = f"def {test}(" if module.endswith(".py") else f"test('{test}'"
        assert begins in (TESTS / module).read_text(), f"{promise}: {module} has no {test}"
