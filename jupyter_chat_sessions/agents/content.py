"""What a person's message holds, as a model is sent it: words, and images where the model can see them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOTHING = "[an empty message]"

Content = str | list[dict[str, Any]]
"""Words, or a list of `text` and `image_url` parts where there is an image among them."""


def user_content(content: Any, *, has_images: bool) -> Content:
    """AG-UI's content of a message. Parts that cannot be sent are named instead."""
    if isinstance(content, str):
        return content if content.strip() else NOTHING
    parts = [_part(part, has_images) for part in content if isinstance(part, dict)] if isinstance(content, list) else []
    return _plainest([part for part in parts if part.get("text") != ""])


def joined(one: Content, other: Content) -> Content:
    """Two messages of one person as one."""
    if isinstance(one, str) and isinstance(other, str):
        return f"{one}\n\n{other}"
    return [*_parts(one), *_parts(other)]


def without_images(content: Content, instead: str) -> Content:
    """The same with words in the place of each image."""
    if isinstance(content, str):
        return content
    return _plainest([_words(instead) if part["type"] == "image_url" else part for part in content])


def _plainest(parts: list[dict[str, Any]]) -> Content:
    """Words alone as a string: not every server takes lists."""
    if any(part["type"] == "image_url" for part in parts):
        return parts
    return "\n".join(part["text"] for part in parts).strip() or NOTHING


def _parts(content: Content) -> list[dict[str, Any]]:
    return [_words(content)] if isinstance(content, str) else content


def _words(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _part(part: Mapping[str, Any], has_images: bool) -> dict[str, Any]:
    kind = part.get("type")
    if kind == "text":
        return _words(str(part.get("text") or ""))
    url = _image_url(part)
    if url and has_images:
        return {"type": "image_url", "image_url": {"url": url}}
    return _words(f"[{_name(part, str(kind))}: not shown to the model]")


def _image_url(part: Mapping[str, Any]) -> str | None:
    """Where the image is, for a provider: its bytes, or an address on the web. `None` for what it could not fetch."""
    if part.get("type") == "image_url":
        given = part.get("image_url")
        return _web(given.get("url") if isinstance(given, dict) else given)
    source = part.get("source")
    if part.get("type") == "image" and isinstance(source, dict):
        if source.get("type") == "data":
            return _data(source.get("mimeType"), source.get("value"))
        return _web(source.get("value")) if source.get("type") == "url" else None
    if part.get("type") == "binary" and str(part.get("mimeType")).startswith("image/"):  # AG-UI before 1.0
        return _data(part.get("mimeType"), part["data"]) if part.get("data") else _web(part.get("url"))
    return None


def _data(media_type: Any, value: Any) -> str | None:
    return f"data:{media_type or 'image/png'};base64,{value}" if isinstance(value, str) and value else None


def _web(url: Any) -> str | None:
    return url if isinstance(url, str) and url.startswith(("https://", "http://", "data:image/")) else None


def _name(part: Mapping[str, Any], kind: str) -> str:
    metadata = part.get("metadata")
    names = [each.get(key) for each in (part, metadata) if isinstance(each, dict) for key in ("filename", "name")]
    return next((f"{kind} {name}" for name in names if isinstance(name, str) and name), kind)
