"""What a run asks a person, and what their answer allows: each call once, and for the thread what they say so of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..ids import RunId
from ..transcript import AnswerLine

CLIENT_TOOL = "client_tool"
"""The reason of an interrupt that no person decides: a client runs the tool and answers with its result."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run that has ended as `waiting` asks a person: AG-UI interrupts, each of one tool call."""

    run_id: RunId
    interrupts: tuple[Mapping[str, Any], ...]

    @property
    def is_clients(self) -> bool:
        """Whether no person is asked: only results of a client's own tools are waited for."""
        return all(each.get("reason") == CLIENT_TOOL for each in self.interrupts)


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person answered to a run that asked: the answer for each of its tool calls, by the call's id."""

    run_id: RunId
    by_call: Mapping[str, Mapping[str, Any]]
    shown: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What the person was shown of a call, by its id: what they allowed is that."""


def decided_by(line: AnswerLine, asked: Asked) -> Decided:
    """What the answer to these questions decides, call by call."""
    call_of = {each["id"]: each["toolCallId"] for each in asked.interrupts}
    by_call = {call_of[each["interruptId"]]: each for each in line.answers if each["interruptId"] in call_of}
    shown = {each["toolCallId"]: each["shown"] for each in asked.interrupts if each.get("shown")}
    return Decided(line.run_id, by_call, shown)


def granted_by(line: AnswerLine, asked: Asked) -> frozenset[str]:
    """What the answer to these questions grants for the whole thread, of what could be granted."""
    always = {each["interruptId"] for each in line.answers if is_approved(each) and _payload(each).get("always")}
    return frozenset(
        str(each.get("grant") or each.get("tool"))
        for each in asked.interrupts
        if each["id"] in always and each.get("always") is not False
    )


def is_approved(answer: Mapping[str, Any]) -> bool:
    """Whether an answer (AG-UI: `interruptId`, `status`, `payload`) lets its tool call run."""
    return answer.get("status") == "resolved" and _payload(answer).get("approve") is True


def _payload(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = answer.get("payload")
    return payload if isinstance(payload, dict) else {}
