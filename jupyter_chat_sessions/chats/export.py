"""A thread as a file to keep: Markdown to read, a notebook to run, JSON for programs. The path from the head."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.conversation import Conversation
from ..core.history import messages_to
from ..core.transcript import Line, Message, MessageLine, text_of


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file for the browser to save."""

    name: str
    media_type: str
    content: bytes


def exported(wanted: str, conversation: Conversation, lines: Sequence[Line]) -> ExportedFile:
    """The conversation in one of `FORMATS`."""
    if conversation.head is not None:
        messages = messages_to(lines, conversation.head)
    else:
        messages = [line.message for line in lines if isinstance(line, MessageLine)]
    media_type, write = FORMATS[wanted]
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", conversation.title).strip("-.") or "chat"
    return ExportedFile(f"{name[:80]}.{wanted}", media_type, write(conversation, messages).encode("utf-8", "replace"))


def _markdown(conversation: Conversation, messages: Sequence[Message]) -> str:
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


def _notebook(conversation: Conversation, messages: Sequence[Message]) -> str:
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
            cell_of[message["toolCallId"]]["outputs"] = _outputs(message)
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": cells}, indent=1)


def _markdown_cell(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code_cell(code: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": [], "source": code}


def _outputs(message: Message) -> list[dict[str, Any]]:
    """The outputs that stand in a transcript; images stay files of the thread and are named."""
    kept = message.get("metadata", {}).get("jupyter", {}).get("outputs") or []
    outputs = []
    for output in kept:
        if output.get("output_type") in ("display_data", "execute_result"):
            data = {kind: value for kind, value in output.get("data", {}).items() if kind.startswith("text/")}
            outputs.append(
                {"output_type": "display_data", "data": data, "metadata": dict(output.get("metadata") or {})}
            )
        elif output.get("output_type") in ("stream", "error"):
            outputs.append(dict(output))
    return outputs


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


def _json(conversation: Conversation, messages: Sequence[Message]) -> str:
    body = {"thread_id": conversation.thread_id, "title": conversation.title, "messages": list(messages)}
    return json.dumps(body, indent=2, ensure_ascii=False)


FORMATS: dict[str, tuple[str, Callable[[Conversation, Sequence[Message]], str]]] = {
    "md": ("text/markdown; charset=UTF-8", _markdown),
    "ipynb": ("application/x-ipynb+json", _notebook),
    "json": ("application/json; charset=UTF-8", _json),
}
