"""A few kills of a real server at random moments; `python -m tests.faults.killing` makes two hundred."""

from __future__ import annotations

from pathlib import Path

import pytest
from killing import kill_often


@pytest.mark.slow
async def test_what_a_server_had_promised_before_it_was_killed_is_there(tmp_path: Path) -> None:
    found = await kill_often(tmp_path, kills=8, seed=2026)
    assert not found.faults
    assert found.kills == 8
    assert found.acknowledged > 8
    assert found.finished > 0
    assert found.cut > 0
