"""The agent of direct mode: one step of it, from the messages of the path to a tool call, words or nothing.

It keeps no state between steps: how far a message has been worked through is the number of results that follow it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence

from ...core.ids import RunId
from ...core.roles import AgentEvent, Author, Done, Request, TextDelta, ToolCallDelta
from ...core.transcript import Message, text_of
from .classify import Piece, classify
from .commands import Call, Reply, run_command
from .explain import explain
from .failure import failure_of, pasted_failure, refusal_in
from .words import answer_words, mention_file


class DirectAgent:
    """Runs what a person types; explains errors by rule. Needs no model, no key and no network."""

    id = "direct"
    label = "Direct mode · no AI model"
    author: Author = "person"

    async def answer(self, request: Request) -> AsyncIterator[AgentEvent]:
        """One step: a tool call, a text, or nothing after a call that went well."""
        question, results = _newest(request.messages)
        reply = reply_to(question, results, request.names)
        if isinstance(reply, Call) and not _has(request, reply.tool):
            reply = f"This message was sent without the tool `{reply.tool}`, or there is none here; nothing has run."
        if isinstance(reply, Call):
            call_id = _call_id(request.run_id, len(results))
            yield ToolCallDelta(0, call_id, reply.tool, json.dumps(dict(reply.arguments)))
            yield Done("tool_calls")
            return
        if reply:
            yield TextDelta(reply)
        yield Done()


def reply_to(question: str, results: Sequence[Message], names: frozenset[str]) -> Reply:
    """What comes next for a message whose first `len(results)` calls have returned."""
    pieces = classify(question, names)
    if not results:
        return _begin(pieces[0], names)
    left = len(pieces) - len(results)
    refused = refusal_in(results[-1])
    if refused is not None:
        return _with_rest(refused, left)
    failure = failure_of(results[-1])
    if failure is not None:
        return _with_rest(explain(failure, names), left)
    return _call(pieces[len(results)]) if left > 0 else ""


def _begin(piece: Piece, names: frozenset[str]) -> Reply:
    if piece.kind in ("python", "shell"):
        return _call(piece)
    if piece.kind == "command":
        return run_command(piece.text)
    if piece.kind == "file":
        return mention_file(piece.text)
    pasted = pasted_failure(piece.text) if piece.kind == "traceback" else None
    return explain(pasted, names) if pasted else answer_words(piece.text, names)


def _call(piece: Piece) -> Call:
    if piece.kind == "shell":
        return Call("run_shell", {"command": piece.text})
    return Call("run_python", {"code": piece.text})


def _with_rest(text: str, left: int) -> str:
    if left <= 0:
        return text
    rest = "The block after it was not run." if left == 1 else f"The {left} blocks after it were not run."
    return f"{text} {rest}".strip()


def _newest(messages: Sequence[Message]) -> tuple[str, Sequence[Message]]:
    """The text of the newest user message, and the tool results that follow it."""
    for position in range(len(messages) - 1, -1, -1):
        if messages[position].get("role") == "user":
            later = messages[position + 1 :]
            return text_of(messages[position]), [each for each in later if each.get("role") == "tool"]
    return "", []


def _has(request: Request, tool: str) -> bool:
    return not request.tools or any(spec.name == tool for spec in request.tools)


def _call_id(run_id: RunId, step: int) -> str:
    """Unique in the thread, and at most 40 characters up to 100 steps: the most some providers take back."""
    return f"call_{run_id.replace('-', '')}_{step}"
