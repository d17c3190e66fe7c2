"""What holds for the answer to one message: the tools it may use, its instructions, and whose message it is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stage_kit import Counting, Held, Scripted, Seen, a_message, opened, runner

from jupyter_chat_sessions.core.events import Earlier, Sent
from jupyter_chat_sessions.core.ids import new_message_id, new_run_id, new_thread_id
from jupyter_chat_sessions.core.policy import Policy
from jupyter_chat_sessions.core.roles import AgentEvent, Author, Permission, TextDelta, ToolCallDelta
from jupyter_chat_sessions.core.transcript import Message, Options
from jupyter_chat_sessions.engine.session import Session

CALLS: list[AgentEvent | Exception] = [ToolCallDelta(0, "call_0", "count", "{}")]
ENDS: list[AgentEvent | Exception] = [TextDelta("done")]
OWNERS, VISITORS = Options(), Options(visitor="share1")


def asking(options: Options) -> Sent:
    return replace(a_message("go"), options=options)


def words_of(messages: Any) -> list[tuple[str, str]]:
    return [(each["role"], each["content"]) for each in messages if each["role"] in ("system", "user")]


async def test_a_message_that_waited_is_answered_by_the_next_server_as_its_sender_asked(tmp_path: Path) -> None:
    held, thread_id = Held("hm"), new_thread_id()
    asked = Options(instructions="Be brief.", tool_names=())
    async with opened(held, folder=tmp_path, thread_id=thread_id) as session:
        await session.send(a_message("first"))
        await held.began.wait()
        receipt = await session.send(asking(asked))
    agent, tools = Scripted(CALLS, ENDS), Counting()
    async with opened(runner(agent, tools), folder=tmp_path, thread_id=thread_id) as session:
        await session.ended(receipt.run_id)
        assert words_of(agent.requests[0].messages)[0] == ("system", "Be brief.")
        assert agent.requests[0].tools == []
        assert tools.calls == []
        assert "sent this message without the tool count" in agent.requests[1].messages[-1]["content"]


async def test_an_answer_made_again_follows_what_its_message_asked_for_and_other_messages_do_not() -> None:
    agent, tools = Scripted(ENDS), Counting()
    async with opened(runner(agent, tools)) as session:
        message = asking(Options(instructions="Be brief.", tool_names=()))
        await session.ended((await session.send(message)).run_id)
        await session.ended((await session.send(a_message("more"))).run_id)
        await session.ended((await session.regenerate(message.message_id, new_run_id())).run_id)
    told = [(words_of(request.messages)[0], len(request.tools)) for request in agent.requests]
    assert told == [(("system", "Be brief."), 0), (("user", "go"), 1), (("system", "Be brief."), 0)]


async def test_a_message_that_asks_first_has_each_call_asked_about_whatever_holds_and_the_next_one_does_not() -> None:
    agent, tools = Scripted(CALLS, ENDS, CALLS, CALLS, ENDS), Counting()
    async with opened(runner(agent, tools, policy=Policy({"count": "allow"}))) as session:
        session.watch(Seen())
        message = asking(Options(asks_first=True))
        assert await session.ended((await session.send(message)).run_id) == "waiting"
        assert (asked_of(session)["always"], tools.calls) == (False, [])
        await session.ended((await session.answer(always(session), new_run_id(), None, "owner")).run_id)
        assert len(tools.calls) == 1
        again = await session.regenerate(message.message_id, new_run_id())
        assert await session.ended(again.run_id) == "waiting"
        await session.cancel()
        assert await session.ended((await session.send(a_message("more"))).run_id) == "success"
        assert len(tools.calls) == 2


@pytest.mark.parametrize(("author", "rule", "said"), [
    ("model", "allow", "needs a person's word and nobody is there"),
    ("model", "deny", "not allowed here"),
    ("person", "allow", "call 1"),
])  # fmt: skip
async def test_a_message_that_asks_first_loosens_nothing_and_typed_code_is_not_asked_about(
    author: Author, rule: Permission, said: str
) -> None:
    tools = Counting()
    async with opened(runner(Scripted(CALLS, ENDS, author=author), tools, policy=Policy({"*": rule}))) as session:
        assert await session.ended((await session.send(asking(Options(asks_first=True)))).run_id) == "success"
        assert said in results(session)[0]["content"]


# --- a visitor's -----------------------------------------------------------------------------------------------------


def asked_of(session: Session) -> dict[str, Any]:
    assert session.conversation.asked is not None
    (interrupt,) = session.conversation.asked.interrupts
    return dict(interrupt)


def always(session: Session) -> list[dict[str, Any]]:
    answer = {"status": "resolved", "payload": {"approve": True, "always": True}}
    return [{"interruptId": asked_of(session)["id"], **answer}]


def results(session: Session) -> list[Message]:
    told: list[Message] = [
        line["message"]
        for line in session.listen(Seen()).body["lines"]
        if line["type"] == "message" and line["message"]["role"] == "tool"
    ]
    return told


async def test_what_was_granted_for_the_thread_is_the_owners_and_a_visitors_message_asks_each_time() -> None:
    agent, tools = Scripted(CALLS, ENDS, CALLS, ENDS, CALLS, ENDS, CALLS, ENDS), Counting(acts=True)
    async with opened(runner(agent, tools)) as session:
        session.watch(Seen())
        assert await session.ended((await session.send(asking(OWNERS))).run_id) == "waiting"
        assert "visitor" not in asked_of(session)
        await session.ended((await session.answer(always(session), new_run_id(), None, "owner")).run_id)
        assert await session.ended((await session.send(asking(OWNERS))).run_id) == "success"
        for _ in range(2):
            assert await session.ended((await session.send(asking(VISITORS))).run_id) == "waiting"
            assert asked_of(session)["always"] is False
            await session.ended((await session.answer(always(session), new_run_id(), None, "owner")).run_id)
        assert len(tools.calls) == 4


@pytest.mark.parametrize("author", ["person", "model"])
async def test_where_nobody_may_decide_a_visitors_message_runs_nothing_that_is_not_confined(author: Author) -> None:
    agent, tools = Scripted(CALLS, ENDS, author=author), Counting(acts=True)
    async with opened(runner(agent, tools)) as session:
        session.listen(Seen())
        assert await session.ended((await session.send(asking(VISITORS))).run_id) == "success"
        assert tools.calls == []
        assert "needs the owner's word and nobody is there" in results(session)[0]["content"]


@pytest.mark.parametrize(("whose", "again_by"), [(OWNERS, "share1"), (VISITORS, None)])
async def test_an_answer_made_again_is_a_visitors_where_the_message_or_the_wish_for_it_is(
    tmp_path: Path, whose: Options, again_by: str | None
) -> None:
    thread_id, message = new_thread_id(), asking(whose)
    async with opened(runner(Scripted(ENDS)), folder=tmp_path, thread_id=thread_id) as session:
        await session.ended((await session.send(message)).run_id)
    agent, tools = Scripted(CALLS, ENDS, author="person"), Counting(acts=True)
    async with opened(runner(agent, tools), folder=tmp_path, thread_id=thread_id) as session:
        await session.ended((await session.regenerate(message.message_id, new_run_id(), again_by)).run_id)
        assert tools.calls == []
        assert results(session)[0]["error"] == "not allowed"


async def test_a_visitors_message_behind_a_decision_is_a_visitors_also_when_answered_again_after_an_owners() -> None:
    agent, tools = Scripted(CALLS, ENDS, CALLS, ENDS, ENDS, CALLS, ENDS), Counting(acts=True)
    async with opened(runner(agent, tools)) as session:
        session.watch(Seen())
        await session.ended((await session.send(asking(OWNERS))).run_id)
        await session.ended((await session.answer(always(session), new_run_id(), None, "owner")).run_id)
        assert await session.ended((await session.send(asking(VISITORS))).run_id) == "waiting"
        await session.cancel()
        behind = asking(VISITORS)
        await session.ended((await session.send(behind)).run_id)
        await session.ended((await session.send(asking(OWNERS))).run_id)
        again = await session.regenerate(behind.message_id, new_run_id(), "share1")
        assert await session.ended(again.run_id) == "waiting"
        assert len(tools.calls) == 1


async def test_a_visitors_message_changes_no_setting_of_the_owners() -> None:
    agent, tools = Scripted(ENDS, ENDS, CALLS, ENDS), Counting()
    async with opened(runner(agent, tools)) as session:
        owners = asking(Options(permissions={"count": "deny"}))
        await session.ended((await session.send(owners)).run_id)
        await session.ended((await session.send(asking(Options(visitor="share1", permissions={})))).run_id)
        await session.ended((await session.regenerate(owners.message_id, new_run_id())).run_id)
        assert tools.calls == []
        assert results(session)[0]["error"] == "not allowed"


async def test_a_visitors_settings_hold_for_their_own_message() -> None:
    agent, tools = Scripted(CALLS, ENDS, CALLS, ENDS), Counting()
    async with opened(runner(agent, tools)) as session:
        theirs = asking(Options(visitor="share1", permissions={"count": "deny"}))
        await session.ended((await session.send(theirs)).run_id)
        assert results(session)[0]["metadata"]["jupyter"]["code"] == "denied_by_rule"
        await session.ended((await session.send(asking(OWNERS))).run_id)
        assert len(tools.calls) == 1


async def test_what_a_visitor_says_was_said_before_is_a_visitors_too() -> None:
    agent, tools = Scripted(ENDS, CALLS, ENDS, author="person"), Counting(acts=True)
    async with opened(runner(agent, tools)) as session:
        brought_id = new_message_id()
        brought = {"id": brought_id, "role": "user", "content": "earlier"}
        answer = {"id": new_message_id(), "role": "assistant", "content": "yes"}
        message = replace(asking(VISITORS), earlier=(Earlier(new_run_id(), brought, (answer,)),))
        await session.ended((await session.send(message)).run_id)
        await session.ended((await session.regenerate(brought_id, new_run_id())).run_id)
        assert tools.calls == []
        assert results(session)[0]["error"] == "not allowed"
