"""The images people attached and tools made, for models that see: the newest few, no larger than they are looked at."""

from __future__ import annotations

import base64
import contextlib
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..core.context import context_of
from ..core.transcript import Message

Pictures = Mapping[str, list[dict[str, Any]]]
"""By the id of a message, the `image_url` parts that show what a person attached to it, or what the call made."""

MOST_SHOWN = 5
LONGEST_SIDE = 1568
"""Pixels; providers make larger images smaller themselves."""
MOST_BYTES = 3_500_000
_TURNS = 3
_ENDINGS = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
_SEEN = frozenset(_ENDINGS.values())


def has_pictures(messages: Sequence[Message]) -> bool:
    """Whether there is an image to be shown. Looks at no file."""
    return bool(_wanted(messages))


def pictures_of(messages: Sequence[Message], read_file: Callable[[str], bytes | None]) -> Pictures:
    """The images to show with these messages. Reads files and makes images smaller: for a worker thread."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for message_id, path, media_type in reversed(_wanted(messages)):
        data = read_file(path)
        fitted = _fitted(data, media_type) if data else None
        if fitted is not None:
            shown.setdefault(message_id, []).append({"type": "image_url", "image_url": {"url": _url(*fitted)}})
    return shown


def _wanted(messages: Sequence[Message]) -> list[tuple[str, str, str]]:
    """Message id, path and type of each image, the newest first. Of a file that was written again, the newest time."""
    found: list[tuple[str, str, str]] = []
    turns, paths = 0, set()
    for message in reversed(messages):
        if message.get("role") == "user":
            turns += 1
            images = _attached_to(message)
        else:
            images = _made_by(message) if message.get("role") == "tool" else []
        for path, media_type in reversed(images):
            if path not in paths and len(found) < MOST_SHOWN:
                paths.add(path)
                found.append((str(message.get("id")), path, media_type))
        if turns == _TURNS:
            break
    return found


def _attached_to(message: Message) -> list[tuple[str, str]]:
    """The images among the files a person sent along."""
    paths = [str(each.get("path")) for each in context_of(message) if each.get("type") == "file"]
    kinds = [(path, _ENDINGS.get(path.rpartition(".")[2].lower())) for path in paths]
    return [(path, kind) for path, kind in kinds if kind is not None]


def _made_by(message: Message) -> list[tuple[str, str]]:
    metadata = message.get("metadata")
    jupyter = metadata.get("jupyter") if isinstance(metadata, dict) else None
    artifacts = jupyter.get("artifacts") if isinstance(jupyter, dict) else None
    listed = [each for each in artifacts if isinstance(each, dict)] if isinstance(artifacts, list) else []
    return [(str(each.get("path")), each["media_type"]) for each in listed if each.get("media_type") in _SEEN]


def _url(data: bytes, media_type: str) -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def _fitted(data: bytes, media_type: str) -> tuple[bytes, str] | None:
    """The image, smaller where Pillow is there and it is too large; `None` where it cannot be sent."""
    with contextlib.suppress(Exception):  # a file that is no image, or one made to cost too much
        return _scaled(data, media_type)
    return (data, media_type) if len(data) <= MOST_BYTES and _is_image(data) else None


def _is_image(data: bytes) -> bool:
    return data.startswith((b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8")) or data[8:12] == b"WEBP"


def _scaled(data: bytes, media_type: str) -> tuple[bytes, str]:
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image = Image.open(io.BytesIO(data))
    if max(image.size) <= LONGEST_SIDE and len(data) <= MOST_BYTES:
        return data, media_type
    image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    written = io.BytesIO()
    if media_type == "image/jpeg":
        image.convert("RGB").save(written, "JPEG", quality=85)
        return written.getvalue(), media_type
    image.save(written, "PNG")
    return written.getvalue(), "image/png"
