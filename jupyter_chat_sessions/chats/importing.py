"""Chats of other programs as threads: our transcripts and older ones, JupyterLab's `.chat`, message lists.

The rule kept here: a chat is known by its own id or else by its bytes, so that importing it again finds its thread.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.conversation import begin
from ..core.decoding import decode, decode_header, read_json
from ..core.errors import Malformed, ThreadDeleted, Unreadable
from ..core.events import Earlier, Imported
from ..core.history import messages_to
from ..core.ids import Subject, ThreadId, new_message_id, new_run_id
from ..core.transcript import Message
from ..engine.session import Session
from .chats import Chats
from .places import Place

_NAMES = uuid.UUID("5c3f0c0e-6a0f-4d43-9d55-5d1d6f0f4a51")
"""The namespace of imported threads' ids."""
_LONGEST_NAME = 120
_LONGEST_TITLE = 500
_LONGEST_ID = 200
MOST_MESSAGES = 10_000
_NO_QUESTION = "(This chat begins with an answer.)"
_WHAT = (
    "This is no chat that can be imported. What can: a chat.jsonl of a .chats folder, a .chat file of JupyterLab, or a"
    ' JSON list of messages such as [{"role": "user", "content": "…"}].'
)


@dataclass(frozen=True, slots=True)
class Found:
    """A chat in a file. `source_id` is its own id, where it has one."""

    kind: str
    messages: list[Message]
    source_id: str | None = None
    title: str | None = None


async def import_chat(chats: Chats, given: bytes, name: str, place: Place, subject: Subject) -> tuple[Session, bool]:
    """The thread of the chat in a file, and whether it is new. `Malformed` where the file is no chat."""
    found = await chats.disk(found_in, given)
    known_by = found.source_id or hashlib.sha256(given).hexdigest()
    folder = await chats.disk(os.path.realpath, chats.places.folder(place.folder).path.parent)
    named = f"{subject}\n{found.kind}\n{known_by}\n{folder}"  # in two folders it is two threads, none a copy
    thread_id = ThreadId(str(uuid.uuid5(_NAMES, named)))
    try:
        session, is_new = await chats.create(thread_id, place, subject)
    except ThreadDeleted:
        session, is_new = await chats.restore(thread_id, subject, place), False
    shown = "".join(each for each in name.rsplit("/", 1)[-1] if each.isprintable())[:_LONGEST_NAME]
    source = {"kind": found.kind, "name": shown, "id": known_by}
    title = found.title or (shown.rsplit(".", 1)[0] if found.kind == "jupyterlab-chat" else None)
    turns = await chats.disk(turns_of, found.messages)
    await session.change(Imported(tuple(turns), source, (title or "")[:_LONGEST_TITLE].strip() or None))
    return session, is_new


def found_in(given: bytes) -> Found:
    """The chat that a file holds."""
    found = _read(given)
    if len(found.messages) > MOST_MESSAGES:
        raise Malformed(
            f"A chat to import has at most {MOST_MESSAGES:,} messages; this one has {len(found.messages):,}."
        )
    return found


def _read(given: bytes) -> Found:
    try:
        text = given.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Malformed(f"{_WHAT} The file is not UTF-8 text.") from None
    if text.lstrip()[:300].replace(" ", "").startswith('{"type":"header"'):
        return _transcript(given)
    try:
        value = read_json(text)
    except (ValueError, RecursionError) as fault:
        raise Malformed(f"{_WHAT} The file is not JSON: {str(fault)[:100]}.") from None
    if isinstance(value, dict) and isinstance(value.get("messages"), list) and isinstance(value.get("users"), dict):
        return _jupyterlab_chat(value)
    listed = value.get("messages") if isinstance(value, dict) else value
    if not isinstance(listed, list) or not listed:
        raise Malformed(_WHAT)
    title = value.get("title") if isinstance(value, dict) else None
    return Found("messages", _listed(listed), None, title if isinstance(title, str) else None)


def turns_of(messages: Iterable[Message]) -> list[Earlier]:
    """Questions with what was said to each."""
    turns: list[tuple[Message, list[Message]]] = []
    for message in messages:
        if message["role"] == "user":
            turns.append((message, []))
            continue
        if not turns:
            turns.append((_message("user", _NO_QUESTION), []))
        turns[-1][1].append(message)
    return [Earlier(new_run_id(), question, tuple(said)) for question, said in turns]


def _message(role: str, content: Any, **more: Any) -> Message:
    return {"id": new_message_id(), "role": role, "content": content, **more}


# --- transcripts -----------------------------------------------------------------------------------------------------


def _transcript(given: bytes) -> Found:
    """A `chat.jsonl`, of this layout or the older one: the path that ends at its head."""
    first, *rest = given.split(b"\n")
    try:
        header = decode_header(first)
    except Unreadable as fault:
        raise Malformed(f"{_WHAT} {fault.message}") from None
    lines = [line for raw in rest if raw.strip() for line in decode(raw, header.guid)]
    now = begin(header.guid, header, lines)
    messages = [] if now.head is None else messages_to(lines, now.head)
    if not messages:
        raise Malformed("Nothing was said in this transcript.")
    return Found("transcript", [_without_its_place(each) for each in messages], header.guid, now.chosen_title)


def _without_its_place(message: Message) -> Message:
    """The message without what belongs to its own thread: files that are not here, calls that were asked for there."""
    metadata = message.get("metadata")
    jupyter = metadata.get("jupyter") if isinstance(metadata, dict) else None
    kept = {name: jupyter[name] for name in _KEPT if name in jupyter} if isinstance(jupyter, dict) else {}
    bare = {name: value for name, value in message.items() if name != "metadata"}
    return {**bare, "id": new_message_id(), **({"metadata": {"jupyter": kept}} if kept else {})}


_KEPT = ("author", "model", "reasoning")


# --- JupyterLab's .chat ----------------------------------------------------------------------------------------------


def _jupyterlab_chat(value: Mapping[str, Any]) -> Found:
    said = [each for each in value["messages"] if isinstance(each, dict) and _is_said(each)]
    if not said:
        raise Malformed("Nothing was said in this .chat file.")
    people = {sender for each in said if not _is_bot(sender := _sender(each), value)}
    messages = [_said(each, value, is_named=len(people) > 1) for each in sorted(said, key=_time)]
    metadata = value.get("metadata")
    source_id = metadata.get("id") if isinstance(metadata, dict) else None
    return Found("jupyterlab-chat", messages, source_id if _is_id(source_id) else None)


def _is_id(given: Any) -> bool:
    """Whether a chat can be known by it."""
    return isinstance(given, str) and 0 < len(given) <= _LONGEST_ID and given.isprintable()


def _is_said(message: Mapping[str, Any]) -> bool:
    body = message.get("body")
    return isinstance(body, str) and bool(body.strip()) and not message.get("deleted")


def _time(message: Mapping[str, Any]) -> float:
    time = message.get("time")
    try:
        return float(time) if isinstance(time, (int, float)) else 0.0
    except OverflowError:
        return 0.0


def _sender(message: Mapping[str, Any]) -> str:
    sender = message.get("sender")
    return str(sender.get("username")) if isinstance(sender, dict) else str(sender)


def _is_bot(sender: str, value: Mapping[str, Any]) -> bool:
    user = value["users"].get(sender)
    return (isinstance(user, dict) and bool(user.get("bot"))) or sender.startswith("jupyter-ai-personas::")


def _said(message: Mapping[str, Any], value: Mapping[str, Any], *, is_named: bool) -> Message:
    sender = _sender(message)
    user = value["users"].get(sender)
    shown = (user.get("display_name") or user.get("name")) if isinstance(user, dict) else None
    by = str(shown or sender)
    body = message["body"]
    metadata = {"jupyter": {"said_by": by, "said_at": _time(message)}}
    if _is_bot(sender, value):
        return _message("assistant", body, metadata=metadata)
    return _message("user", f"**{by}:** {body}" if is_named else body, metadata=metadata)


# --- lists of messages -----------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reading:
    """Messages as they are read, and the calls that may still be answered."""

    messages: list[Message] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)


def _listed(listed: list[Any]) -> list[Message]:
    reading = _Reading()
    for place, each in enumerate(listed):
        if not isinstance(each, dict) or not isinstance(each.get("role"), str) or each["role"] not in _ROLES:
            raise Malformed(f"{_WHAT} Message {place} has no role of {', '.join(sorted(_ROLES))}.")
        if each["role"] in ("system", "developer"):
            continue  # what one program told its model is not said to this one
        reading.messages.append(_from_list(each, place, reading.calls))
    if not reading.messages:
        raise Malformed("Nothing was said in this list of messages.")
    return reading.messages


_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})


def _from_list(each: Mapping[str, Any], place: int, calls: set[str]) -> Message:
    role, content = each["role"], _plain(each.get("content"), place)
    if role == "user":
        return _message("user", content)
    if role == "tool":
        answered = each.get("tool_call_id")
        if not isinstance(answered, str) or answered not in calls:
            raise Malformed(f"Message {place} answers a tool call that was not made before it.")
        return _message("tool", content, toolCallId=answered)
    listed = each.get("tool_calls") or []
    if not isinstance(listed, list):
        raise Malformed(f"The tool_calls of message {place} are no list.")
    called = [_call(call, place) for call in listed]
    calls.update(call["id"] for call in called)
    return _message("assistant", content, toolCalls=called) if called else _message("assistant", content)


def _call(call: Any, place: int) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if (
        not isinstance(function, dict)
        or not isinstance(function.get("name"), str)
        or not isinstance(call.get("id"), str)
    ):
        raise Malformed(f"Message {place} has a tool call without an id or a function's name.")
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    return {"id": call["id"], "type": "function", "function": {"name": function["name"], "arguments": text}}


def _plain(content: Any, place: int) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise Malformed(f"The content of message {place} is neither text nor a list of parts.")
    texts = (part.get("text", "[an image]" if "image" in str(part.get("type")) else "") for part in content)
    return "\n".join(text for text in texts if isinstance(text, str))
