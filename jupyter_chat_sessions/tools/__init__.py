"""What a model may do: tools over a sandbox."""

from __future__ import annotations

from .tool import Tool, ToolMaker, failure, parameters
from .toolbox import BUILT_IN, ToolBox

__all__ = ["BUILT_IN", "Tool", "ToolBox", "ToolMaker", "failure", "parameters"]
