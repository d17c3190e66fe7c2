"""The ids these doors show, each leading to its thread without a table: a restart forgets none."""

from __future__ import annotations

import hashlib
import re
import uuid

from ...core.errors import NotFound
from ...core.ids import RunId, ThreadId

DEFAULT_MODEL = "default"

_RESPONSE = re.compile(r"resp_([0-9a-f]{32})([0-9a-f]{32})")
_CONVERSATION = re.compile(r"conv_([0-9a-f]{32})")
_CALL = re.compile(r"call_([0-9a-f]{32})_(.+)", re.DOTALL)


class ResponseNotFound(NotFound):
    code = "response_not_found"


class ConversationNotFound(NotFound):
    code = "conversation_not_found"


def response_id(thread_id: ThreadId, run_id: RunId) -> str:
    """The response a run is."""
    return f"resp_{_hex(thread_id)}{_hex(run_id)}"


def parse_response_id(given: str) -> tuple[ThreadId, RunId]:
    """The thread and the run of a response."""
    match = _RESPONSE.fullmatch(given)
    if match is None:
        raise ResponseNotFound(f"There is no response {given[:80]!r}.")
    return ThreadId(_uuid(match[1])), RunId(_uuid(match[2]))


def conversation_id(thread_id: ThreadId) -> str:
    """The conversation a thread is."""
    return f"conv_{_hex(thread_id)}"


def parse_conversation_id(given: str) -> ThreadId:
    """The thread of a conversation."""
    match = _CONVERSATION.fullmatch(given)
    if match is None:
        raise ConversationNotFound(f"There is no conversation {given[:80]!r}.")
    return ThreadId(_uuid(match[1]))


def completion_id(run_id: RunId) -> str:
    """The chat completion a run is."""
    return f"chatcmpl-{_hex(run_id)}"


def call_id(thread_id: ThreadId, tool_call_id: str) -> str:
    """A call as a client sees it: who answers it without naming a thread is led to the right one."""
    return f"call_{_hex(thread_id)}_{tool_call_id}"


def parse_call_id(given: str) -> tuple[ThreadId | None, str]:
    """The thread and the call; no thread where the id is none of ours."""
    match = _CALL.fullmatch(given)
    return (None, given) if match is None else (ThreadId(_uuid(match[1])), match[2])


def function_item_id(tool_call_id: str) -> str:
    """The item of a client's call."""
    return f"fc_{hashlib.sha256(tool_call_id.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def _hex(given: str) -> str:
    return given.replace("-", "")


def _uuid(hex_digits: str) -> str:
    return str(uuid.UUID(hex_digits))
