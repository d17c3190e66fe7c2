"""From the frames of a thread to its answers: each frame goes to the answer it is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..core.ids import ThreadId
from .answer import Answer
from .service import Frame, Record

MOST_ANSWERS = 50
WENT_BY = "So much went by while the connection was broken that its end was not heard. `messages` of the thread has it."


class Hearing:
    """The answers of one thread by their runs, as far as its frames have told of them.

    `on_line` is told each line that comes while listening; what a `hello` brings up is not news.
    """

    def __init__(
        self, thread_id: ThreadId, read_file: Callable[[Record], bytes], on_line: Callable[[Record], None]
    ) -> None:
        self._thread_id = thread_id
        self._read_file = read_file
        self._on_line = on_line
        self._answers: dict[str, Answer] = {}
        self._since: dict[str, int] = {}
        self._run_of: dict[str, str] = {}
        self.seq = 0
        """The newest line heard of."""
        self.about: Record = {}
        """What the last `hello` says: `thread`, `agent` (who answers by default), `level` (of confinement)."""
        self.is_closed = False
        """Whether nothing more will come: the thread was deleted, or is no longer ours to see."""

    @property
    def is_waited_for(self) -> bool:
        """Whether an answer is still being made."""
        return any(answer.is_running for answer in self._answers.values())

    @property
    def last(self) -> Answer | None:
        """The newest answer."""
        return next(reversed(self._answers.values()), None)

    def answer(self, run_id: str, since: int = 0) -> Answer:
        """The answer of that run, whose message is line `since`, where that is known."""
        self._since.setdefault(run_id, since)
        if run_id not in self._answers:
            self._answers[run_id] = Answer(self._thread_id, run_id, self._read_file)
            for old in [key for key, each in self._answers.items() if not each.is_running][:-MOST_ANSWERS]:
                del self._answers[old], self._since[old]
        return self._answers[run_id]

    def hear(self, frame: Frame) -> None:
        """Takes one frame of the wire."""
        if frame["kind"] == "hello":
            self._recall(frame)
        elif frame["kind"] == "nack":
            self.is_closed = True
            for answer in self._answers.values():
                if answer.is_running:
                    answer.hear_end("error", frame["message"])
        elif frame["kind"] == "event":
            event = frame["event"]
            if event["type"] == "CUSTOM" and event["name"] == "line":
                self._read(event["value"], is_news=True)
            elif "run_id" in frame:
                self.answer(frame["run_id"]).hear_event(event)

    def _recall(self, hello: Frame) -> None:
        is_news = self.seq > 0 and not hello["reset"]
        for line in hello["lines"]:
            self._read(line, is_news=is_news)
        self.seq = hello["seq"]
        self.about = {name: hello[name] for name in ("thread", "agent", "level")}
        if hello["run"]:
            self.answer(hello["run"]["run_id"]).recall(hello["run"])
        if hello["reset"]:
            self._end_what_went_by(hello)

    def _end_what_went_by(self, hello: Frame) -> None:
        """It does not begin where we stopped: an answer that it knows of no more has ended in between."""
        told = {each["run_id"] for each in (*hello["queue"], *hello["approvals"], hello["run"]) if each}
        for run_id, answer in self._answers.items():
            if answer.is_running and answer.run_id not in told and self._since[run_id] <= hello["seq"]:
                answer.hear_end("error", WENT_BY)

    def _read(self, line: Mapping[str, Any], *, is_news: bool) -> None:
        self.seq = max(self.seq, line["seq"])
        fold = _FOLD.get(line["type"])
        if fold is not None:
            fold(self, line)
        if is_news:
            self._on_line(dict(line))

    def _read_message(self, line: Mapping[str, Any]) -> None:
        message, run_id = line["message"], line.get("run_id")
        if message["role"] == "user" and run_id is not None:
            self._run_of[message["id"]] = run_id
        elif message["role"] != "user" and run_id is not None:
            self.answer(run_id).hear_message(message)

    def _read_start(self, line: Mapping[str, Any]) -> None:
        """A run that goes on from one that had to ask is the same answer."""
        waiting = self._answers.get(line["parent_run_id"] or "")
        if waiting is not None and waiting.outcome == "waiting":
            waiting.go_on_as(line["run_id"])
            self._answers[line["run_id"]] = waiting
            self._since[line["run_id"]] = line["seq"]
        else:
            self.answer(line["run_id"]).model = line.get("model")

    def _read_run(self, line: Mapping[str, Any]) -> None:
        error = line.get("error") or {}
        self.answer(line["run_id"]).hear_end(line["outcome"], error.get("message"))

    def _read_approval(self, line: Mapping[str, Any]) -> None:
        self.answer(line["run_id"]).asked = tuple(line["interrupts"])

    def _read_answer(self, line: Mapping[str, Any]) -> None:
        """Nobody's answer is Stop: no run follows it."""
        if line.get("by") is None:
            self.answer(line["run_id"]).hear_end("cancelled")

    def _read_withdrawn(self, line: Mapping[str, Any]) -> None:
        run_id = self._run_of.get(line["message_id"])
        if run_id is not None:
            self.answer(run_id).hear_end("cancelled")


_FOLD: dict[str, Callable[[Hearing, Mapping[str, Any]], None]] = {
    "message": Hearing._read_message,
    "start": Hearing._read_start,
    "run": Hearing._read_run,
    "approval": Hearing._read_approval,
    "answer": Hearing._read_answer,
    "withdrawn": Hearing._read_withdrawn,
}
