"""A thread with many turns, written as a server would have written it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CREATED = "2026-11-21T10:00:00.000Z"


def write_thread(folder: Path, notebook: str, turns: int) -> str:
    """The id of a new thread of that notebook: questions and answers in Markdown, numbered from 0."""
    thread_id = str(uuid.uuid4())
    place = folder / ".chats" / thread_id
    place.mkdir(parents=True)
    header = {"type": "header", "schema_version": 1, "guid": thread_id, "created": CREATED, "notebook": notebook}
    lines = (json.dumps(line) for line in (header, *_lines(turns)))
    (place / "chat.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return thread_id


def _lines(turns: int) -> Iterator[dict[str, Any]]:
    previous: str | None = None
    seq = 0
    for turn in range(turns):
        asked, run = str(uuid.uuid4()), str(uuid.uuid4())
        question = {"id": asked, "role": "user", "content": f"Question {turn}?"}
        answer = {"id": f"msg_{uuid.uuid4()}", "role": "assistant", "content": _words(turn)}
        for line in (
            {"type": "message", "message": question, "run_id": run},
            {"type": "start", "run_id": run, "message_id": asked, "parent_run_id": previous, "model": None},
            {"type": "message", "message": answer, "run_id": run},
            {"type": "run", "run_id": run, "outcome": "success", "usage": None},
        ):
            seq += 1
            yield {**line, "schema_version": 1, "seq": seq, "created": CREATED}
        previous = run


def _words(turn: int) -> str:
    items = "\n".join(f"- point {item} with *some* words" for item in range(turn % 5))
    return f"Answer {turn}\n\n{items}\n\n```python\nprint({turn})\n```"
