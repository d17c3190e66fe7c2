"""What a run has said so far, folded from the frames of its thread: words, tool calls, files, and how it ended.

The rule kept here: a line of the transcript replaces what its pieces said.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_FENCE = re.compile(r"^(`{3,}|~{3,})[ \t]*([\w+.#-]*)[^\n]*\n(.*?)(?:^\1[`~]*[ \t]*$|\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CodeBlock:
    """A fenced block of an answer. `language` is blank where the fence names none."""

    language: str
    code: str


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that a tool of the answer made, in the thread's folder. `size` in bytes."""

    path: str
    media_type: str
    size: int
    _read: Callable[[], bytes] = field(repr=False, compare=False)

    def read(self) -> bytes:
        """Its bytes."""
        return self._read()


@dataclass(slots=True)
class Words:
    """What the assistant said in one message."""

    id: str
    text: str = ""


@dataclass(slots=True)
class Call:
    """A tool call. `outputs` are nbformat outputs, `content` is what the model read, once it has returned."""

    id: str
    name: str = ""
    arguments: str = ""
    status: str = ""
    content: str | None = None
    error: str | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)


class Answer:
    """The answer to one message, growing while it is made.

    `outcome` is `None` while it is being made, then `success`, `cancelled`, `error`, `interrupted`, or `waiting` while
    a person is asked. `error` says why, where it failed.
    """

    def __init__(self, thread_id: str, run_id: str, read_file: Callable[[dict[str, Any]], bytes]) -> None:
        self.thread_id = thread_id
        self.run_id = run_id
        self.model: str | None = None
        self.outcome: str | None = None
        self.error: str | None = None
        self.asked: tuple[Mapping[str, Any], ...] = ()
        """What a person is asked, while the outcome is `waiting`."""
        self.version = 0
        """Rises whenever there is something new."""
        self._read_file = read_file
        self._blocks: dict[str, Words | Call] = {}
        self._stop: Callable[[str], object] = lambda run_id: None
        self._news = threading.Condition()

    # --- for its reader -----------------------------------------------------------------------------------------------

    @property
    def blocks(self) -> tuple[Words | Call, ...]:
        """Words and tool calls in their order."""
        return tuple(self._blocks.values())

    @property
    def text(self) -> str:
        """The words; where there are none, what the tools gave."""
        words = [block.text.strip() for block in self.blocks if isinstance(block, Words) and block.text.strip()]
        given = [block.content.strip() for block in self.blocks if isinstance(block, Call) and block.content]
        return "\n\n".join(words or given)

    @property
    def code_blocks(self) -> tuple[CodeBlock, ...]:
        """The fenced blocks of its words."""
        words = (block.text for block in self.blocks if isinstance(block, Words))
        found = (match for text in words for match in _FENCE.finditer(text))
        return tuple(CodeBlock(match[2], match[3].rstrip("\n")) for match in found)

    @property
    def code(self) -> str:
        """All its Python: the fenced blocks that say so or say nothing, one after the other."""
        ours = ("", "python", "py", "python3", "ipython")
        return "\n\n".join(block.code for block in self.code_blocks if block.language.lower() in ours)

    @property
    def artifacts(self) -> tuple[Artifact, ...]:
        """The files its tools made."""
        calls = (block for block in self.blocks if isinstance(block, Call))
        return tuple(self._artifact(record) for call in calls for record in call.artifacts)

    @property
    def is_running(self) -> bool:
        """Whether more will come: while it is being made, and while a person is asked."""
        return self.outcome in (None, "waiting")

    def cancel(self) -> None:
        """Stops this answer, and no other."""
        self._stop(self.run_id)

    def wait(self, timeout: float | None = None) -> Answer:
        """Returns when it has ended, with itself; `TimeoutError` after so many seconds."""
        with self._news:
            if not self._news.wait_for(lambda: not self.is_running, timeout):
                raise TimeoutError(f"The answer has not ended within {timeout:g} s; it goes on.")
        return self

    def wait_for_news(self, seen: int, timeout: float) -> int:
        """Returns the version as soon as it is not `seen`, or after so many seconds."""
        with self._news:
            self._news.wait_for(lambda: self.version != seen, timeout)
            return self.version

    def __repr__(self) -> str:
        said = self.text if len(self.text) <= 60 else f"{self.text[:57]}..."
        return f"<Answer {self.outcome or 'running'}: {said!r}>"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        from .showing import bundle_of

        return bundle_of(self)

    def _artifact(self, record: Mapping[str, Any]) -> Artifact:
        size = record.get("size")
        path, kind = str(record.get("path", "")), str(record.get("media_type", ""))
        given = dict(record)
        return Artifact(path, kind, size if isinstance(size, int) else 0, lambda: self._read_file(given))

    # --- for who folds ------------------------------------------------------------------------------------------------

    def hear_event(self, event: Mapping[str, Any]) -> None:
        """A run's event of the wire."""
        fold = _FOLD.get(event["type"])
        if fold is not None:
            fold(self, event)
            self._tell()

    def hear_message(self, message: Mapping[str, Any]) -> None:
        """A message that is on disk now: the truth about what its pieces said."""
        if message.get("role") == "assistant":
            content = message.get("content")
            if isinstance(content, str) and content:
                self._words(message["id"]).text = content
            for call in message.get("toolCalls") or ():
                known = self._call(call["id"])
                known.name, known.arguments = call["function"]["name"], call["function"]["arguments"]
        elif message.get("role") == "tool":
            self._return(message)
        self._tell()

    def hear_end(self, outcome: str, error: str | None = None) -> None:
        """The run is over, or waits for a person's word."""
        self.outcome, self.error = outcome, error
        self._tell()

    def go_on_as(self, run_id: str) -> None:
        """A person has answered; another run makes the rest."""
        self.run_id, self.outcome, self.asked = run_id, None, ()
        self._tell()

    def recall(self, run: Mapping[str, Any]) -> None:
        """What a `hello` says of the run in flight."""
        if run.get("message_id"):
            self._words(run["message_id"]).text = run["text"]
        for call in run["tool_calls"]:
            known = self._call(call["id"])
            known.name, known.arguments, known.status = call["name"], call["arguments"], call["status"]
            known.outputs = [dict(output) for output in call["outputs"]]
        self._tell()

    def stops_by(self, stop: Callable[[str], object]) -> None:
        """How it is cancelled."""
        self._stop = stop

    def _tell(self) -> None:
        with self._news:
            self.version += 1
            self._news.notify_all()

    def _words(self, message_id: str) -> Words:
        block = self._blocks.setdefault(message_id, Words(message_id))
        return block if isinstance(block, Words) else Words(message_id)

    def _call(self, call_id: str) -> Call:
        block = self._blocks.setdefault(call_id, Call(call_id))
        return block if isinstance(block, Call) else Call(call_id)

    def _return(self, message: Mapping[str, Any]) -> None:
        call = self._call(message.get("toolCallId", ""))
        jupyter = (message.get("metadata") or {}).get("jupyter") or {}
        call.status, call.error = "done", message.get("error")
        call.content = str(message.get("content") or "")
        call.outputs = [dict(output) for output in jupyter.get("outputs") or ()]
        call.artifacts = [dict(each) for each in jupyter.get("artifacts") or ()]

    def _say(self, event: Mapping[str, Any]) -> None:
        self._words(event["messageId"]).text += event["delta"]

    def _begin_call(self, event: Mapping[str, Any]) -> None:
        self._call(event["toolCallId"]).name = event["toolCallName"]

    def _write_call(self, event: Mapping[str, Any]) -> None:
        self._call(event["toolCallId"]).arguments += event["delta"]

    def _hear_custom(self, event: Mapping[str, Any]) -> None:
        value = event["value"]
        if event["name"] == "tool_status":
            self._call(value["toolCallId"]).status = value["text"] or "running"
        elif event["name"] == "tool_output":
            _show(self._call(value["toolCallId"]).outputs, value["output"])


_FOLD: dict[str, Callable[[Answer, Mapping[str, Any]], None]] = {
    "TEXT_MESSAGE_CONTENT": Answer._say,
    "TOOL_CALL_START": Answer._begin_call,
    "TOOL_CALL_ARGS": Answer._write_call,
    "CUSTOM": Answer._hear_custom,
}


def _show(outputs: list[dict[str, Any]], output: Mapping[str, Any]) -> None:
    """Adds an output; a piece of a stream goes on where the stream stopped."""
    last = outputs[-1] if outputs else {}
    if output.get("output_type") == "stream" == last.get("output_type") and last.get("name") == output.get("name"):
        last["text"] += output.get("text", "")
    else:
        outputs.append(dict(output))
