"""Tool calls of MCP clients: in a thread as runs of their own, which its viewers see and are asked about; or alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ...core.events import Sent
from ...core.frames import Frame, with_urls
from ...core.ids import RunId, new_message_id, new_run_id
from ...core.roles import ToolSpec
from ...core.transcript import Message, Options
from ...engine.session import Session
from ..openai.record import Record
from ..openai.telling import Telling
from .progress import Progress

ALONE = frozenset({"run_python", "run_shell", "write_file"})
"""The tools that are of use in an empty folder."""

OF_A_THREAD = "Tools run in one chat's own folder and kernel; what they make stays there, and the chat shows each call."
OF_NONE = (
    "Each call gets an empty folder and a Python of its own, which end with it; its result names the addresses of the"
    " files it made. Tools that keep their state are at …/mcp/<thread_id>."
)


def specs_alone(specs: Sequence[ToolSpec]) -> list[ToolSpec]:
    """The tools a call without a thread may use."""
    return [spec for spec in specs if spec.name in ALONE]


@dataclass(frozen=True, slots=True)
class Called:
    """How a call ended. `message` is its result, as the transcript has it; `None` where it has none."""

    run_id: RunId
    message: Message | None
    outcome: str = "success"
    error: str = ""

    def record(self, origin: str, *, has_links: bool) -> dict[str, Any]:
        """The result of `tools/call`. `origin` is what the server's addresses begin with for this client."""
        if self.message is None:
            return {"content": [_text(self.error or _WHY.get(self.outcome, _WHY["error"]))], "isError": True}
        metadata = self.message.get("metadata")
        jupyter: Mapping[str, Any] = metadata.get("jupyter", {}) if isinstance(metadata, Mapping) else {}
        files = [each for each in jupyter.get("artifacts") or () if isinstance(each, Mapping) and "url" in each]
        content = [_text(str(self.message.get("content", "")))]
        if files and has_links:
            content += [_link(each, origin) for each in files]
        elif files:
            content += [_text("\n".join(f"{each['path']}: {origin}{each['url']}" for each in files))]
        told = {"content": content, "isError": "error" in self.message}
        meta = {name: jupyter[name] for name in ("level", "code", "duration_ms") if name in jupyter}
        return {**told, "_meta": {"jupyter/run_id": self.run_id, **{f"jupyter/{name}": meta[name] for name in meta}}}


_WHY = {
    "cancelled": "The call was stopped.",
    "interrupted": "The server stopped while the call was running.",
    "error": "The call failed.",
}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _link(file: Mapping[str, Any], origin: str) -> dict[str, Any]:
    link = {"type": "resource_link", "uri": f"{origin}{file['url']}", "name": file["path"]}
    return {**link, **{ours: file[theirs] for ours, theirs in _FIELDS.items() if theirs in file}}


_FIELDS = {"mimeType": "media_type", "size": "size"}


class CallRecord(Record):
    """What a call's run says, with its result."""

    def __init__(self, session: Session, call_id: str, progress: Progress) -> None:
        super().__init__(session)
        self._call_id = call_id
        self._progress = progress
        self.result: Message | None = None

    def tell(self, frame: Frame) -> None:
        event = frame.body.get("event") or {}
        value = event.get("value")
        if isinstance(value, Mapping) and event.get("name") == "line":
            self._see(value)
        elif isinstance(value, Mapping) and value.get("toolCallId") == self._call_id:
            self._progress.hear(event)
        super().tell(frame)

    def _see(self, line: Mapping[str, Any]) -> None:
        if line["type"] == "message" and line["message"].get("toolCallId") == self._call_id:
            self.result = line["message"]
        elif line["type"] == "approval" and any(each["toolCallId"] == self._call_id for each in line["interrupts"]):
            self._progress.say("A person is asked in the chat whether this may run.")


async def begin_call(
    session: Session, name: str, arguments: Mapping[str, Any], client: str, asked: Options, progress: Progress
) -> CallRecord:
    """Has a call made in a thread, behind what runs there already. It goes on whether or not anybody waits."""
    run_id, message_id = new_run_id(), new_message_id()
    call_id = f"call_{run_id.replace('-', '')}_0"
    call = {"id": call_id, "name": name, "arguments": dict(arguments), "by": client}
    record = CallRecord(session, call_id, progress)
    session.listen(record)
    try:
        receipt = await session.send(Sent(message_id, f"{client} calls `{name}`.", run_id, options=asked, call=call))
    except BaseException:
        record.leave()
        raise
    if receipt.is_queued:
        progress.say("It waits for what runs in the chat.")
    record.follow(Telling(run_id, message_id, waits=True))
    return record


async def ended_call(record: CallRecord) -> Called:
    """Waits for the call's end: also for the person who is asked whether it may run."""
    try:
        await record.whole()
    finally:
        record.leave()
    end = record.end
    if end is None:
        return Called(record.run_id, record.result)
    return Called(record.run_id, record.result, end.outcome, (end.error or {}).get("message", ""))


def with_run_urls(message: Message, address: str, run_id: RunId) -> Message:
    """The result of a call without a thread, with the addresses of its files."""
    return with_urls(message, lambda path: f"{address}/runs/{run_id}/files/{quote(path)}")
