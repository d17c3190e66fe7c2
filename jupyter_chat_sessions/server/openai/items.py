"""The items of responses and conversations, in OpenAI's shapes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...core.ids import ThreadId
from ...core.transcript import text_of
from .names import call_id, function_item_id

SERVER_LABEL = "sandbox"

Item = dict[str, Any]


def speech_id(message_id: str, kind: str) -> str:
    """The id of a message's item, or of the thoughts before it."""
    return message_id if kind == "message" else f"rs_{message_id.removeprefix('msg_')}"


def speech(message_id: str, kind: str, again: int = 0) -> Item:
    """A message or its thoughts, nothing said yet. `again`: how many items of this message there are already."""
    id_ = speech_id(message_id, kind) + (f"_{again}" if again else "")
    if kind == "message":
        part = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
        return {"type": "message", "id": id_, "role": "assistant", "status": "in_progress", "content": [part]}
    content = [{"type": "reasoning_text", "text": ""}]
    return {"type": "reasoning", "id": id_, "summary": [], "content": content, "status": "in_progress"}


def function_call(thread_id: ThreadId, tool_call_id: str, name: str, arguments: str = "") -> Item:
    """A call of one of the client's own tools."""
    shown = {"id": function_item_id(tool_call_id), "call_id": call_id(thread_id, tool_call_id)}
    return {"type": "function_call", **shown, "name": name, "arguments": arguments, "status": "in_progress"}


def mcp_call(tool_call_id: str, name: str, arguments: str = "") -> Item:
    """A call of one of the server's tools."""
    item = {"type": "mcp_call", "id": f"mcp_{tool_call_id}", "server_label": SERVER_LABEL, "name": name}
    return {**item, "arguments": arguments, "output": None, "error": None, "status": "in_progress"}


def give_result(item: Item, content: str, error: str | None) -> None:
    """What a server's tool gave."""
    item["output"] = content
    item["status"] = "completed" if error is None else "failed"
    if error is not None:
        item["error"] = {"type": "mcp_tool_execution_error", "content": [{"type": "text", "text": content or error}]}


def approval_request(interrupt_id: str, tool: str, arguments: str) -> Item:
    """The question whether a tool of the server may run."""
    shown = {"type": "mcp_approval_request", "id": f"mcpr_{interrupt_id}", "server_label": SERVER_LABEL}
    return {**shown, "name": tool, "arguments": arguments}


def items_of(thread_id: ThreadId, messages: Iterable[Mapping[str, Any]], client_tools: frozenset[str]) -> list[Item]:
    """A conversation's messages as items, oldest first."""
    found: list[Item] = []
    calls: dict[str, Item] = {}
    for message in messages:
        if message["role"] == "tool":
            found += _result(thread_id, message, calls)
            continue
        if message["role"] == "user":
            part = {"type": "input_text", "text": text_of(message)}
            found.append(
                {"type": "message", "id": message["id"], "role": "user", "status": "completed", "content": [part]}
            )
        elif message["role"] == "assistant":
            found += _said(thread_id, message, client_tools, calls)
    return found


def _said(
    thread_id: ThreadId, message: Mapping[str, Any], client_tools: frozenset[str], calls: dict[str, Item]
) -> list[Item]:
    said: list[Item] = []
    if text_of(message):
        said.append({**speech(message["id"], "message"), "status": "completed"})
        said[-1]["content"][0]["text"] = text_of(message)
    for call in message.get("toolCalls", ()):
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        item = mcp_call(call["id"], name, arguments)
        if name in client_tools:
            item = {**function_call(thread_id, call["id"], name, arguments), "status": "completed"}
        calls[call["id"]] = item
        said.append(item)
    return said


def _result(thread_id: ThreadId, message: Mapping[str, Any], calls: Mapping[str, Item]) -> list[Item]:
    item = calls.get(message.get("toolCallId", ""))
    if item is None:
        return []
    content = str(message.get("content", ""))
    if item["type"] == "mcp_call":
        give_result(item, content, message.get("error"))
        return []
    answer = {"type": "function_call_output", "id": message["id"], "call_id": item["call_id"], "output": content}
    return [{**answer, "status": "completed"}]
