"""The lines of a transcript: what they are and how they are written. How they are read: `decoding`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from .ids import MessageId, RunId, ThreadId

SCHEMA_VERSION = 1

Message = Mapping[str, Any]
"""A message in AG-UI's shape: `{"id", "role", "content", …}` with `toolCalls` (assistant) or `toolCallId` (tool)."""

Outcome = Literal["success", "cancelled", "error", "interrupted", "waiting"]
OUTCOMES: tuple[str, ...] = get_args(Outcome)


FOLLOWS_HEAD = RunId("head")
"""The parent of an older turn's run, which no file names: whatever the head is when the line is read."""


@dataclass(frozen=True, slots=True)
class Header:
    """Line 1. `notebook` is the file's name beside `.chats`, or `None` for a thread of the folder."""

    guid: ThreadId
    created: str
    notebook: str | None = None
    owner: str | None = None
    schema_version: int = SCHEMA_VERSION

    @property
    def is_newer(self) -> bool:
        """Whether a later version of this package wrote it; such a thread is only read."""
        return self.schema_version > SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class Line:
    """What every later line has: its number (from 1, +1 each) and when it was written (ISO 8601, UTC)."""

    seq: int
    created: str


@dataclass(frozen=True, slots=True)
class Options:
    """What a sender asked for beside the words. `parent_run_id` only where the message does not follow the head.

    `instructions` go to the agent before the conversation; `tools` (`{"name", "description", "parameters"}`) are the
    sender's own: the run waits for the sender to give their results. `tool_names` are those of the server's tools that
    the answer may use; `None`: all there are. `asks_first`: whether a person is asked before each call of these that
    would run without.
    """

    mode: str | None = None
    model: str | None = None
    parent_run_id: RunId | None = None
    is_branch: bool = False
    """True where `parent_run_id` was chosen; `None` is then the root, not "the head"."""
    permissions: Mapping[str, str] | None = None
    """The sender's own settings for tools: `allow`, `ask` or `deny`, by the tool's name."""
    instructions: str | None = None
    tools: tuple[Mapping[str, Any], ...] = ()
    tool_names: tuple[str, ...] | None = None
    asks_first: bool = False
    visitor: str | None = None
    """Which share its sender came by; `None`: nobody's, it is the owner's."""
    door: str | None = None
    """Which door for programs it came by, such as `openai`; `None`: none of those."""
    is_listed: bool = True
    """Whether a thread in which this was said belongs in lists."""
    keeps_history: bool = False
    """Whether its sender keeps the conversation too and sends it each time: what it leaves out, it took back."""
    place: str | None = None
    """The mark of the folder it was sent in: it is answered there, and what it permits holds there."""


@dataclass(frozen=True, slots=True)
class MessageLine(Line):
    message: Message
    run_id: RunId | None = None
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class StartLine(Line):
    run_id: RunId
    message_id: MessageId
    parent_run_id: RunId | None = None
    model: str | None = None
    visitor: str | None = None
    """Which share they came by who asked for this answer beside an earlier one."""


@dataclass(frozen=True, slots=True)
class RunLine(Line):
    run_id: RunId
    outcome: Outcome
    usage: Mapping[str, Any] | None = None
    error: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class WithdrawnLine(Line):
    message_id: MessageId


@dataclass(frozen=True, slots=True)
class HeadLine(Line):
    run_id: RunId | None


@dataclass(frozen=True, slots=True)
class ApprovalLine(Line):
    run_id: RunId
    interrupts: tuple[Mapping[str, Any], ...]
    place: str | None = None
    """The mark of the folder it was asked in: a person is asked there."""


@dataclass(frozen=True, slots=True)
class AnswerLine(Line):
    run_id: RunId
    answers: tuple[Mapping[str, Any], ...]
    by: str | None = None
    place: str | None = None
    """The mark of the folder it was given in: what it allows is allowed there."""


@dataclass(frozen=True, slots=True)
class CancelLine(Line):
    run_id: RunId | None = None


@dataclass(frozen=True, slots=True)
class TitleLine(Line):
    title: str


@dataclass(frozen=True, slots=True)
class NotebookLine(Line):
    notebook: str | None


@dataclass(frozen=True, slots=True)
class ConsentLine(Line):
    """A person lets the thread's tools read the notebook's folder, known by its mark; `None`: no longer."""

    folder: str | None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class CopiedLine(Line):
    from_: ThreadId


@dataclass(frozen=True, slots=True)
class ImportedLine(Line):
    """What follows was said elsewhere: `source` has `kind`, `name`, and `id` where it has one."""

    source: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeletedLine(Line):
    pass


@dataclass(frozen=True, slots=True)
class RestoredLine(Line):
    pass


@dataclass(frozen=True, slots=True)
class UnknownLine(Line):
    """A line of a later version, kept and passed over."""

    type: str


_TYPE_OF: dict[type[Line], str] = {
    MessageLine: "message",
    StartLine: "start",
    RunLine: "run",
    WithdrawnLine: "withdrawn",
    HeadLine: "head",
    ApprovalLine: "approval",
    AnswerLine: "answer",
    CancelLine: "cancel",
    TitleLine: "title",
    NotebookLine: "notebook",
    ConsentLine: "consent",
    CopiedLine: "copied",
    ImportedLine: "imported",
    DeletedLine: "deleted",
    RestoredLine: "restored",
}
_KEPT_WHEN_NONE = frozenset(
    {("start", "parent_run_id"), ("head", "run_id"), ("notebook", "notebook"), ("consent", "folder")}
)


def record_of(line: Line) -> dict[str, Any]:
    """The line as the JSON object that stands on disk and travels to viewers."""
    if isinstance(line, UnknownLine):
        return {"type": line.type, "seq": line.seq, "created": line.created}
    kind = _TYPE_OF[type(line)]
    record: dict[str, Any] = {"type": kind, "schema_version": SCHEMA_VERSION, "seq": line.seq, "created": line.created}
    for each in fields(line)[2:]:
        value = getattr(line, each.name)
        if isinstance(value, Options):
            value = _options_record(value) or None
        if value is not None or (kind, each.name) in _KEPT_WHEN_NONE:
            record[each.name.rstrip("_")] = value
    return record


def _options_record(options: Options) -> dict[str, Any]:
    record: dict[str, Any] = {}
    if options.mode is not None:
        record["mode"] = options.mode
    if options.model is not None:
        record["model"] = options.model
    if options.is_branch:
        record["parent_run_id"] = options.parent_run_id
    if options.permissions is not None:
        record["permissions"] = dict(options.permissions)
    if options.instructions is not None:
        record["instructions"] = options.instructions
    if options.tools:
        record["tools"] = options.tools
    if options.tool_names is not None:
        record["tool_names"] = options.tool_names
    if options.asks_first:
        record["asks_first"] = True
    if options.visitor is not None:
        record["visitor"] = options.visitor
    if options.door is not None:
        record["door"] = options.door
    if not options.is_listed:
        record["listed"] = False
    if options.keeps_history:
        record["keeps_history"] = True
    if options.place is not None:
        record["place"] = options.place
    return record


def encode(line: Line) -> bytes:
    """The line's bytes, newline included."""
    return _dump(record_of(line))


def encode_header(header: Header) -> bytes:
    """Line 1's bytes, newline included."""
    record: dict[str, Any] = {
        "type": "header",
        "schema_version": header.schema_version,
        "guid": header.guid,
        "created": header.created,
        "notebook": header.notebook,
    }
    if header.owner is not None:
        record["owner"] = header.owner
    return _dump(record)


def _dump(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass") + b"\n"


def text_of(message: Message) -> str:
    """The words of a message, without its images or files."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "\n".join(part for part in parts if isinstance(part, str))
