"""A recorded thread, played again at its pace: for a class without keys, or a talk without a network.

A recording is a thread's transcript, `chat.jsonl`. Its words are repeated; its tool calls are made anew, in the
thread that watches, and judged as a model's are. Every answer says first that it is a recording.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..core.decoding import decode, decode_header
from ..core.errors import AgentFailed, Unreadable
from ..core.history import messages_to
from ..core.roles import AgentEvent, Author, Done, Request, TextDelta, ToolCallDelta
from ..core.transcript import HeadLine, Line, Message, MessageLine, StartLine, text_of

NAME = "replay"
LONGEST_STEP_S = 20.0
"""What took longer is played in this time: nobody learns from a pause."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a recorded answer: words, tool calls, and the seconds it took to say them."""

    message: Message
    seconds: float


@dataclass(frozen=True, slots=True)
class Turn:
    """A recorded question with its answer."""

    question: str
    steps: tuple[Step, ...]


class ReplayAgent:
    """Answers the n-th message it is sent as the recording answers its n-th, whatever the message says.

    `replay:lesson.jsonl` plays the file `lesson.jsonl` of the thread's own folder.
    """

    label = "Recording · no AI model"
    author: Author = "model"  # what a file asks tools to do is not what the person typed

    def __init__(self, recording: str = "recording.jsonl") -> None:
        self.id = f"{NAME}:{recording}"
        self._recording = recording
        self._read: Callable[[Request], bytes | None] = lambda request: (
            request.read_file(recording) if request.read_file else None
        )

    @classmethod
    def of_file(cls, path: str | Path, name: str) -> ReplayAgent:
        """An agent that plays this file in every thread; `name` is what it is called in the configuration."""
        agent = cls(str(path))
        agent.id = name
        agent._read = lambda _: Path(path).read_bytes()
        return agent

    async def answer(self, request: Request) -> AsyncIterator[AgentEvent]:
        """One step of the recording, in the time it took."""
        turns = await asyncio.to_thread(self._turns, request)
        turn_number, step_number = _place(request.messages, self.id)
        if turn_number >= len(turns):
            yield TextDelta(
                f"The recording ends here, after {len(turns)} questions. `/model` shows who else can answer."
            )
            yield Done()
            return
        turn = turns[turn_number]
        if step_number == 0:
            yield TextDelta(f"> ▶ **Recording**, {turn_number + 1} of {len(turns)}: {_short(turn.question)}\n\n")
        if step_number >= len(turn.steps):
            yield Done()
            return
        step = turn.steps[step_number]
        words = re.findall(r"\S+\s*|\s+", text_of(step.message)) or [
            ""
        ]  # each look ends at a word: blanks cost nothing
        for word in words:
            await asyncio.sleep(step.seconds / len(words))
            yield TextDelta(word)
        calls = step.message.get("toolCalls", ())
        for index, call in enumerate(calls):
            call_id = f"call_{request.run_id.replace('-', '')[:24]}_{step_number}_{index}"
            yield ToolCallDelta(index, call_id, call["function"]["name"], call["function"]["arguments"])
        yield Done("tool_calls" if calls else "stop")

    def _turns(self, request: Request) -> tuple[Turn, ...]:
        try:
            data = self._read(request)
            if data is None:
                where = "put it into this chat's files and send the message again"
                raise AgentFailed("no_recording", f"There is no recording {self._recording!r} here: {where}.")
            return turns_of(data)
        except (OSError, Unreadable) as fault:
            raise AgentFailed("no_recording", f"{self._recording!r} cannot be played: {fault}") from fault


def turns_of(transcript: bytes) -> tuple[Turn, ...]:
    """The questions of a transcript's path with their answers. `Unreadable` where there is nothing to play."""
    first, *rest = transcript.split(b"\n")
    thread_id = decode_header(first).guid
    lines = [line for raw in rest for line in decode(raw, thread_id)]
    head = next((line.run_id for line in reversed(lines) if isinstance(line, (StartLine, HeadLine))), None)
    took = _seconds(lines)
    turns: list[tuple[str, list[Step]]] = []
    for message in messages_to(lines, head) if head else ():
        if message["role"] == "user":
            turns.append((text_of(message), []))
        elif message["role"] == "assistant" and turns:
            turns[-1][1].append(Step(message, took.get(message["id"], 0.0)))
    answered = tuple(Turn(question, tuple(steps)) for question, steps in turns if steps)
    if not answered:
        raise Unreadable("Nothing is answered in it.")
    return answered


def _seconds(lines: Sequence[Line]) -> Mapping[str, float]:
    """What each message took: the time since the line of its run before it."""
    before: dict[str, str] = {}
    took: dict[str, float] = {}
    for line in lines:
        if isinstance(line, MessageLine) and line.run_id in before:
            took[line.message["id"]] = min(LONGEST_STEP_S, _between(before[line.run_id], line.created))
        if isinstance(line, (StartLine, MessageLine)) and line.run_id is not None:
            before[line.run_id] = line.created
    return took


def _between(earlier: str, later: str) -> float:
    try:
        begin, end = (datetime.fromisoformat(each.replace("Z", "+00:00")) for each in (earlier, later))
        return max(0.0, (end - begin).total_seconds())
    except (TypeError, ValueError):  # a date that somebody typed
        return 0.0


def _place(messages: Sequence[Message], agent_id: str) -> tuple[int, int]:
    """How many questions this agent has answered on the path, and how many steps it has said to the newest."""
    answered, steps, is_ours = 0, 0, False
    for message in messages:
        if message["role"] == "user":
            answered, steps, is_ours = answered + is_ours, 0, False
        elif message["role"] == "assistant":
            steps += 1
            is_ours = is_ours or (message.get("metadata") or {}).get("jupyter", {}).get("model") == agent_id
    return answered, steps


def _short(question: str) -> str:
    line = " ".join(question.split())
    return line if len(line) <= 200 else f"{line[:199]}…"
