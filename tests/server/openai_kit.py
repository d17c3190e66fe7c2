"""What contract tests of the OpenAI-compatible doors share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
from served import lines_of

Client = Callable[..., openai.AsyncOpenAI]

WEATHER: Any = {
    "name": "weather",
    "description": "Tells the weather",
    "parameters": {"type": "object", "properties": {"town": {"type": "string"}}},
}


def asks(*words: str) -> list[Any]:
    """Messages that ask and answer in turn; the last one asks."""
    return [{"role": ("user", "assistant")[place % 2], "content": each} for place, each in enumerate(words)]


def threads(root: Path) -> list[str]:
    """The threads in a root's `.chats`."""
    return sorted(each.parent.name for each in root.glob(".chats/*/chat.jsonl"))


def questions(root: Path, thread_id: str) -> list[str]:
    """What was asked in a thread, in its order on disk."""
    lines = [line["message"] for line in lines_of(root, thread_id) if line["type"] == "message"]
    return [message["content"] for message in lines if message["role"] == "user"]
