"""`import_file`: a file of the person's, copied into the chat's folder."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import asdict
from typing import Any

from ..core.roles import ToolContext, ToolEvent, ToolResult, ToolSpec, Workplace
from .tool import parameters


class ImportFile:
    """Copies what lies beside the notebook. The person is asked each time, unless they granted it for the chat."""

    spec = ToolSpec(
        "import_file",
        "Copy one file from the notebook's folder, or from a folder below it, into this chat's folder, under the same "
        "relative path. The person is asked first. Other tools see this chat's folder only.",
        parameters(
            ("path",),
            path={
                "type": "string",
                "minLength": 1,
                "maxLength": 1024,
                "description": "Relative to the notebook's folder, such as data/table.csv.",
            },
            overwrite={
                "type": "boolean",
                "default": False,
                "description": "Whether to replace a file of that path in this chat's folder.",
            },
        ),
        acts=True,
        permission="ask",
    )

    def __init__(self, workplace: Workplace) -> None:
        self._sandbox = workplace.sandbox

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        copied = await self._sandbox.bring_in(arguments["path"], context, overwrites=arguments["overwrite"])
        metadata = {"level": self._sandbox.level, "outputs": [], "artifacts": [asdict(copied)]}
        yield ToolResult(f"Copied {copied.path} ({copied.size:,} bytes) into this chat's folder.", metadata=metadata)
