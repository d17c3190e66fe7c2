"""A run as it is told, from the frames its viewers get: words, thoughts, calls, an end.

The rule kept here: lines are the truth and pieces only come earlier. Whoever sees no pieces, because the run is made by
another server or is long over, is told the same from its lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...core.conversation import CLIENT_TOOL
from ...core.ids import RunId


@dataclass(frozen=True, slots=True)
class Thought:
    message_id: str
    delta: str


@dataclass(frozen=True, slots=True)
class Words:
    message_id: str
    delta: str


@dataclass(frozen=True, slots=True)
class ClientCall:
    """The agent calls one of the client's own tools; its arguments follow."""

    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ClientArguments:
    call_id: str
    delta: str


@dataclass(frozen=True, slots=True)
class Running:
    """One of the server's tools is at work."""

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Returned:
    """One of the server's tools has a result."""

    call_id: str
    name: str
    arguments: str
    content: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """An event of AG-UI's that these protocols have no words for; only a telling for AG-UI gives it."""

    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MessageEnded:
    message_id: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A person is asked, and the run goes on when they have decided."""

    interrupts: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """It is over. `interrupts`: what the client is to answer, where the outcome is `waiting`."""

    outcome: str
    usage: Mapping[str, int] = field(default_factory=dict)
    error: Mapping[str, str] | None = None
    interrupts: tuple[Mapping[str, Any], ...] = ()


Happening = Thought | Words | ClientCall | ClientArguments | Running | Returned | Shown | MessageEnded | Asked | Ended


@dataclass(slots=True)
class _Call:
    name: str
    arguments: list[str] = field(default_factory=list)
    is_told: bool = False

    @property
    def text(self) -> str:
        return "".join(self.arguments) or "{}"


class Telling:
    """Folds frames of a thread into the happenings of one run.

    `client_tools`: the names of the client's own; `earlier`: interrupts of the run this one goes on from; `waits`:
    whether what a person is asked is waited for, and the run that goes on is told as this one.
    """

    def __init__(
        self,
        run_id: RunId,
        message_id: str,
        client_tools: Iterable[str] = (),
        earlier: Iterable[Mapping[str, Any]] = (),
        *,
        waits: bool,
    ) -> None:
        self.run_id = run_id
        self._message_id = message_id
        self._client_tools = frozenset(client_tools)
        self._waits = waits
        self._told: dict[tuple[str, type[Words] | type[Thought]], list[str]] = {}
        self._complete: set[str] = set()
        self._calls: dict[str, _Call] = {}
        self._know(earlier)
        self._interrupts: tuple[Mapping[str, Any], ...] = ()
        self._usage: dict[str, int] = {}
        self._has_spoken = False
        self._results: list[str] = []
        self.is_ended = False

    def _know(self, interrupts: Iterable[Mapping[str, Any]]) -> None:
        for each in interrupts:
            call = _Call(str(each.get("tool")), [json.dumps(each.get("arguments", {}))])
            self._calls.setdefault(str(each.get("toolCallId")), call)

    def hear(self, body: Mapping[str, Any]) -> list[Happening]:
        """What one frame says about the run."""
        event = body.get("event")
        if self.is_ended or not isinstance(event, Mapping):
            return []
        if "seq" in body:
            return self.hear_line(event["value"])
        return self._hear_piece(event) if body.get("run_id") == self.run_id else []

    def join(self, snapshot: Mapping[str, Any]) -> list[Happening]:
        """What a run in flight has said since its last line."""
        if snapshot["run_id"] != self.run_id:
            return []
        told: list[Happening] = []
        message_id = snapshot["message_id"]
        if message_id:
            told += self._tell(Thought, message_id, snapshot["reasoning"])
            told += self._tell(Words, message_id, snapshot["text"])
        for call in snapshot["tool_calls"]:
            known = call["id"] in self._calls
            told += [] if known else [*self._begin_call(call), *self._add_arguments(call["id"], call["arguments"])]
            told += self._run_call(call["id"], call["name"]) if call["status"] == "running" else []
        return told

    # --- lines --------------------------------------------------------------------------------------------------------

    def hear_line(self, line: Mapping[str, Any]) -> list[Happening]:
        """What a line of the transcript says about the run."""
        kind = line["type"]
        if kind == "withdrawn" and line["message_id"] == self._message_id:
            return self._end(Ended("cancelled"))
        if kind == "start" and self._is_going_on and line["parent_run_id"] == self.run_id:
            self.run_id, self._interrupts = line["run_id"], ()
            return []
        if line.get("run_id") != self.run_id:
            return []
        if kind == "message":
            return self._hear_message(line["message"])
        if kind == "approval":
            self._interrupts = tuple(line["interrupts"])
        elif kind == "run":
            return self._hear_end(line)
        elif kind == "answer" and self._is_going_on and line.get("by") is None:  # Stop: nothing goes on
            return self._end(Ended("cancelled", self._usage))
        return []

    @property
    def _is_going_on(self) -> bool:
        return self._waits and bool(self._interrupts)

    def _hear_message(self, message: Mapping[str, Any]) -> list[Happening]:
        if message["role"] == "tool":
            return self._hear_result(message)
        if message["role"] != "assistant" or message["id"] in self._complete:
            return []
        message_id = message["id"]
        self._complete.add(message_id)
        told = self._rest(Thought, message_id, _jupyter(message).get("reasoning"))
        told += self._rest(Words, message_id, message.get("content"))
        for call in message.get("toolCalls", ()):
            if call["id"] not in self._calls:
                told += self._begin_call({"id": call["id"], "name": call["function"]["name"]})
                told += self._add_arguments(call["id"], call["function"]["arguments"])
        return [*told, MessageEnded(message_id)]

    def _rest(self, kind: type[Words] | type[Thought], message_id: str, whole: Any) -> list[Happening]:
        """What the pieces have not told."""
        told = "".join(self._told.pop((message_id, kind), ()))
        if not isinstance(whole, str) or not whole.startswith(told) or whole == told:
            return []
        self._has_spoken = self._has_spoken or kind is Words
        return [kind(message_id, whole[len(told) :])]

    def _hear_result(self, message: Mapping[str, Any]) -> list[Happening]:
        call_id = message.get("toolCallId", "")
        call = self._calls.get(call_id)
        if call is None or call.name in self._client_tools:
            return []
        edited = _jupyter(message).get("edited_arguments")
        if edited is not None:
            call.arguments = [json.dumps(edited)]
        begun = self._run_call(call_id, call.name)
        content = message.get("content", "")
        self._results.append(str(content))
        return [*begun, Returned(call_id, call.name, call.text, str(content), message.get("error"))]

    def _hear_end(self, line: Mapping[str, Any]) -> list[Happening]:
        for name, count in (line.get("usage") or {}).items():
            self._usage[name] = self._usage.get(name, 0) + (count if isinstance(count, int) else 0)
        if line["outcome"] != "waiting":
            return [*self._shown(), *self._end(Ended(line["outcome"], dict(self._usage), line.get("error")))]
        if self._is_going_on and not any(each.get("reason") == CLIENT_TOOL for each in self._interrupts):
            return [Asked(self._interrupts)]
        return self._end(Ended("waiting", dict(self._usage), None, self._interrupts))

    def _shown(self) -> list[Happening]:
        """Where nothing was said, as in direct mode, what the tools gave is the answer: clients show words."""
        results = "\n\n".join(each for each in self._results if each.strip())
        if self._has_spoken or not results:
            return []
        message_id = f"msg_{self.run_id}"
        return [Words(message_id, results), MessageEnded(message_id)]

    def _end(self, end: Ended) -> list[Happening]:
        self.is_ended = True
        return [end]

    # --- pieces -------------------------------------------------------------------------------------------------------

    def _hear_piece(self, event: Mapping[str, Any]) -> list[Happening]:
        kind = event["type"]
        if kind == "TEXT_MESSAGE_CONTENT":
            return self._tell(Words, event["messageId"], event["delta"])
        if kind == "REASONING_MESSAGE_CONTENT":
            return self._tell(Thought, event["messageId"], event["delta"])
        if kind == "TOOL_CALL_START":
            return self._begin_call({"id": event["toolCallId"], "name": event["toolCallName"]})
        if kind == "TOOL_CALL_ARGS":
            return self._add_arguments(event["toolCallId"], event["delta"])
        if kind == "CUSTOM" and event["name"] == "tool_status" and "toolCallName" in event["value"]:
            return self._run_call(event["value"]["toolCallId"], event["value"]["toolCallName"])
        return []

    def _tell(self, kind: type[Words] | type[Thought], message_id: str, delta: str) -> list[Happening]:
        if message_id in self._complete or not delta:
            return []
        self._told.setdefault((message_id, kind), []).append(delta)
        self._has_spoken = self._has_spoken or kind is Words
        return [kind(message_id, delta)]

    def _begin_call(self, call: Mapping[str, Any]) -> list[Happening]:
        self._calls[call["id"]] = _Call(call["name"])
        return [ClientCall(call["id"], call["name"])] if call["name"] in self._client_tools else []

    def _add_arguments(self, call_id: str, delta: str) -> list[Happening]:
        call = self._calls.get(call_id)
        if call is None or not delta:
            return []
        call.arguments.append(delta)
        return [ClientArguments(call_id, delta)] if call.name in self._client_tools else []

    def _run_call(self, call_id: str, name: str) -> list[Happening]:
        """The server's tools are told when they begin to work: only then it is sure that they may."""
        call = self._calls.setdefault(call_id, _Call(name))
        if call.is_told or name in self._client_tools:
            return []
        call.is_told = True
        return [Running(call_id, name, call.text)]


def _jupyter(message: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = message.get("metadata")
    jupyter = metadata.get("jupyter") if isinstance(metadata, dict) else None
    return jupyter if isinstance(jupyter, dict) else {}
