"""What travels to viewers (docs/wire.md), each frame encoded at most once however many are watching."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring_ascii as _quoted
from typing import Any

from .conversation import Asked, Receipt, Waiting
from .ids import RunId, ThreadId
from .transcript import Line, Message, MessageLine, RunLine, record_of

FileUrl = Callable[[str], str]
"""The address of a file in the thread's folder, by its path there."""


class Frame:
    """One frame. `text` is its JSON, made at the first request and then shared."""

    __slots__ = ("_text", "body")

    def __init__(self, body: Mapping[str, Any]) -> None:
        self.body = body
        self._text: str | None = None

    @property
    def text(self) -> str:
        if self._text is None:
            self._text = _piece_text(self.body) or _encoded(self.body)
        return self._text


_encoded = json.JSONEncoder(separators=(",", ":")).encode
_PIECE = {"type", "messageId", "delta"}


def _piece_text(body: Mapping[str, Any]) -> str | None:
    """The frame of a piece of text, which nearly all are, in a third of the time; `None` for any other."""
    event = body["event"] if "n" in body else {}
    if event.keys() != _PIECE:
        return None
    kind, message_id, delta = _quoted(event["type"]), _quoted(event["messageId"]), _quoted(event["delta"])
    said = f'{{"type":{kind},"messageId":{message_id},"delta":{delta}}}'
    return f'{{"kind":"event","run_id":{_quoted(body["run_id"])},"n":{body["n"]},"event":{said}}}'


HEARTBEAT = Frame({"kind": "heartbeat"})
"""The server is still there."""


def line_frame(line: Line, file_url: FileUrl) -> Frame:
    """The frame that tells of a line of the transcript."""
    return Frame({"kind": "event", "seq": line.seq, "event": custom("line", line_record(line, file_url))})


def run_frame(run_id: RunId, n: int, event: Mapping[str, Any]) -> Frame:
    """The frame of a run's numbered event."""
    return Frame({"kind": "event", "run_id": run_id, "n": n, "event": event})


def news_frame(name: str, value: Mapping[str, Any]) -> Frame:
    """Passing news, kept nowhere."""
    return Frame({"kind": "event", "event": custom(name, value)})


def ack(frame_id: str, receipt: Receipt) -> Frame:
    """A message is on disk."""
    body = {"kind": "ack", "id": frame_id, "runId": receipt.run_id, "seq": receipt.seq, "queued": receipt.is_queued}
    return Frame(body)


def cancel_ack(frame_id: str, run_ids: Sequence[RunId]) -> Frame:
    """What a `cancel` came to."""
    return Frame({"kind": "ack", "id": frame_id, "cancelled": bool(run_ids), "runIds": list(run_ids)})


def plain_ack(frame_id: str) -> Frame:
    """A frame that has no more to say than that it was met."""
    return Frame({"kind": "ack", "id": frame_id})


def nack(frame_id: str | None, code: str, message: str) -> Frame:
    """A frame, or a whole address, was refused."""
    return Frame({"kind": "nack", "id": frame_id, "code": code, "message": message})


def custom(name: str, value: Any) -> dict[str, Any]:
    """An AG-UI event of our own."""
    return {"type": "CUSTOM", "name": name, "value": value}


def queue_record(queue: Sequence[Waiting]) -> list[dict[str, Any]]:
    """The waiting messages, the next one first."""
    return [{"message_id": each.message_id, "run_id": each.run_id} for each in queue]


def asked_record(asked: Asked | None) -> list[dict[str, Any]]:
    """The `approvals` of a `hello`."""
    return [{"run_id": asked.run_id, "interrupts": list(asked.interrupts)}] if asked else []


def line_record(line: Line, file_url: FileUrl) -> dict[str, Any]:
    """The line as viewers get it: as on disk, with the addresses of its files, without what only a provider reads."""
    record = record_of(line)
    if isinstance(line, MessageLine):
        record["message"] = with_urls(_without_provider_state(line.message), file_url)
    return record


def _without_provider_state(message: Message) -> Message:
    jupyter = _jupyter(message)
    if "provider_state" not in jupyter:
        return message
    shown = {key: value for key, value in jupyter.items() if key != "provider_state"}
    return {**message, "metadata": {**message["metadata"], "jupyter": shown}}


def with_urls(message: Message, file_url: FileUrl) -> Message:
    """The message with a `url` beside the path of each artifact, and of each file that was sent along."""
    jupyter = _jupyter(message)
    listed = {name: jupyter[name] for name in ("artifacts", "context") if isinstance(jupyter.get(name), list)}
    if not any(listed.values()):
        return message
    addressed = {name: [_with_url(each, file_url) for each in files] for name, files in listed.items()}
    return {**message, "metadata": {**message["metadata"], "jupyter": {**jupyter, **addressed}}}


def _with_url(file: Any, file_url: FileUrl) -> Any:
    """Artifacts have no type; of what is sent along, only files have an address."""
    is_file = isinstance(file, dict) and isinstance(file.get("path"), str) and file.get("type", "file") == "file"
    return {**file, "url": file_url(file["path"])} if is_file else file


def with_output_url(event: Mapping[str, Any], file_url: FileUrl) -> Mapping[str, Any]:
    """The event; where it shows an output that is a file already, with the file's `url` beside its name."""
    if event["type"] != "CUSTOM" or event["name"] != "tool_output":
        return event
    output = event["value"]["output"]
    path = (output.get("metadata") or {}).get("artifact")
    if not isinstance(path, str):
        return event
    addressed = {**output, "metadata": {**output["metadata"], "url": file_url(path)}}
    return {**event, "value": {**event["value"], "output": addressed}}


def _jupyter(message: Message) -> Mapping[str, Any]:
    metadata = message.get("metadata")
    jupyter = metadata.get("jupyter") if isinstance(metadata, dict) else None
    return jupyter if isinstance(jupyter, dict) else {}


def run_started(thread_id: ThreadId, run_id: RunId, parent: RunId | None) -> dict[str, Any]:
    """AG-UI's first event of a run."""
    event = {"type": "RUN_STARTED", "threadId": thread_id, "runId": run_id}
    return {**event, "parentRunId": parent} if parent else event


def run_ended(thread_id: ThreadId, line: RunLine, asked: Asked | None = None) -> dict[str, Any]:
    """AG-UI's last event of a run. `asked`: what it asks a person, where it waits for one."""
    if line.outcome in ("error", "interrupted"):
        error = line.error or {}
        return {
            "type": "RUN_ERROR",
            "message": error.get("message", "The run failed."),
            "code": error.get("code", line.outcome),
        }
    outcome: dict[str, Any] = {"type": line.outcome}
    if line.outcome == "waiting":
        outcome = {"type": "interrupt", "interrupts": list(asked.interrupts) if asked else []}
    event = {"type": "RUN_FINISHED", "threadId": thread_id, "runId": line.run_id, "outcome": outcome}
    return {**event, "usage": line.usage} if line.usage else event


def tool_returned(message: Message) -> dict[str, Any]:
    """AG-UI's event for a tool's result."""
    return {
        "type": "TOOL_CALL_RESULT",
        "messageId": message["id"],
        "toolCallId": message.get("toolCallId", ""),
        "content": message.get("content", ""),
        "role": "tool",
    }
