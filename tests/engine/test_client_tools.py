"""Tools that the sender of a message runs itself, what it says before the conversation, and what was said elsewhere."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from stage_kit import Counting, Scripted, Seen, a_message, opened, runner

from jupyter_chat_sessions.core.decoding import decode
from jupyter_chat_sessions.core.events import Earlier, Sent
from jupyter_chat_sessions.core.ids import new_run_id, new_thread_id
from jupyter_chat_sessions.core.roles import AgentEvent, TextDelta, ToolCallDelta
from jupyter_chat_sessions.core.transcript import MessageLine, Options, encode
from jupyter_chat_sessions.engine.session import Session

WEATHER = {"name": "weather", "description": "Tells the weather", "parameters": {"type": "object"}}
ASKS: list[AgentEvent | Exception] = [
    ToolCallDelta(0, "call_s", "count", "{}"),
    ToolCallDelta(1, "call_c", "weather", '{"town": "Oslo"}'),
]
ENDS: list[AgentEvent | Exception] = [TextDelta("done")]


def with_tools(*tools: Any, **more: Any) -> Sent:
    return replace(a_message("go"), options=Options(tools=tools, **more))


def interrupts(session: Session) -> tuple[Any, ...]:
    asked = session.conversation.asked
    assert asked is not None
    return asked.interrupts


def result(session: Session, words: str) -> list[dict[str, Any]]:
    return [
        {"interruptId": each["id"], "status": "resolved", "payload": {"result": words}} for each in interrupts(session)
    ]


async def test_a_clients_tool_is_offered_and_its_result_goes_on_in_the_same_thread() -> None:
    agent, tools = Scripted(ASKS, ENDS), Counting()
    async with opened(runner(agent, tools)) as session:
        first = await session.send(with_tools(WEATHER))
        assert await session.ended(first.run_id) == "waiting"
        assert [spec.name for spec in agent.requests[0].tools] == ["count", "weather"]
        assert [call.name for call in tools.calls] == ["count"]
        (asked,) = interrupts(session)
        assert (asked["reason"], asked["toolCallId"], asked["arguments"]) == ("client_tool", "call_c", {"town": "Oslo"})
        receipt = await session.answer(result(session, "rain"), new_run_id(), None, "owner")
        assert await session.ended(receipt.run_id) == "success"
        assert agent.requests[1].messages[-1]["content"] == "rain"
        assert [spec.name for spec in agent.requests[1].tools] == ["count", "weather"]


async def test_a_clients_tool_hides_the_servers_of_its_name() -> None:
    agent, tools = Scripted([ToolCallDelta(0, "call_c", "count", "{}")], ENDS), Counting()
    async with opened(runner(agent, tools)) as session:
        assert await session.ended((await session.send(with_tools({**WEATHER, "name": "count"}))).run_id) == "waiting"
        assert [spec.description for spec in agent.requests[0].tools] == ["Tells the weather"]
        assert tools.calls == []


async def test_who_approves_a_clients_tool_gives_no_result_and_the_agent_is_told() -> None:
    agent = Scripted(ASKS, ENDS)
    async with opened(runner(agent)) as session:
        await session.ended((await session.send(with_tools(WEATHER))).run_id)
        answers = [{"interruptId": interrupts(session)[0]["id"], "status": "resolved", "payload": {"approve": True}}]
        await session.ended((await session.answer(answers, new_run_id(), None, "owner")).run_id)
        assert "gave no result" in agent.requests[1].messages[-1]["content"]


async def test_words_sent_while_a_clients_tool_is_waited_for_go_on_without_it_and_without_its_tools() -> None:
    agent = Scripted(ASKS, ENDS)
    async with opened(runner(agent)) as session:
        await session.ended((await session.send(with_tools(WEATHER))).run_id)
        assert await session.ended((await session.send(a_message("never mind"))).run_id) == "success"
        assert [spec.name for spec in agent.requests[1].tools] == ["count"]
        assert session.conversation.asked is None


async def test_who_only_listens_is_told_everything_and_asked_nothing() -> None:
    agent, tools = Scripted([ToolCallDelta(0, "call_0", "count", "{}")], ENDS), Counting(acts=True)
    async with opened(runner(agent, tools)) as session:
        seen = Seen()
        session.listen(seen)
        assert not session.is_watched
        assert await session.ended((await session.send(a_message("go"))).run_id) == "success"
        assert tools.calls == []
        assert seen.text() == "done"


async def test_instructions_come_before_the_conversation_of_the_message_they_were_sent_with() -> None:
    agent = Scripted(ENDS)
    async with opened(runner(agent)) as session:
        message = replace(a_message("go"), options=Options(instructions="Be brief."))
        await session.ended((await session.send(message)).run_id)
        await session.ended((await session.send(a_message("again"))).run_id)
    assert [each["role"] for each in agent.requests[0].messages] == ["system", "user"]
    assert [each["role"] for each in agent.requests[1].messages] == ["user", "assistant", "user"]


def turn(question: str | None, *said: str) -> Earlier:
    asked = None if question is None else {"id": f"m-{question}", "role": "user", "content": question}
    messages = tuple({"id": f"a-{words}", "role": "assistant", "content": words} for words in said)
    return Earlier(new_run_id(), asked, messages)


async def test_an_empty_thread_takes_what_was_said_elsewhere_and_one_with_words_does_not() -> None:
    agent = Scripted(ENDS)
    async with opened(runner(agent)) as session:
        first = replace(
            a_message("third"), earlier=(turn("first", "one"), turn("second", "two"), turn(None, "thinking"))
        )
        await session.ended((await session.send(first)).run_id)
        await session.ended((await session.send(replace(a_message("fourth"), earlier=(turn("other", "no"),)))).run_id)
        assert session.conversation.title == "first"
    told = [[each["content"] for each in request.messages] for request in agent.requests]
    assert told[0] == ["first", "one", "second", "two", "third", "thinking"]
    assert told[1] == [*told[0], "done", "fourth"]


async def test_a_thread_is_listed_once_something_was_said_in_it_that_belongs_in_lists() -> None:
    async with opened(runner(Scripted(ENDS))) as session:
        await session.send(replace(a_message("quietly"), options=Options(is_listed=False)))
        assert not session.conversation.is_listed
        await session.send(a_message("aloud"))
        assert session.conversation.is_listed


def test_what_was_asked_for_beside_the_words_is_read_as_it_was_written() -> None:
    options = Options(instructions="Be brief.", tools=(WEATHER,), is_listed=False)
    line = MessageLine(
        1, "2026-11-21T10:00:00.000Z", {"id": "m", "role": "user", "content": "x"}, new_run_id(), options
    )
    assert decode(encode(line), new_thread_id()) == (line,)
