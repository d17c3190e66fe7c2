"""Messages of a thread as the REST doors show them."""

from __future__ import annotations

from typing import Any

from ..core.frames import FileUrl, line_record
from ..core.ids import RunId
from ..core.roles import Page
from ..core.transcript import MessageLine, RunLine, StartLine


def page_record(page: Page, file_url: FileUrl) -> dict[str, Any]:
    """A page of the path: its messages, and how their runs ended."""
    models = {line.run_id: line.model for line in page.lines if isinstance(line, StartLine)}
    return {
        "messages": [
            {"seq": line.seq, "created": line.created, "run_id": line.run_id, "message": _message(line, file_url)}
            for line in page.lines
            if isinstance(line, MessageLine)
        ],
        "runs": [
            {"run_id": line.run_id, "outcome": line.outcome, "model": models.get(line.run_id), "usage": line.usage}
            for line in page.lines
            if isinstance(line, RunLine)
        ],
        "more": page.more,
    }


def said_in(page: Page, run_id: RunId, file_url: FileUrl) -> list[Any]:
    """What was said in one run."""
    said = (line for line in page.lines if isinstance(line, MessageLine) and line.run_id == run_id)
    return [_message(line, file_url) for line in said if line.message["role"] != "user"]


def _message(line: MessageLine, file_url: FileUrl) -> Any:
    return line_record(line, file_url)["message"]
