"""How a call is judged before a person is asked, what they are shown, and what they answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from stage_kit import Counting, Scripted, Seen, a_message, opened, runner

from jupyter_chat_sessions.core.ids import new_run_id
from jupyter_chat_sessions.core.policy import Policy
from jupyter_chat_sessions.core.roles import (
    AgentEvent,
    Consent,
    TextDelta,
    ToolCall,
    ToolCallDelta,
    ToolContext,
    ToolEvent,
    ToolResult,
    ToolSpec,
)
from jupyter_chat_sessions.core.transcript import Options
from jupyter_chat_sessions.engine.session import Session

ENDS: list[AgentEvent | Exception] = [TextDelta("done")]
SPECS = [
    ToolSpec("count", "", {}, permission="ask"),
    ToolSpec("look", "", {}, consent=Consent("looking", {"scope": "notebook"})),
    ToolSpec("inspect", "", {}, consent=Consent("looking", {"scope": "notebook"})),
    ToolSpec("run_cell", "", {}, permission="ask", asks_each_time=True),
    ToolSpec("ask_user", "", {}, is_question=True),
]


class Several(Counting):
    """Tools of several kinds. `faults`: what can never run; contexts are kept."""

    level = "isolated"

    def __init__(self) -> None:
        super().__init__()
        self.contexts: list[ToolContext] = []

    def specs(self) -> Sequence[ToolSpec]:
        return SPECS

    async def preview(self, call: ToolCall, context: ToolContext) -> Mapping[str, Any] | ToolResult:
        if "bad" in call.arguments:
            return ToolResult("It cannot be done.", "It cannot be done.")
        return {"code": "shown"}

    async def call(self, call: ToolCall, context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        self.contexts.append(context)
        if call.name == "ask_user":
            yield ToolResult(f"The person answered: {context.answer}")
            return
        async with aclosing(super().call(call, context)) as events:
            async for event in events:
                yield event


def asks(*calls: tuple[str, str]) -> list[AgentEvent | Exception]:
    return [ToolCallDelta(at, f"call_{at}", name, arguments) for at, (name, arguments) in enumerate(calls)]


def asked(session: Session) -> list[dict[str, Any]]:
    found = session.watch(Seen()).body["approvals"]
    return list(found[0]["interrupts"]) if found else []


def result(seen: Seen) -> dict[str, Any]:
    messages = [line["message"] for line in seen.lines() if line.get("message", {}).get("role") == "tool"]
    last: dict[str, Any] = messages[-1]
    return last


async def answer(session: Session, **payload: Any) -> str:
    answers = [{"interruptId": each["id"], "status": "resolved", "payload": payload} for each in asked(session)]
    return await session.ended((await session.answer(answers, new_run_id(), None, "owner")).run_id)


async def sent(session: Session, **permissions: str) -> str:
    message = replace(a_message("go"), options=Options(permissions=permissions or None))
    return await session.ended((await session.send(message)).run_id)


async def test_what_can_never_run_goes_back_to_the_model_and_no_person_is_asked() -> None:
    agent, tools = Scripted(asks(("count", '{"bad": 1}')), asks(("count", "{")), ENDS), Several()
    async with opened(runner(agent, tools)) as session:
        session.watch(Seen())
        assert await sent(session) == "success"
    assert tools.calls == []
    assert [request.messages[-1]["error"] for request in agent.requests[1:]] == [
        "It cannot be done.", "invalid arguments",
    ]  # fmt: skip


async def test_what_a_person_was_shown_comes_with_the_call_and_the_answer_with_the_question() -> None:
    agent, tools = Scripted(asks(("count", "{}"), ("ask_user", '{"question": "Why?"}')), ENDS), Several()
    async with opened(runner(agent, tools)) as session:
        seen = Seen()
        session.watch(seen)
        assert await sent(session) == "waiting"
        count, question = asked(session)
        assert (count["shown"], count["reason"]) == ({"code": "shown"}, "tool_call")
        assert (question["message"], question["reason"], question["always"]) == ("Why?", "input_required", False)
        assert await answer(session, approve=True, answer="Because.") == "success"
    assert tools.contexts[0].shown == {"code": "shown"}
    assert result(seen)["content"] == "The person answered: Because."


async def test_one_consent_counts_for_all_tools_that_share_it_and_only_where_it_is_needed() -> None:
    look, inspect = asks(("look", '{"scope": "notebook"}')), asks(("inspect", '{"scope": "notebook"}'))
    agent, tools = Scripted(asks(("look", "{}")), look, inspect, ENDS), Several()
    async with opened(runner(agent, tools, policy=Policy({"*": "allow"}))) as session:
        session.watch(Seen())
        assert await sent(session) == "waiting"
        assert len(tools.calls) == 1
        assert (asked(session)[0]["grant"], asked(session)[0]["always"]) == ("looking", True)
        assert await answer(session, approve=True, always=True) == "success"
    assert len(tools.calls) == 3


async def test_what_is_asked_each_time_is_asked_each_time_whatever_was_granted_or_set() -> None:
    call = asks(("run_cell", "{}"))
    agent, tools = Scripted(call, call, ENDS), Several()
    async with opened(runner(agent, tools, policy=Policy({"*": "allow"}))) as session:
        session.watch(Seen())
        assert await sent(session, run_cell="allow") == "waiting"
        assert asked(session)[0]["always"] is False
        assert await answer(session, approve=True, always=True) == "waiting"
        assert await answer(session, approve=True) == "success"


async def test_the_persons_own_settings_hold_from_message_to_message_below_an_administrators() -> None:
    call = asks(("count", "{}"))
    agent, tools = Scripted(call, ENDS, call, ENDS, call, ENDS, call, ENDS), Several()
    async with opened(runner(agent, tools)) as session:
        seen = Seen()
        session.watch(seen)
        assert await sent(session, count="allow") == "success"
        assert await sent(session) == "success"
        assert len(tools.calls) == 2
        assert await sent(session, count="deny") == "success"
        assert result(seen)["metadata"]["jupyter"]["code"] == "denied_by_rule"
    agent = Scripted(call, ENDS)
    async with opened(runner(agent, tools, policy=Policy({"count": "deny"}))) as session:
        assert await sent(session, count="allow") == "success"
    assert len(tools.calls) == 2


async def test_why_a_call_has_not_run_is_told_in_a_stable_word_and_a_changed_one_says_so_to_the_model() -> None:
    call = asks(("count", '{"n": 1}'))
    agent, tools = Scripted(call, ENDS, call, ENDS), Several()
    async with opened(runner(agent, tools)) as session:
        assert await sent(session) == "success"
        assert agent.requests[-1].messages[-1]["metadata"]["jupyter"]["code"] == "nobody_there"
        seen = Seen()
        session.watch(seen)
        assert await sent(session) == "waiting"
        assert await answer(session, approve=False) == "success"
        assert (result(seen)["error"], result(seen)["metadata"]["jupyter"]["code"]) == (
            "not allowed",
            "denied_by_person",
        )
    agent = Scripted(call, ENDS)
    async with opened(runner(agent, tools)) as session:
        session.watch(Seen())
        await sent(session)
        await answer(session, approve=True, arguments={})
    assert tools.calls[-1].arguments == {}
    assert "The person changed the arguments" in agent.requests[-1].messages[-1]["content"]
