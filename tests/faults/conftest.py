"""What tests of faults borrow from the tests of the layers: their kits."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in ("files", "engine", "server"):
    sys.path.append(str(Path(__file__).parents[1] / folder))
