"""What a result tells of a file that a tool left in the chat's folder."""

from __future__ import annotations

import mimetypes
from typing import Any

from ..core.roles import Level

_MEDIA_TYPES = mimetypes.MimeTypes()  # the built-in table only: the same answer on every machine
for _type, _ending in (("text/csv", ".csv"), ("text/markdown", ".md"), ("image/webp", ".webp")):
    _MEDIA_TYPES.add_type(_type, _ending)


def media_type(name: str) -> str:
    """The media type its name promises; `application/octet-stream` where it promises none."""
    guessed, encoding = _MEDIA_TYPES.guess_type(name)
    return guessed if guessed and not encoding else "application/octet-stream"


def kept(level: Level, parts: list[str], size: int, **more: Any) -> dict[str, Any]:
    """The metadata of a result that is this file; `more` beside it, such as `outputs` or `diff`."""
    artifact = {"path": "/".join(parts), "size": size, "media_type": media_type(parts[-1])}
    return {"level": level, "outputs": [], "artifacts": [artifact], **more}
