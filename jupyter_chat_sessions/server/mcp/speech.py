"""The Model Context Protocol as this server speaks it: JSON-RPC messages in, JSON-RPC messages out. Pure.

Two eras: the handshake of 2024-11-05 to 2025-11-25, and the stateless requests of 2026-07-28, which name their version
in a header and say with each answer that it is complete. Only 2025-03-26 has batches, several messages in one body.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from ... import __version__
from ...core.decoding import read_json
from ...core.errors import ChatError
from ...core.roles import ToolSpec

HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
STATELESS = ("2026-07-28",)
SUPPORTED = (*HANDSHAKE, *STATELESS)
BATCHING = ("2025-03-26",)
MOST_IN_A_BATCH = 100
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


FAILED = Refused(INTERNAL_ERROR, "The server failed; its log says more.", 500)


def of_error(error: ChatError, status: int) -> Refused:
    """An error of the chats' as the protocol tells it, with its code as `data`."""
    return Refused(INVALID_PARAMS if status < 500 else INTERNAL_ERROR, error.message, status, {"code": error.code})


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
    def progress_token(self) -> str | int | None:
        """By what the client knows the progress of this request; `None` where it wants to hear of none."""
        token = self._meta.get("progressToken")
        return token if is_id(token) else None

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
                told = f"The header {header} says {given[:80]!r}, the body {str(value)[:80]!r}."
                raise Refused(HEADER_MISMATCH, told, 400)

    def answer(self, result: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON-RPC answer with this result."""
        told = {**result, "resultType": "complete"} if self.is_stateless else dict(result)
        return {"jsonrpc": "2.0", "id": self.id, "result": told}


@dataclass(frozen=True, slots=True)
class Post:
    """What one body brings. In a batch, what is no message stands among the others, as the refusal it is told."""

    messages: Sequence[Spoken | Refused]
    is_batch: bool = False


def heard(body: bytes, version: str) -> Post:
    """The messages of a request's body. `version`: what its client speaks."""
    try:
        given = read_json(body.decode())
    except (ValueError, RecursionError):
        raise Refused(PARSE_ERROR, "The body is not JSON.", 400) from None
    return _batch(given, version) if isinstance(given, list) else Post([_message(given, version)])


def _batch(given: Sequence[Any], version: str) -> Post:
    if version not in SUPPORTED:
        raise _unsupported(version)
    if version not in BATCHING:
        one = "In this version of the protocol a body is one message; batches are of 2025-03-26 alone."
        raise Refused(INVALID_REQUEST, one, 400)
    if not 0 < len(given) <= MOST_IN_A_BATCH:
        raise Refused(INVALID_REQUEST, f"A batch has 1 to {MOST_IN_A_BATCH} messages, not {len(given)}.", 400)
    known: set[str | int] = set()
    return Post([_member(each, version, known) for each in given], is_batch=True)


def _member(given: Any, version: str, known: set[str | int]) -> Spoken | Refused:
    try:
        spoken = _message(given, version)
    except Refused as refused:
        return refused
    if spoken.method == "initialize":
        return _Unanswered(spoken, Refused(INVALID_REQUEST, "initialize comes alone, not in a batch."))
    if spoken.id is not None and spoken.id in known:
        return _Unanswered(spoken, Refused(INVALID_REQUEST, "This batch has another request with this id."))
    known |= set() if spoken.id is None else {spoken.id}
    return spoken


def _message(given: Any, version: str) -> Spoken:
    if not isinstance(given, dict) or given.get("jsonrpc") != "2.0":
        raise Refused(INVALID_REQUEST, 'A message of JSON-RPC is an object with "jsonrpc": "2.0".', 400)
    method, params, message_id = given.get("method"), given.get("params"), given.get("id")
    if method is None and ("result" in given or "error" in given):
        return Spoken(None, "", {}, version)
    has_id = is_id(message_id) or "id" not in given
    if not isinstance(method, str) or not isinstance(params, dict | None) or not has_id:
        wanted = "A request has a method, params that are an object, and a string or a whole number as its id."
        raise Refused(INVALID_REQUEST, wanted, 400)
    spoken = Spoken(message_id, method, params or {}, version)
    if version not in SUPPORTED and method != "initialize":
        raise _Unanswered(spoken, _unsupported(version))
    return spoken


def is_id(given: Any) -> TypeGuard[str | int]:
    """Whether it can be a request's id, or the token of its progress."""
    return isinstance(given, (str, int)) and not isinstance(given, bool)


def _unsupported(version: str) -> Refused:
    told = {"supported": list(SUPPORTED), "requested": version[:80]}
    return Refused(UNSUPPORTED_VERSION, "This version is not spoken here.", 400, told)


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


def progressed(token: str | int, seconds: float, message: str) -> dict[str, Any]:
    """A notification of progress: how many seconds a call has been under way, and what there is to say of it."""
    params = {"progressToken": token, "progress": seconds, **({"message": message} if message else {})}
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}


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
    if not isinstance(name, str) or not name or not isinstance(arguments, dict | None):
        raise Refused(INVALID_PARAMS, "tools/call has a name, and arguments that are an object.")
    return name, arguments or {}
