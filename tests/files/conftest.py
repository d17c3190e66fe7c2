from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def chats(tmp_path: Path) -> Path:
    """Where a notebook's `.chats` folder will be."""
    notebook_folder = tmp_path / "analysis"
    notebook_folder.mkdir()
    return notebook_folder / ".chats"
