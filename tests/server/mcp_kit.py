"""What tests of the MCP doors share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from mcp import Client

Mcp = Callable[..., AbstractAsyncContextManager[Client]]


def text_of(result: Any) -> str:
    return "\n".join(each.text for each in result.content if each.type == "text")


def call(name: str, id: Any = 1, meta: Any = None, **arguments: Any) -> dict[str, Any]:
    """A `tools/call`, by hand."""
    params = {"name": name, "arguments": arguments, **({} if meta is None else {"_meta": meta})}
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}
