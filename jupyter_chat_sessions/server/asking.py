"""From what clients wrote to what a session understands: the same for frames and for requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.errors import Malformed
from ..core.events import Mode, Sent
from ..core.ids import new_run_id, parse_message_id, parse_run_id
from ..core.transcript import Options

if TYPE_CHECKING:
    from .bodies import ClientFrame


def sent(
    message_id: str, content: str | list[Any], mode: Mode, model: str | None, parent: str | None, *, is_branch: bool
) -> Sent:
    """A message as the event a session meets. `is_branch`: a parent was named, `None` being the root."""
    if _is_blank(content):
        raise Malformed("content: a message has at least one character that is not blank.")
    options = Options(
        mode=None if mode == "queue" else mode,
        model=model,
        parent_run_id=None if parent is None else parse_run_id(parent),
        is_branch=is_branch,
    )
    return Sent(parse_message_id(message_id), content, new_run_id(), mode, options)


def _is_blank(content: str | list[Any]) -> bool:
    if isinstance(content, str):
        return not content.strip()
    return all(part["type"] == "text" and not part["text"].strip() for part in content)


def client_frame(message: str | bytes) -> ClientFrame:
    """A websocket frame as its model, or `Malformed` with the place that does not fit."""
    from pydantic import ValidationError

    from . import bodies

    if isinstance(message, bytes):
        raise Malformed("A frame is JSON text, not bytes.")
    try:
        return bodies.client_frame.validate_json(message)
    except ValidationError as fault:
        first = fault.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "frame"
        raise Malformed(f"{place}: {first['msg']}.") from None
