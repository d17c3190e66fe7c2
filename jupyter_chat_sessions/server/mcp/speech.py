"""The Model Context Protocol as this server speaks it: one JSON-RPC message in, one out. Pure.

Two eras: the handshake of 2024-11-05 to 2025-11-25, and the stateless requests of 2026-07-28, which name their version
in a header and say with each answer that it is complete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ... import __version__
from ...core.decoding import read_json
from ...core.roles import ToolSpec

HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS = ("2026-07-28",)
SUPPORTED = (*HANDSHAKE, *STATELESS)
ASSUMED = "2025-03-26"
"""What a request speaks that names no version (the protocol, Transports, 2025-06-18)."""

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
HEADER_MISMATCH = -32020
UNSUPPORTED_VERSION = -32022

_CLIENT_INFO = "io.modelcontextprotocol/clientInfo"
_PROTOCOL_VERSION = "io.modelcontextprotocol/protocolVersion"
_LONGEST_NAME = 60
_SERVER = {"name": "jupyter-chat-sessions", "title": "Jupyter chat sandbox", "version": __version__}


class Refused(Exception):
    """A message that is answered with an error. `status` is HTTP's."""

    def __init__(self, code: int, message: str, status: int = 200, data: Any = None) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.data = code, message, status, data

    def record(self, message_id: Any) -> dict[str, Any]:
        """The JSON-RPC error."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.data is not None:
            error["data"] = self.data
        return {"jsonrpc": "2.0", "id": message_id, "error": error}


@dataclass(frozen=True, slots=True)
class Spoken:
    """One message of a client. `id` is `None` for a notification, or for an answer to something never asked."""

    id: str | int | None
    method: str
    params: Mapping[str, Any]
    version: str

    @property
    def is_stateless(self) -> bool:
        return self.version in STATELESS

    @property
    def client(self) -> str | None:
        """The client's name, where the message tells it."""
        told = self.params.get("clientInfo") if self.method == "initialize" else self._meta.get(_CLIENT_INFO)
        name = told.get("title") or told.get("name") if isinstance(told, Mapping) else None
        shown = "".join(each for each in name if each.isprintable()).strip() if isinstance(name, str) else ""
        return shown[:_LONGEST_NAME] or None

    @property
    def _meta(self) -> Mapping[str, Any]:
        meta = self.params.get("_meta")
        return meta if isinstance(meta, Mapping) else {}

    def check_headers(self, headers: Mapping[str, str]) -> None:
        """A stateless request's headers say the same as its body: what stands between may go by either."""
        if not self.is_stateless or self.id is None:
            return
        name = self.params.get("name") if self.method == "tools/call" else None
        said = {"Mcp-Method": self.method, "Mcp-Name": name, "MCP-Protocol-Version": self._meta.get(_PROTOCOL_VERSION)}
        for header, value in said.items():
            given = headers.get(header)
            if given is not None and value is not None and given != value:
                raise Refused(HEADER_MISMATCH, f"The header {header} says {given[:80]!r}, the body {value!r}.", 400)

    def answer(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON-RPC answer with this result."""
        told = {**result, "resultType": "complete"} if self.is_stateless else dict(result)
        return {"jsonrpc": "2.0", "id": self.id, "result": told}


def heard(body: bytes, version: str | None) -> Spoken:
    """A message, from a request's body and its header `MCP-Protocol-Version`."""
    try:
        given = read_json(body.decode())
    except (ValueError, RecursionError):
        raise Refused(PARSE_ERROR, "The body is not JSON.", 400) from None
    if not isinstance(given, dict) or given.get("jsonrpc") != "2.0":
        raise Refused(INVALID_REQUEST, 'The body is one JSON-RPC message: an object with "jsonrpc": "2.0".', 400)
    method, params, message_id = given.get("method"), given.get("params"), given.get("id")
    if method is None and ("result" in given or "error" in given):
        return Spoken(None, "", {}, ASSUMED)
    is_id = message_id is None or (isinstance(message_id, (str, int)) and not isinstance(message_id, bool))
    if not isinstance(method, str) or not isinstance(params or {}, dict) or not is_id:
        wanted = "A request has a method, params that are an object, and a string or a number as its id."
        raise Refused(INVALID_REQUEST, wanted, 400)
    if "id" in given and message_id is None:
        raise Refused(INVALID_REQUEST, "The id of a request is a string or a number.", 400)
    spoken = Spoken(message_id, method, params or {}, version or ASSUMED)
    if spoken.version not in SUPPORTED and method != "initialize":
        told = {"supported": list(SUPPORTED), "requested": spoken.version[:80]}
        raise _Unanswered(spoken, Refused(UNSUPPORTED_VERSION, "This version is not spoken here.", 400, told))
    return spoken


class _Unanswered(Refused):
    """A refusal of a message whose id is known."""

    def __init__(self, spoken: Spoken, refusal: Refused) -> None:
        super().__init__(refusal.code, refusal.message, refusal.status, refusal.data)
        self._id = spoken.id

    def record(self, message_id: Any) -> dict[str, Any]:
        return super().record(self._id if message_id is None else message_id)


# --- what is told ----------------------------------------------------------------------------------------------------


def initialized(spoken: Spoken, instructions: str) -> dict[str, Any]:
    """The handshake's answer: the version asked for where it is known, else the newest with a handshake."""
    asked = spoken.params.get("protocolVersion")
    version = asked if asked in HANDSHAKE else HANDSHAKE[-1]
    return {"protocolVersion": version, **_about(instructions)}


def discovered(instructions: str) -> dict[str, Any]:
    """What a stateless client learns first."""
    return {"supportedVersions": list(SUPPORTED), **_about(instructions), **_FRESH}


def _about(instructions: str) -> dict[str, Any]:
    return {"capabilities": {"tools": {"listChanged": False}}, "serverInfo": _SERVER, "instructions": instructions}


_FRESH = {"ttlMs": 0, "cacheScope": "private"}


def tool_list(spoken: Spoken, specs: Sequence[ToolSpec]) -> dict[str, Any]:
    """The tools, as this version describes them."""
    told: dict[str, Any] = {"tools": [_tool(spec) for spec in specs]}
    return {**told, **_FRESH} if spoken.is_stateless else told


def _tool(spec: ToolSpec) -> dict[str, Any]:
    hints = {"readOnlyHint": not spec.acts, "destructiveHint": spec.acts, "openWorldHint": False}
    parameters = {"type": "object", **spec.parameters}
    return {"name": spec.name, "description": spec.description, "inputSchema": parameters, "annotations": hints}


def asked_call(spoken: Spoken) -> tuple[str, Mapping[str, Any]]:
    """The tool and the arguments of a `tools/call`."""
    name, arguments = spoken.params.get("name"), spoken.params.get("arguments")
    if not isinstance(name, str) or not name or not isinstance(arguments or {}, dict):
        raise Refused(INVALID_PARAMS, "tools/call has a name, and arguments that are an object.")
    return name, arguments or {}
