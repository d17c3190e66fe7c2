"""The older layout: a `turn` line, a question with its answers, as the lines of this one that it stands for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from .ids import ThreadId, older_message_id, older_run_id
from .transcript import FOLLOWS_HEAD, Line, MessageLine, RunLine, StartLine


def older_turn(thread_id: ThreadId, seq: int, created: str, record: Mapping[str, Any]) -> tuple[Line, ...]:
    """A `turn` line as the message, run and answers it stands for. It follows the turn before it."""
    run_id = older_run_id(thread_id, seq)
    asked = older_message_id(thread_id, seq, "user", 0)
    question = {"id": asked, "role": "user", "content": _question(record["question"])}
    answers = [
        {"id": older_message_id(thread_id, seq, "assistant", position), "role": "assistant", "content": text}
        for position, text in enumerate(_answers(record.get("answer")))
    ]
    return (
        MessageLine(seq, created, question, run_id),
        StartLine(seq, created, run_id, asked, FOLLOWS_HEAD),
        *(MessageLine(seq, created, answer, run_id) for answer in answers),
        RunLine(seq, created, run_id, "success"),
    )


def _question(question: Any) -> str:
    if isinstance(question, dict):
        asked = question.get("questions")
        question = asked[-1] if isinstance(asked, list) and asked else question.get("text", "")
    return _text(question)


def _answers(answer: Any) -> list[str]:
    if isinstance(answer, dict) and isinstance(answer.get("answers"), list):
        answer = answer["answers"]
    if answer is None:
        return []
    return [_text(each) for each in (answer if isinstance(answer, list) else [answer])]


def _text(value: Any) -> str:
    """The words in one older question or answer; what has none is shown as its JSON, never dropped."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        for key in ("text", "answer", "content"):
            if isinstance(value.get(key), str):
                return str(value[key])
    return json.dumps(value, ensure_ascii=False)
