"""The loop over an agent and its tools: ask, say, call, tell it what came back, until it has no more to call.

Each step's message and each tool's result is on disk before the next begins. Tools of one step run in order. Who
answers and what the tools are is handed in; which run they belong to is fixed when the run begins.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..core.errors import AgentFailed
from ..core.ids import RunId, ThreadId
from ..core.policy import Policy
from ..core.roles import (
    Agent,
    Done,
    ReasoningDelta,
    Request,
    RequestSent,
    TextDelta,
    ToolCallDelta,
    Tools,
    ToolSpec,
    Usage,
)
from ..core.transcript import Message
from .calling import Caller
from .spoken import Spoken, unanswered_calls
from .stage import Ending, Stage

MOST_ROUNDS = 20


class AgentFor(Protocol):
    """Who answers in a thread: by the model the message names, else by what its messages say, else by choice."""

    def __call__(self, model: str | None, thread_id: ThreadId, messages: Sequence[Message]) -> Agent: ...


class ThreadFiles(Protocol):
    """What the loop keeps of requests, and reads of files, in a thread's place on disk."""

    def keep_request(self, thread_id: ThreadId, run_id: RunId, body: Mapping[str, Any]) -> None:
        """Keeps what was sent, some time soon. Must not block and must not raise."""

    def read_file(self, thread_id: ThreadId, path: str) -> bytes | None:
        """The bytes of a file in the thread's folder. Blocks."""


class NoFiles:
    """Nothing is kept, and nothing is there to read."""

    def keep_request(self, thread_id: ThreadId, run_id: RunId, body: Mapping[str, Any]) -> None:
        pass

    def read_file(self, thread_id: ThreadId, path: str) -> bytes | None:
        return None


@dataclass(frozen=True, slots=True)
class Runner:
    """Makes answers. `redact` takes out of an error's words what nobody may read."""

    agent_for: AgentFor
    tools: Tools
    policy: Policy = field(default_factory=Policy)
    most_rounds: int = MOST_ROUNDS
    files: ThreadFiles = field(default_factory=NoFiles)
    redact: Callable[[str], str] = str

    async def __call__(self, stage: Stage) -> Ending:
        """The answer to the last message of the stage's path, or the rest of one that had to ask a person."""
        messages = list(await stage.path())
        agent = self.agent_for(stage.model, stage.thread_id, messages)
        caller = Caller(agent, self.tools, self.policy, stage)
        taken = {call["id"] for message in messages for call in message.get("toolCalls", ())}
        calls = [] if messages[-1]["role"] == "user" else unanswered_calls(messages)
        used: list[Usage] = []
        for _ in self._rounds(agent):
            if not calls:
                spoken = Spoken(stage, taken)
                try:
                    await self._ask(agent, stage, messages, spoken)
                except AgentFailed as failed:
                    failed.message = self.redact(failed.message)
                    raise
                used.append(spoken.usage)
                message = spoken.message(agent)
                if message is not None:
                    await stage.contribute(message)
                    messages.append(message)
                calls = spoken.calls
            if not calls:
                return Ending("success", _usage_record(used))
            interrupts = await caller.call(calls, messages)
            if interrupts:
                return Ending("waiting", _usage_record(used), interrupts=interrupts)
            calls = []
        raise AgentFailed("too_many_rounds", f"The answer was stopped after {self.most_rounds} rounds of tool calls.")

    def _rounds(self, agent: Agent) -> Iterable[int]:
        """A model may go round in circles; what a person typed has an end."""
        return range(self.most_rounds) if agent.author == "model" else itertools.count()

    def _offered(self, stage: Stage) -> Sequence[ToolSpec]:
        """The server's tools, those that the message lets be used, and the client's, whose names come first."""
        theirs = {spec.name: spec for spec in stage.client_tools}
        chosen = stage.tool_names
        ours = (spec for spec in self.tools.specs() if chosen is None or spec.name in chosen)
        return [*(spec for spec in ours if spec.name not in theirs), *theirs.values()]

    async def _ask(self, agent: Agent, stage: Stage, messages: Sequence[Message], spoken: Spoken) -> None:
        request = Request(
            stage.thread_id,
            stage.run_id,
            tuple(messages),
            self._offered(stage),
            stage.model,
            self.tools.names(stage.thread_id),
            functools.partial(self.files.read_file, stage.thread_id),
        )
        async with contextlib.aclosing(agent.answer(request)) as events:  # type: ignore[type-var]
            async for event in events:
                if isinstance(event, TextDelta):
                    spoken.say(event.text)
                elif isinstance(event, ReasoningDelta):
                    spoken.reason(event.text)
                elif isinstance(event, ToolCallDelta):
                    spoken.call(event)
                elif isinstance(event, Usage):
                    spoken.usage = event
                elif isinstance(event, RequestSent):
                    self.files.keep_request(stage.thread_id, stage.run_id, event.body)
                elif isinstance(event, Done):
                    spoken.done = event
                    break
        spoken.end()


def _usage_record(used: Sequence[Usage]) -> dict[str, Any] | None:
    """What a run's requests took together, and how full the last one left the model's memory."""
    counted = [each for each in used if each.input_tokens or each.output_tokens]
    if not counted:
        return None
    last = counted[-1]
    record: dict[str, Any] = {
        "input_tokens": sum(each.input_tokens for each in counted),
        "output_tokens": sum(each.output_tokens for each in counted),
        "context_tokens": last.input_tokens + last.output_tokens,
    }
    if last.context_limit is not None:
        record["context_limit"] = last.context_limit
    costs = [each.cost for each in counted if each.cost is not None]
    if len(costs) == len(counted):
        record["cost"] = sum(costs)
    return record
