"""A thread as a file to keep: Markdown to read, a notebook to run, JSON for programs. The path from the head."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core.conversation import Conversation
from ..core.errors import ChatError
from ..core.history import messages_to
from ..core.transcript import Line, Message, MessageLine, text_of
from ..files.safe_open import opened_file

MOST_PICTURE_BYTES = 20_000_000
"""How much the pictures of one notebook may take together; what is more stays a file of the thread, and is named."""


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file for the browser to save."""

    name: str
    media_type: str
    content: bytes


def exported(wanted: str, conversation: Conversation, lines: Sequence[Line], files: Path) -> ExportedFile:
    """The conversation in one of `FORMATS`. Pictures are read from the thread's `files`. Blocks."""
    if conversation.head is not None:
        messages = messages_to(lines, conversation.head)
    else:
        messages = [line.message for line in lines if isinstance(line, MessageLine)]
    media_type, write = FORMATS[wanted]
    text = write(conversation, messages, files)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", conversation.title).strip("-.") or "chat"
    return ExportedFile(f"{name[:80]}.{wanted}", media_type, text.encode("utf-8", "replace"))


def _markdown(conversation: Conversation, messages: Sequence[Message], _: Path) -> str:
    parts = [f"# {conversation.title}"]
    for message in messages:
        if message["role"] == "user":
            parts.append(f"## You\n\n{text_of(message)}")
        elif message["role"] == "assistant":
            parts += [text_of(message)] if text_of(message) else []
            parts += [fenced(code, language) for code, language in _calls(message)]
        elif text_of(message):
            parts.append(fenced(text_of(message), "text"))
    return "\n\n".join(parts) + "\n"


def fenced(text: str, language: str) -> str:
    """A fenced block, its fence longer than any inside."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def _notebook(conversation: Conversation, messages: Sequence[Message], files: Path) -> str:
    pictures = _Pictures(files, MOST_PICTURE_BYTES)
    cells = [_markdown_cell(f"# {conversation.title}")]
    cell_of: dict[str, dict[str, Any]] = {}
    for message in messages:
        if message["role"] == "user":
            cells.append(_markdown_cell(f"**You:** {text_of(message)}"))
        elif message["role"] == "assistant":
            cells += [_markdown_cell(text_of(message))] if text_of(message) else []
            for call, (code, language) in zip(message.get("toolCalls", ()), _calls(message), strict=True):
                cell = _code_cell(
                    code if language == "python" else f"%%bash\n{code}" if language == "bash" else f"# {code}"
                )
                cell_of[call["id"]] = cell
                cells.append(cell)
        elif message.get("toolCallId") in cell_of:
            cell_of[message["toolCallId"]]["outputs"] = _outputs(message, pictures)
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}, indent=1)


def _markdown_cell(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code_cell(code: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": code}


def _outputs(message: Message, pictures: _Pictures) -> list[dict[str, Any]]:
    """The outputs that stand in a transcript, with the pictures they name."""
    record = message.get("metadata", {}).get("jupyter", {})
    types = {str(each.get("path")): each.get("media_type") for each in record.get("artifacts") or []}
    outputs = []
    for output in record.get("outputs") or []:
        if output.get("output_type") in ("display_data", "execute_result"):
            metadata = dict(output.get("metadata") or {})
            data = {kind: value for kind, value in output.get("data", {}).items() if kind.startswith("text/")}
            data |= pictures.read(metadata.get("artifact"), types)
            outputs.append({"output_type": "display_data", "data": data, "metadata": metadata})
        elif output.get("output_type") in ("stream", "error"):
            outputs.append(dict(output))
    return outputs


@dataclass
class _Pictures:
    """The pictures that a notebook brings along, as long as there is room for them."""

    folder: Path
    room: int

    def read(self, path: Any, types: Mapping[str, Any]) -> dict[str, str]:
        """A file of the thread as an output's data; nothing where it is no picture, is gone, or would be too much."""
        media_type = types.get(path) if isinstance(path, str) else None
        if not isinstance(media_type, str) or not media_type.startswith("image/"):
            return {}
        try:
            with opened_file(self.folder, path) as file:
                content = file.read(0, file.size) if file.size <= self.room else b""
        except (ChatError, OSError):
            return {}
        self.room -= len(content)
        is_text = media_type == "image/svg+xml"
        shown = content.decode("utf-8", "replace") if is_text else base64.b64encode(content).decode("ascii")
        return {media_type: shown} if content else {}


def _calls(message: Message) -> list[tuple[str, str]]:
    """What each tool call ran, and its language."""
    return [_code_of(call.get("function", {})) for call in message.get("toolCalls", ())]


def _code_of(function: Any) -> tuple[str, str]:
    name, text = function.get("name", ""), function.get("arguments", "")
    try:
        arguments = json.loads(text)
    except (ValueError, RecursionError):
        return f"{name} {text}", "text"
    if isinstance(arguments, dict) and isinstance(arguments.get("code"), str):
        return arguments["code"], "python"
    if isinstance(arguments, dict) and isinstance(arguments.get("command"), str):
        return arguments["command"], "bash"
    return f"{name} {text}", "text"


def _json(conversation: Conversation, messages: Sequence[Message], _: Path) -> str:
    body = {"thread_id": conversation.thread_id, "title": conversation.title, "messages": list(messages)}
    return json.dumps(body, indent=2, ensure_ascii=False)


FORMATS: dict[str, tuple[str, Callable[[Conversation, Sequence[Message], Path], str]]] = {
    "md": ("text/markdown; charset=UTF-8", _markdown),
    "ipynb": ("application/x-ipynb+json", _notebook),
    "json": ("application/json; charset=UTF-8", _json),
}
