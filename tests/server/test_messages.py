"""Messages over REST: accepted once, answered in order, and what is done about their runs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from played import Held, Played, asked, echo
from served import Connect, Rest, lines_of, until

from jupyter_chat_sessions.core.roles import AgentEvent, Request, TextDelta
from jupyter_chat_sessions.core.transcript import text_of

WAIT = {"wait": "true"}


async def post(rest: Rest, thread_id: str, content: Any, query: dict[str, str] | None = None, **more: Any) -> Any:
    body = {"content": content, "model": "played", **more}
    return await rest("POST", f"/threads/{thread_id}/messages", body, query=query or {})


async def test_three_messages_are_found_again_as_they_were_said(
    rest: Rest, jp_root_dir: Path, chats: Callable[[], Any], new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    answers = []
    parts = [{"type": "text", "text": "three"}, {"type": "image", "source": {"a": [1.5, None]}}]
    for content in ("one", "zwei ✓", parts):
        answer = await post(rest, thread_id, content, WAIT)
        assert (answer.status, answer.headers["X-Run-Id"]) == (200, answer.json["run_id"])
        assert answer.headers["X-Thread-Id"] == thread_id
        assert answer.json["outcome"] == "success"
        answers.append(answer.json)
    lines = lines_of(jp_root_dir, thread_id)
    assert [line["type"] for line in lines] == ["header", *["message", "start", "message", "run"] * 3]
    assert [line["seq"] for line in lines[1:]] == list(range(1, 13))
    messages = [line["message"] for line in lines if line["type"] == "message"]
    assert messages[2] == {"id": answers[1]["message_id"], "role": "user", "content": "zwei ✓"}
    assert messages[4]["content"] == parts

    first = (await rest("GET", f"/threads/{thread_id}/messages")).json
    assert [each["message"] for each in first["messages"]] == messages
    assert first["runs"] == [
        {
            "run_id": each["run_id"],
            "message_id": each["message_id"],
            "parent_run_id": answers[place - 1]["run_id"] if place else None,
            "seq": 4 * place + 2,
            "outcome": "success",
            "model": "played",
            "usage": {"input_tokens": 3, "output_tokens": 4, "context_tokens": 7},
        }
        for place, each in enumerate(answers)
    ]
    assert first["beside"] == []
    await chats().sessions.drop(thread_id)
    assert (await rest("GET", f"/threads/{thread_id}/messages")).json == first
    page = (await rest("GET", f"/threads/{thread_id}/messages", query={"limit": 2})).json
    assert ([each["message"] for each in page["messages"]], page["more"]) == (messages[-2:], True)
    before = page["messages"][0]["seq"]
    older = (await rest("GET", f"/threads/{thread_id}/messages", query={"limit": 50, "before": before})).json
    assert ([each["message"] for each in older["messages"]], older["more"]) == (messages[:-2], False)


async def test_an_agent_that_fails_leaves_the_question_and_frees_the_thread(
    rest: Rest, live: Connect, agent: Played, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    socket = await live(thread_id)

    async def fails(request: Request) -> AsyncGenerator[AgentEvent, None]:
        yield TextDelta("So far ")
        raise ZeroDivisionError("secret-of-the-house")

    agent.play = fails
    answer = await post(rest, thread_id, "first", WAIT)
    assert (answer.status, answer.json["outcome"]) == (200, "error")
    error = await socket.event("RUN_ERROR")
    assert error["code"] == "agent_failed"
    assert "secret" not in str(socket.frames)
    agent.play = echo
    began = asyncio.get_running_loop().time()
    second = await post(rest, thread_id, "second", WAIT)
    assert asyncio.get_running_loop().time() - began < 5  # one second, and what a busy machine adds
    assert second.json["outcome"] == "success"
    kept = [(line["seq"], line["type"], line.get("outcome")) for line in lines_of(jp_root_dir, thread_id)[1:]]
    assert kept == [
        (1, "message", None), (2, "start", None), (3, "message", None), (4, "run", "error"),
        (5, "message", None), (6, "start", None), (7, "message", None), (8, "run", "success"),
    ]  # fmt: skip
    assert text_of(lines_of(jp_root_dir, thread_id)[3]["message"]) == "So far "


async def test_twenty_messages_at_once_are_answered_in_the_order_they_were_accepted(
    rest: Rest, agent: Played, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id, chance = new_id(), random.Random(3)

    async def plays(request: Request) -> AsyncGenerator[AgentEvent, None]:
        await asyncio.sleep(chance.random() / 50)
        yield TextDelta(f"to {asked(request)}")

    agent.play = plays
    answers = await asyncio.gather(*(post(rest, thread_id, f"m{n}", WAIT) for n in range(20)))
    assert {answer.status for answer in answers} == {200}
    for n, answer in enumerate(answers):
        assert [text_of(message) for message in answer.json["messages"]] == [f"to m{n}"]
    lines = lines_of(jp_root_dir, thread_id)[1:]
    accepted = [text_of(line["message"]) for line in lines if line.get("message", {}).get("role") == "user"]
    answered = [text_of(line["message"]) for line in lines if line.get("message", {}).get("role") == "assistant"]
    assert answered == [f"to {words}" for words in accepted]
    for count, request in enumerate(agent.requests):
        seen = [text_of(message) for message in request.messages]
        assert seen == [words for n in range(count) for words in (accepted[n], f"to {accepted[n]}")] + [accepted[count]]


async def test_the_same_message_again_is_the_same_run_and_another_body_a_conflict(
    rest: Rest, agent: Played, new_id: Callable[[], str]
) -> None:
    thread_id, message_id = new_id(), new_id()
    answers = await asyncio.gather(*(post(rest, thread_id, "x", WAIT, message_id=message_id) for _ in range(5)))
    assert len({(answer.json["run_id"], answer.json["seq"]) for answer in answers}) == 1
    assert {answer.json["outcome"] for answer in answers} == {"success"}
    assert len(agent.requests) == 1
    other = await post(rest, thread_id, "y", message_id=message_id)
    assert other.refusal == (409, "idempotency_mismatch")


async def test_what_meets_a_run_waits_is_refused_or_takes_its_place_as_it_asked(
    rest: Rest, live: Connect, agent: Played, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    held = agent.play = Held("a", "b")
    socket = await live(thread_id)
    running = (await post(rest, thread_id, "first")).json
    assert (running["queued"], running["queue_depth"]) == (False, 0)
    await held.has_begun.wait()
    waiting = [(await post(rest, thread_id, words)) for words in ("second", "third")]
    assert [(each.status, each.json["queued"], each.json["queue_depth"]) for each in waiting] == [
        (202, True, 1), (202, True, 2),
    ]  # fmt: skip
    shown = (await rest("GET", f"/threads/{thread_id}")).json
    assert shown["run"] == {"run_id": running["run_id"], "status": "running"}
    assert (shown["queue_depth"], shown["running"]) == (2, True)
    assert (await post(rest, thread_id, "no", mode="reject")).refusal == (409, "run_in_progress")

    taken_back = f"/threads/{thread_id}/messages/{waiting[1].json['message_id']}"
    assert (await rest("DELETE", taken_back)).status == 204
    assert (await rest("DELETE", taken_back)).status == 204
    refused = await rest("DELETE", f"/threads/{thread_id}/messages/{running['message_id']}")
    assert refused.refusal == (409, "not_waiting")
    unknown = await rest("DELETE", f"/threads/{thread_id}/messages/nobody")
    assert unknown.refusal == (404, "message_not_found")

    instead = asyncio.ensure_future(post(rest, thread_id, "instead", WAIT, mode="interrupt"))
    await until(lambda: len(agent.requests) == 2)
    assert asked(agent.requests[1]) == "instead"
    held.let(5)
    assert (await instead).json["outcome"] == "success"
    await socket.event("RUN_FINISHED")
    await socket.event("RUN_FINISHED")
    ended = {line["run_id"]: line["outcome"] for line in socket.lines() if line["type"] == "run"}
    assert ended == {running["run_id"]: "cancelled", (await instead).json["run_id"]: "success"}
    withdrawn = {line["message_id"] for line in socket.lines() if line["type"] == "withdrawn"}
    assert withdrawn == {each.json["message_id"] for each in waiting}


async def test_after_sends_that_interrupt_each_other_and_a_cancel_nothing_runs(
    rest: Rest, agent: Played, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    agent.play = Held("never")
    sent = [asyncio.ensure_future(post(rest, thread_id, f"m{n}", WAIT, mode="interrupt")) for n in range(5)]
    await until(lambda: sum(line["type"] == "message" for line in disk_lines(jp_root_dir, thread_id)) == 5)
    cancelled = (await rest("POST", f"/threads/{thread_id}/cancel", {})).json
    assert cancelled["cancelled"]
    outcomes = [answer.json["outcome"] for answer in await asyncio.wait_for(asyncio.gather(*sent), 30)]
    assert outcomes == ["cancelled"] * 5
    assert agent.in_flight == 0
    assert (await rest("GET", f"/threads/{thread_id}")).json["running"] is False
    again = (await rest("POST", f"/threads/{thread_id}/cancel", {})).json
    assert again == {"cancelled": False, "run_ids": []}


def disk_lines(root: Path, thread_id: str) -> list[dict[str, Any]]:
    there = (root / ".chats" / thread_id / "chat.jsonl").exists()
    return lines_of(root, thread_id) if there else []


async def test_another_answer_and_a_branch_leave_the_first_ones_where_they_are(
    rest: Rest, agent: Played, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    first = (await post(rest, thread_id, "first", WAIT)).json
    second = (await post(rest, thread_id, "second", WAIT)).json
    asked_again = {"message_id": second["message_id"], "request_id": "r1"}
    again = await rest("POST", f"/threads/{thread_id}/regenerate", asked_again)
    assert (again.status, again.headers["X-Run-Id"]) == (202, again.json["run_id"])
    assert (await rest("POST", f"/threads/{thread_id}/regenerate", asked_again)).json == again.json
    await until(lambda: len(agent.requests) == 3 and agent.in_flight == 0)
    assert [text_of(message) for message in agent.requests[2].messages] == ["first", "You said first", "second"]
    nobody = await rest("POST", f"/threads/{thread_id}/regenerate", {"message_id": "nobody"})
    assert nobody.refusal == (404, "message_not_found")
    branch = (await post(rest, thread_id, "other", WAIT, parent_run_id=first["run_id"])).json
    assert [text_of(message) for message in agent.requests[-1].messages] == ["first", "You said first", "other"]
    root = (await post(rest, thread_id, "root", WAIT, parent_run_id=None)).json
    assert [text_of(message) for message in agent.requests[-1].messages] == ["root"]
    assert branch["outcome"] == root["outcome"] == "success"
    shown = (await rest("GET", f"/threads/{thread_id}/messages")).json["messages"]
    assert [text_of(each["message"]) for each in shown] == ["root", "You said root"]


async def test_a_new_thread_and_another_one_at_the_same_time_are_never_mixed_up(
    rest: Rest, agent: Played, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    old, new = new_id(), new_id()
    await post(rest, old, "old words", WAIT)
    made, sent, late = await asyncio.gather(
        rest("POST", "/threads", {"thread_id": new}), post(rest, new, "for new", WAIT), post(rest, old, "for old", WAIT)
    )
    assert made.json["thread_id"] == sent.json["thread_id"] == new
    assert late.json["thread_id"] == old
    of = {asked(request): request.thread_id for request in agent.requests}
    assert of == {"old words": old, "for new": new, "for old": old}
    assert "for new" not in (jp_root_dir / ".chats" / old / "chat.jsonl").read_text()
    assert "for old" not in (jp_root_dir / ".chats" / new / "chat.jsonl").read_text()


async def test_an_export_is_the_path_in_each_format_under_its_own_media_type(
    rest: Rest, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    await post(rest, thread_id, "first", WAIT)
    await rest("PATCH", f"/threads/{thread_id}", {"title": 'Quarter "4"; ünd\\so/on'})
    kinds = {
        "md": "text/markdown; charset=UTF-8",
        "ipynb": "application/x-ipynb+json",
        "json": "application/json; charset=UTF-8",
    }
    for kind, media_type in kinds.items():
        answer = await rest("GET", f"/threads/{thread_id}/export", query={"format": kind})
        assert (answer.status, answer.headers["Content-Type"]) == (200, media_type)
        assert answer.headers["Content-Disposition"] == f'attachment; filename="Quarter-4-nd-so-on.{kind}"'
        assert b"You said first" in answer.body
    assert (await rest("GET", f"/threads/{thread_id}/export", query={"format": "exe"})).refusal == (400, "malformed")


async def test_a_long_thread_is_shown_with_its_own_title_and_count_from_the_start(
    rest: Rest, chats: Callable[[], Any], new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    made = await rest("POST", "/threads", {"thread_id": thread_id, "title": "Chosen"})
    assert made.status == 201
    for _ in range(60):
        await post(rest, thread_id, "x", WAIT)
    tag = (await rest("GET", f"/threads/{thread_id}")).headers["Etag"]
    await chats().sessions.drop(thread_id)
    shown = await rest("GET", f"/threads/{thread_id}")
    assert (shown.json["title"], shown.json["message_count"]) == ("Chosen", 120)
    assert shown.headers["Etag"] == tag


async def test_another_branch_is_the_head_for_whoever_comes_next_and_those_beside_it_are_told(
    rest: Rest, live: Connect, chats: Callable[[], Any], new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    first = (await post(rest, thread_id, "first", WAIT)).json
    follows = (await post(rest, thread_id, "follows", WAIT)).json
    other = (await post(rest, thread_id, "in other words", WAIT, parent_run_id=None)).json

    async def shown() -> tuple[list[str], list[str]]:
        page = (await rest("GET", f"/threads/{thread_id}/messages")).json
        asked = [text_of(each["message"]) for each in page["messages"] if each["message"]["role"] == "user"]
        return asked, [each["run_id"] for each in page["beside"]]

    assert await shown() == (["in other words"], [first["run_id"]])
    socket = await live(thread_id)
    await socket.say(kind="head", id="turn", runId=first["run_id"])
    assert await socket.answer("turn") == {"kind": "ack", "id": "turn"}
    assert [line["run_id"] for line in socket.lines() if line["type"] == "head"] == [follows["run_id"]]
    assert await shown() == (["first", "follows"], [other["run_id"]])
    await chats().sessions.drop(thread_id)
    assert await shown() == (["first", "follows"], [other["run_id"]])

    turned = await rest("POST", f"/threads/{thread_id}/head", {"run_id": other["run_id"]})
    assert (turned.status, turned.json) == (200, {"thread_id": thread_id, "head": other["run_id"]})
    assert await shown() == (["in other words"], [first["run_id"]])
    nowhere = await rest("POST", f"/threads/{thread_id}/head", {"run_id": new_id()})
    assert nowhere.refusal == (404, "run_not_found")


async def test_nobody_turns_to_another_branch_while_an_answer_is_made(
    rest: Rest, live: Connect, agent: Played, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    first = (await post(rest, thread_id, "first", WAIT)).json
    held = agent.play = Held("never")
    await post(rest, thread_id, "second")
    await held.has_begun.wait()
    socket = await live(thread_id)
    await socket.say(kind="head", id="turn", runId=first["run_id"])
    assert (await socket.answer("turn"))["code"] == "run_in_progress"
    assert (await rest("POST", f"/threads/{thread_id}/head", {"run_id": first["run_id"]})).refusal[0] == 409
