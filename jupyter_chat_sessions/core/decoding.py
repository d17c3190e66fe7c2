"""How lines are read, those of the older layout too.

The rule kept here: reading never raises for a line and never loses one. A line that is not one is skipped and
counted by the caller; a type or version that is not known yet is kept as `UnknownLine`, with its place in the order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from .errors import Unreadable
from .ids import MessageId, RunId, ThreadId
from .older import older_turn
from .transcript import (
    OUTCOMES,
    SCHEMA_VERSION,
    AnswerLine,
    ApprovalLine,
    CancelLine,
    ConsentLine,
    CopiedLine,
    DeletedLine,
    Header,
    HeadLine,
    ImportedLine,
    Line,
    Message,
    MessageLine,
    NotebookLine,
    Options,
    Outcome,
    RestoredLine,
    RunLine,
    StartLine,
    TitleLine,
    UnknownLine,
    WithdrawnLine,
)

_MOST_NESTED = 500


def decode_header(raw: bytes) -> Header:
    """Line 1, of this or the older layout. `Unreadable` where it is not a header."""
    record = _load(raw)
    if not isinstance(record, dict) or record.get("type") != "header":
        raise Unreadable("The transcript does not begin with a header line; it is left untouched.")
    guid, created, version = record.get("guid"), record.get("created"), record.get("schema_version", SCHEMA_VERSION)
    if not isinstance(guid, str) or type(version) is not int:
        raise Unreadable("The transcript's header names no thread; it is left untouched.")
    notebook, owner = record.get("notebook"), record.get("owner")
    return Header(
        guid=ThreadId(guid.lower()),
        created=created if isinstance(created, str) else "",
        notebook=notebook if isinstance(notebook, str) else None,
        owner=owner if isinstance(owner, str) else None,
        schema_version=version,
    )


def decode(raw: bytes, thread_id: ThreadId) -> tuple[Line, ...]:
    """The lines that `raw` stands for: one; several with one `seq` for an older turn; none for a bad line."""
    record = _load(raw)
    if not isinstance(record, dict):
        return ()
    kind, seq, created = record.get("type"), record.get("seq"), record.get("created")
    if not isinstance(kind, str) or type(seq) is not int or seq < 1 or not isinstance(created, str):
        return ()
    version = record.get("schema_version", SCHEMA_VERSION)
    if type(version) is not int or version > SCHEMA_VERSION:
        return (UnknownLine(seq, created, kind),)
    try:
        if kind == "turn":
            return older_turn(thread_id, seq, created, record)
        read = _READ.get(kind)
        return (read(seq, created, record) if read else UnknownLine(seq, created, kind),)
    except (KeyError, TypeError, ValueError):
        return ()


def _load(raw: bytes) -> Any:
    """The JSON value in `raw`, or `None` where there is none."""
    try:
        # Every line of ours begins so, and no other encoding does; to look for one costs as much as to parse.
        encoding = "utf-8" if raw.startswith(b'{"') else json.detect_encoding(raw)
        value = read_json(raw.decode(encoding, "surrogatepass"))
    except (ValueError, RecursionError):
        return None
    return None if _is_too_deep(raw, value) else value


def _is_too_deep(raw: bytes, value: Any) -> bool:
    """Whether it nests so deep that it could be read here, but not be told again further down the stack."""
    if raw.count(b"[") + raw.count(b"{") <= _MOST_NESTED:
        return False
    inside = [value]
    for _ in range(_MOST_NESTED):
        nests = [each for each in inside if isinstance(each, (dict, list))]
        inside = [part for each in nests for part in (each.values() if isinstance(each, dict) else each)]
    return bool(inside)


def read_json(text: str) -> Any:
    """A JSON value. What JSON has no word for, as `NaN`, is `null`: no browser could read it. Raises like `loads`."""
    return _JSON.decode(text)


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if isfinite(number) else None


_JSON = json.JSONDecoder(parse_constant=lambda name: None, parse_float=_finite)


# --- one line --------------------------------------------------------------------------------------------------------


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record[key]
    if not isinstance(value, str):
        raise TypeError(key)
    return value


def _maybe_text(record: Mapping[str, Any], key: str) -> str | None:
    return None if record.get(key) is None else _text(record, key)


def _object(record: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = record[key]
    if not isinstance(value, dict):
        raise TypeError(key)
    return value


def _maybe_object(record: Mapping[str, Any], key: str) -> Mapping[str, Any] | None:
    return None if record.get(key) is None else _object(record, key)


def _objects(record: Mapping[str, Any], key: str) -> tuple[Mapping[str, Any], ...]:
    value = record[key]
    if not _are_objects(value):
        raise TypeError(key)
    return tuple(value)


def _questions(record: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """What is asked: each question by its id, and for one call."""
    asked = _objects(record, "interrupts")
    for each in asked:
        _text(each, "id")
        _text(each, "toolCallId")
    return asked


def _answers(record: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    given = _objects(record, "answers")
    for each in given:
        _text(each, "interruptId")
    return given


def _texts(record: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = record[key]
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError(key)
    return tuple(value)


def _run_id(record: Mapping[str, Any], key: str = "run_id") -> RunId:
    return RunId(_text(record, key))


def _maybe_run_id(record: Mapping[str, Any], key: str = "run_id") -> RunId | None:
    return None if record.get(key) is None else _run_id(record, key)


def _message(record: Mapping[str, Any]) -> Message:
    message = _object(record, "message")
    _text(message, "id")
    _text(message, "role")
    odd = [name for name, is_sound in _PARTS.items() if name in message and not is_sound(message[name])]
    return {name: value for name, value in message.items() if name not in odd} if odd else message


def _are_calls(value: Any) -> bool:
    return _are_objects(value) and all(
        isinstance(call.get("id"), str)
        and isinstance(function := call.get("function"), dict)
        and isinstance(function.get("name"), str)
        and isinstance(function.get("arguments"), str)
        for call in value
    )


def _is_metadata(value: Any) -> bool:
    ours = value.get("jupyter", {}) if isinstance(value, dict) else None
    if not isinstance(ours, dict) or not _are_objects(ours.get("artifacts") or []):
        return False
    outputs = ours.get("outputs") or []
    return _are_objects(outputs) and all(
        isinstance(output.get(name) or {}, dict) for output in outputs for name in ("data", "metadata")
    )


def _are_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, dict) for each in value)


_PARTS: dict[str, Callable[[Any], bool]] = {"toolCalls": _are_calls, "metadata": _is_metadata}
"""What others rely on in a message beside its words. Where it has another shape it is left out, and the words stay."""


def _options(record: Mapping[str, Any]) -> Options:
    options = _maybe_object(record, "options") or {}
    return Options(
        mode=_maybe_text(options, "mode"),
        model=_maybe_text(options, "model"),
        parent_run_id=_maybe_run_id(options, "parent_run_id"),
        is_branch="parent_run_id" in options,
        permissions=_maybe_object(options, "permissions"),
        instructions=_maybe_text(options, "instructions"),
        tools=_objects(options, "tools") if "tools" in options else (),
        tool_names=_texts(options, "tool_names") if "tool_names" in options else None,
        asks_first=options.get("asks_first") is True,
        visitor=_maybe_text(options, "visitor"),
        door=_maybe_text(options, "door"),
        is_listed=options.get("listed") is not False,
        keeps_history=options.get("keeps_history") is True,
        place=_maybe_text(options, "place"),
    )


def _outcome(record: Mapping[str, Any]) -> Outcome:
    outcome = _text(record, "outcome")
    if outcome not in OUTCOMES:
        raise ValueError(outcome)
    return outcome  # type: ignore[return-value]


_Read = Callable[[int, str, Mapping[str, Any]], Line]
_READ: dict[str, _Read] = {
    "message": lambda seq, at, r: MessageLine(seq, at, _message(r), _maybe_run_id(r), _options(r)),
    "start": lambda seq, at, r: StartLine(
        seq,
        at,
        _run_id(r),
        MessageId(_text(r, "message_id")),
        _maybe_run_id(r, "parent_run_id"),
        _maybe_text(r, "model"),
        _maybe_text(r, "visitor"),
    ),
    "run": lambda seq, at, r: RunLine(
        seq, at, _run_id(r), _outcome(r), _maybe_object(r, "usage"), _maybe_object(r, "error")
    ),
    "withdrawn": lambda seq, at, r: WithdrawnLine(seq, at, MessageId(_text(r, "message_id"))),
    "head": lambda seq, at, r: HeadLine(seq, at, _maybe_run_id(r)),
    "approval": lambda seq, at, r: ApprovalLine(seq, at, _run_id(r), _questions(r), _maybe_text(r, "place")),
    "answer": lambda seq, at, r: AnswerLine(
        seq, at, _run_id(r), _answers(r), _maybe_text(r, "by"), _maybe_text(r, "place")
    ),
    "cancel": lambda seq, at, r: CancelLine(seq, at, _maybe_run_id(r)),
    "title": lambda seq, at, r: TitleLine(seq, at, _text(r, "title")),
    "notebook": lambda seq, at, r: NotebookLine(seq, at, _maybe_text(r, "notebook")),
    "consent": lambda seq, at, r: ConsentLine(seq, at, _maybe_text(r, "folder"), _maybe_text(r, "by")),
    "imported": lambda seq, created, it: ImportedLine(seq, created, _object(it, "source")),
    "copied": lambda seq, at, r: CopiedLine(seq, at, ThreadId(_text(r, "from"))),
    "deleted": lambda seq, at, _: DeletedLine(seq, at),
    "restored": lambda seq, at, _: RestoredLine(seq, at),
}
