"""A run that needs a person's word asks at the doors, once, also after everybody has left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from played import Played, calls
from served import Connect, Rest, Socket

ASKING = {"ChatSessions": {"tool_permissions": {"list_files": "ask"}}}


async def ask(socket: Socket, agent: Played) -> list[dict[str, Any]]:
    agent.play = calls("list_files")
    await socket.send("go", options={"model": "played"})
    outcome = (await socket.event("RUN_FINISHED"))["outcome"]
    assert outcome["type"] == "interrupt"
    interrupts: list[dict[str, Any]] = outcome["interrupts"]
    return interrupts


@pytest.mark.parametrize("chat_config", [ASKING])
async def test_a_question_is_shown_again_after_a_reconnect_and_the_first_answer_counts(
    live: Connect, rest: Rest, agent: Played, chats: Callable[[], Any], new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    socket = await live(thread_id)
    interrupts = await ask(socket, agent)
    socket.connection.close()
    await chats().sessions.drop(thread_id)
    back, other = await live(thread_id), await live(thread_id)
    ((asked),) = (await back.next())["approvals"]
    assert asked["interrupts"] == interrupts
    answers = [{"interruptId": each["id"], "status": "resolved", "payload": {"approve": True}} for each in interrupts]
    await back.say(kind="answer", id="a1", runId=asked["run_id"], answers=answers)
    ack = await back.answer("a1")
    assert ack["kind"] == "ack"
    finished = await back.event("RUN_FINISHED")
    assert (finished["runId"], finished["outcome"]) == (ack["runId"], {"type": "success"})
    await other.say(kind="answer", id="a2", runId=asked["run_id"], answers=answers)
    assert (await other.answer("a2"))["code"] == "not_waiting"
    await back.say(kind="answer", id="a1", runId=asked["run_id"], answers=answers)
    assert (await back.answer("a1"))["runId"] == ack["runId"]
    late = await rest("POST", f"/threads/{thread_id}/answer", {"run_id": asked["run_id"], "answers": answers})
    assert late.refusal == (409, "not_waiting")


@pytest.mark.parametrize("chat_config", [ASKING])
async def test_a_question_is_answered_over_rest_as_well_and_an_answer_must_fit_it(
    live: Connect, rest: Rest, agent: Played, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    socket = await live(thread_id)
    (asked,) = await ask(socket, agent)
    answer = f"/threads/{thread_id}/answer"
    assert (await rest("POST", answer, {"answers": [{"interruptId": "other"}]})).refusal == (400, "malformed")
    declined = {"answers": [{"interruptId": asked["id"], "status": "resolved", "payload": {"approve": False}}]}
    accepted = await rest("POST", answer, {**declined, "request_id": "r"})
    assert (accepted.status, accepted.headers["X-Run-Id"]) == (202, accepted.json["run_id"])
    assert (await rest("POST", answer, {**declined, "request_id": "r"})).json == accepted.json
    assert (await socket.event("RUN_FINISHED"))["runId"] == accepted.json["run_id"]
