"""The names everything is kept under. An id that has been parsed has a type; a plain `str` is unchecked.

A thread's id becomes a folder's name, so it is parsed exactly once, at the door, and never repaired afterwards.
"""

from __future__ import annotations

import re
import uuid
from typing import NewType

from .errors import InvalidMessageId, InvalidRunId, InvalidSessionKey, InvalidThreadId

ThreadId = NewType("ThreadId", str)
MessageId = NewType("MessageId", str)
RunId = NewType("RunId", str)
SessionKey = NewType("SessionKey", str)
Subject = NewType("Subject", str)

OWNER = Subject("owner")

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_RESERVED = frozenset({str(uuid.UUID(int=0)), str(uuid.UUID(int=2**128 - 1))})
_MESSAGE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_SESSION_KEY = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?")
_RESERVED_KEYS = ("internal:", "chat:", "_")


def _shown(given: object) -> str:
    """What was given, short enough for an error message."""
    text = repr(given)
    return text if len(text) <= 60 else text[:57] + "..."


def _uuid(given: object) -> str | None:
    if not isinstance(given, str):
        return None
    folded = given.lower()
    if not _UUID.fullmatch(folded) or folded in _RESERVED:
        return None
    return folded


def parse_thread_id(given: object) -> ThreadId:
    """The thread id in canonical lower case. Anything but a hyphenated UUID is an `InvalidThreadId`."""
    parsed = _uuid(given)
    if parsed is None:
        raise InvalidThreadId(f"A thread id is a UUID such as {uuid.UUID(int=0x1234 << 64)}, not {_shown(given)}.")
    return ThreadId(parsed)


def parse_run_id(given: object) -> RunId:
    """The run id in canonical lower case. Anything but a hyphenated UUID is an `InvalidRunId`."""
    parsed = _uuid(given)
    if parsed is None:
        raise InvalidRunId(f"A run id is a UUID, not {_shown(given)}.")
    return RunId(parsed)


def parse_message_id(given: object) -> MessageId:
    """The id a client gave its message: 1 to 128 letters, digits or `._:-`, as it stands."""
    if not isinstance(given, str) or not _MESSAGE_ID.fullmatch(given):
        raise InvalidMessageId(f"A message id is 1 to 128 letters, digits or ._:- (best a UUID), not {_shown(given)}.")
    return MessageId(given)


def parse_session_key(given: object) -> SessionKey | None:
    """The key without surrounding blanks; `None` where nothing was named. 1 to 256 printable ASCII characters."""
    if given is None:
        return None
    if not isinstance(given, str):
        raise InvalidSessionKey(f"A session key is a string, not {_shown(given)}.")
    key = given.strip(" \t")
    if not key:
        return None
    if not _SESSION_KEY.fullmatch(key):
        raise InvalidSessionKey(f"A session key is 1 to 256 printable ASCII characters, not {_shown(given)}.")
    if key.startswith(_RESERVED_KEYS):
        raise InvalidSessionKey(
            f"Session keys that begin with {', '.join(_RESERVED_KEYS)} are reserved: {_shown(given)}."
        )
    return SessionKey(key)


def new_thread_id() -> ThreadId:
    """A fresh random thread id."""
    return ThreadId(str(uuid.uuid4()))


def new_run_id() -> RunId:
    """A fresh random run id."""
    return RunId(str(uuid.uuid4()))


def new_message_id() -> MessageId:
    """A fresh random id for a message that is not a person's, `msg_<uuid>`."""
    return MessageId(f"msg_{uuid.uuid4()}")


def tool_message_id(run_id: RunId, tool_call_id: str) -> MessageId:
    """The id of the message that holds a tool call's result: one call, one id, whoever writes it."""
    return MessageId(f"msg_{uuid.uuid5(uuid.UUID(run_id), tool_call_id)}")


def regenerating_run_id(thread_id: ThreadId, request: str) -> RunId:
    """The run id for a client's request to answer again: the same request, the same run."""
    return RunId(str(uuid.uuid5(uuid.UUID(thread_id), f"regenerate:{request}")))


def older_message_id(thread_id: ThreadId, seq: int, role: str, position: int) -> MessageId:
    """The id of a message in a file of the older layout: the same at every reading."""
    return MessageId(f"msg_{uuid.uuid5(uuid.UUID(thread_id), f'{seq}:{role}:{position}')}")


def older_run_id(thread_id: ThreadId, seq: int) -> RunId:
    """The id of the run that an older turn stands for: the same at every reading."""
    return RunId(str(uuid.uuid5(uuid.UUID(thread_id), f"{seq}:run")))
