"""A thread and its messages as the REST doors show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.branches import runs_beside
from ..core.conversation import Conversation, Run
from ..core.frames import FileUrl, line_record
from ..core.ids import RunId
from ..core.roles import Page
from ..core.transcript import MessageLine, RunLine, StartLine
from ..engine.session import Session
from .listing import row_of


async def thread_record(session: Session) -> dict[str, Any]:
    """One thread as the REST doors show it."""
    await session.whole()
    now = session.conversation
    return {**row_of(session), "run": _run_record(now), "queue_depth": len(now.queue)}


def _run_record(now: Conversation) -> dict[str, str] | None:
    return {"run_id": now.running.run_id, "status": "running"} if now.running else None


def page_record(page: Page, runs: Mapping[RunId, Run], file_url: FileUrl) -> dict[str, Any]:
    """A page of the path: its messages, the runs they belong to, and the branches that stand beside these."""
    shown = [line.run_id for line in page.lines if isinstance(line, StartLine) and line.run_id in runs]
    usage = {line.run_id: line.usage for line in page.lines if isinstance(line, RunLine)}
    return {
        "messages": [
            {"seq": line.seq, "created": line.created, "run_id": line.run_id, "message": _message(line, file_url)}
            for line in page.lines
            if isinstance(line, MessageLine)
        ],
        "runs": [_run(runs[run_id], usage.get(run_id)) for run_id in shown],
        "beside": [_run(run, None) for run in runs_beside(runs, shown, from_the_root=not page.more)],
        "more": page.more,
    }


def _run(run: Run, usage: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "message_id": run.message_id,
        "parent_run_id": run.parent_run_id,
        "seq": run.seq,
        "outcome": run.outcome,
        "model": run.model,
        "usage": usage,
    }


def said_in(page: Page, run_id: RunId, file_url: FileUrl) -> list[Any]:
    """What was said in one run."""
    said = (line for line in page.lines if isinstance(line, MessageLine) and line.run_id == run_id)
    return [_message(line, file_url) for line in said if line.message["role"] != "user"]


def _message(line: MessageLine, file_url: FileUrl) -> Any:
    return line_record(line, file_url)["message"]
