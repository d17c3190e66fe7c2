"""`run_python`: code in the chat's own Python."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from ..core.roles import ToolContext, ToolEvent, ToolSpec, Workplace
from .tool import parameters

TIMEOUT = {
    "type": "integer",
    "minimum": 1,
    "maximum": 600,
    "default": 60,
    "description": "Seconds after which it is interrupted.",
}


class RunPython:
    """Runs Python code; variables live on to the next call."""

    spec = ToolSpec(
        "run_python",
        "Run Python code in this chat's own process and folder. Variables, imports and files stay for the next call. "
        "The value of the last line and everything printed is returned; figures that are shown are saved as images. "
        "Use relative paths; save what the person should get as a file.",
        parameters(
            ("code",),
            code={"type": "string", "minLength": 1, "description": "Python code; IPython magics work."},
            timeout_s=TIMEOUT,
        ),
        acts=True,
        stays_in_thread=True,
    )

    def __init__(self, workplace: Workplace) -> None:
        self._sandbox = workplace.sandbox

    def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncIterator[ToolEvent]:
        return self._sandbox.run(arguments["code"], context, timeout_s=arguments["timeout_s"])
