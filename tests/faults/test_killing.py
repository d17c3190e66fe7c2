"""A few kills of a real server at random moments; `python -m tests.faults.killing` makes two hundred."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest
from killing import Client, kill_often, small_disk

ON_A_BUSY_MACHINE_S = 5.0
"""How late a draft may be there; how late it is elsewhere, the command tells."""


@pytest.mark.slow
async def test_what_a_server_had_promised_before_it_was_killed_is_there(tmp_path: Path) -> None:
    found = await kill_often(tmp_path, kills=8, seed=2026, slack_s=ON_A_BUSY_MACHINE_S)
    assert not found.faults
    assert found.kills == 8
    assert found.acknowledged > 8
    assert found.finished > 0
    assert found.cut > 0


@pytest.mark.slow
async def test_what_was_promised_is_there_also_where_the_disk_was_full_half_of_the_time(tmp_path: Path) -> None:
    (tmp_path / "tried").mkdir()
    try:
        with small_disk(tmp_path / "tried"):
            pass
    except (OSError, subprocess.CalledProcessError) as refused:
        pytest.skip(f"no disk can be made here: {refused}")
    found = await kill_often(tmp_path, kills=6, seed=2026, is_full=True)
    assert not found.faults
    assert found.acknowledged > 6
    assert found.refused > 0
    assert found.finished > 0


async def test_the_viewer_that_judges_puts_together_what_it_joins_in_the_middle_of() -> None:
    """Between the write of a run's last line and its telling, one who joins is shown the run as in flight."""
    client, run = Client("t", random.Random(1)), {"run_id": "r", "text": "and more ", "n": 7}
    said = {"type": "message", "run_id": "r", "message": {"role": "assistant", "content": "Before "}}
    other = {"type": "message", "run_id": "q", "message": {"role": "assistant", "content": "another's"}}
    client.hear({"kind": "hello", "lines": [other, said], "run": run})
    client.hear({"kind": "event", "run_id": "r", "event": {"type": "TEXT_MESSAGE_CONTENT", "delta": "at last"}})
    client.hear({"kind": "event", "run_id": "r", "event": {"type": "RUN_FINISHED", "runId": "r"}})
    assert client.finished == {"r": "Before and more at last"}
