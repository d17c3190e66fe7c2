"""`ask_user`: a question to the person, whose answer is the result."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from ..core.roles import ToolContext, ToolEvent, ToolResult, ToolSpec, Workplace
from .tool import failure, parameters


class AskUser:
    """The run waits for the answer as it waits for a permission: across reloads and restarts, the first one counts."""

    spec = ToolSpec(
        "ask_user",
        "Ask the person one question and wait for the answer. Use it only where you cannot go on without knowing, and "
        "give choices where there are some; the person may also answer in their own words.",
        parameters(
            ("question",),
            question={"type": "string", "minLength": 1, "maxLength": 4000},
            choices={
                "type": "array",
                "items": {"type": "string", "minLength": 1, "maxLength": 300},
                "maxItems": 10,
                "default": [],
            },
        ),
        is_question=True,
        stays_in_thread=True,
    )

    def __init__(self, workplace: Workplace) -> None: ...

    async def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        answer = (context.answer or "").strip()
        yield ToolResult(f"The person answered: {answer}") if answer else failure("The person gave no answer.")
