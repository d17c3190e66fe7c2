"""A thread's messages as AG-UI clients keep them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ...core.frames import line_record
from ...core.transcript import MessageLine
from ...engine.session import Session

MOST_MESSAGES = 500


async def messages_of(session: Session, disk: Callable[..., Awaitable[Any]]) -> list[dict[str, Any]]:
    """The last messages of the path that ends at the head, oldest first."""
    page = await disk(session.journal.before, None, MOST_MESSAGES)
    lines = [line for line in page.lines if isinstance(line, MessageLine)]
    return [_shown(line_record(line, session.home.file_url)["message"]) for line in lines]


def _shown(message: Mapping[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    return {**message, "content": [_part(each) for each in content] if isinstance(content, list) else content}


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part in AG-UI's shape; images are kept as OpenAI's API writes them."""
    url = (part.get("image_url") or {}).get("url") if part.get("type") == "image_url" else None
    if not isinstance(url, str):
        return dict(part)
    head, _, data = url.partition(";base64,")
    if not data:
        return {"type": "image", "source": {"type": "url", "value": url}}
    return {"type": "image", "source": {"type": "data", "value": data, "mimeType": head.removeprefix("data:")}}
