"""Clients that send their whole history each time: what is new is added, what was changed stands on a branch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from openai_kit import Client, asks, questions, threads
from played import Held, Played
from served import Rest, until

from jupyter_chat_sessions.core.errors import AgentFailed
from jupyter_chat_sessions.core.ids import RunId, new_run_id
from jupyter_chat_sessions.server.openai import asking
from jupyter_chat_sessions.server.openai.given import Turn
from jupyter_chat_sessions.server.openai.joints import Joint, Known, joint_of

KEY = {"X-Session-Key": "k"}
Ask = Callable[..., Awaitable[str]]


@pytest.fixture
def ask(client: Client) -> Ask:
    async def post(*words: str, **headers: str) -> str:
        ours = client(default_headers=KEY, max_retries=0)
        whole = await ours.chat.completions.create(model="played", messages=asks(*words), extra_headers=headers)
        return whole.choices[0].message.content or ""

    return post


def told(agent: Played) -> list[str]:
    """What the agent was shown last."""
    return [each["content"] for each in agent.requests[-1].messages]


async def path(rest: Rest, root: Path) -> list[str]:
    """The thread's conversation as it is shown."""
    (thread_id,) = threads(root)
    page = (await rest("GET", f"/threads/{thread_id}/messages")).json
    return [each["message"]["content"] for each in page["messages"]]


async def three_turns(ask: Ask) -> list[str]:
    said: list[str] = []
    for word in ("one", "two", "three"):
        said += [word, await ask(*said, word)]
    return said


async def test_an_edited_question_begins_a_branch_where_it_stood_and_what_follows_is_added_to_that(
    ask: Ask, agent: Played, rest: Rest, jp_root_dir: Path
) -> None:
    said = await three_turns(ask)
    assert await path(rest, jp_root_dir) == said
    edited = [*said[:2], "2nd"]
    answer = await ask(*edited)
    assert told(agent) == edited
    assert await path(rest, jp_root_dir) == [*edited, answer]
    more = [*edited, answer, "more"]
    last = await ask(*more)
    assert await path(rest, jp_root_dir) == [*more, last]
    assert questions(jp_root_dir, threads(jp_root_dir)[0]) == ["one", "two", "three", "2nd", "more"]
    again = await ask(*more)  # the last one asked again: beside its answer, not behind it
    assert await path(rest, jp_root_dir) == [*more, again]


async def test_a_question_changed_in_its_place_brings_its_branch_along(
    ask: Ask, agent: Played, rest: Rest, jp_root_dir: Path
) -> None:
    said = await three_turns(ask)
    changed = [*said[:2], "zwei", *said[3:], "four"]
    answer = await ask(*changed)
    assert told(agent) == changed
    assert await path(rest, jp_root_dir) == [*changed, answer]
    await ask(*changed, answer, "five")
    assert questions(jp_root_dir, threads(jp_root_dir)[0]) == ["one", "two", "three", "zwei", "three", "four", "five"]


async def test_a_history_that_is_cut_or_begins_with_a_summary_adds_only_what_is_new(
    ask: Ask, rest: Rest, jp_root_dir: Path
) -> None:
    said = await three_turns(ask)
    for word in ("four", "five", "six", "seven", "eight"):
        cut = {
            "four": [],
            "five": said[-2:],
            "six": said[2:],
            "seven": [*said[:2], *said[-2:]],
            "eight": ["In short:", "…", *said[-2:]],
        }
        assert await ask(*cut[word], word) == f"You said {word}"
        said += [word, f"You said {word}"]
        assert await path(rest, jp_root_dir) == said


async def test_the_first_question_is_edited_by_who_says_that_the_history_is_whole(
    ask: Ask, rest: Rest, jp_root_dir: Path
) -> None:
    said = await three_turns(ask)
    await ask("uno", **{"X-History": "whole"})
    assert await path(rest, jp_root_dir) == ["uno", "You said uno"]
    await ask("uno", "You said uno", "due", **{"X-History": "whole"})
    assert await path(rest, jp_root_dir) == ["uno", "You said uno", "due", "You said due"]
    await ask(*said, "four", **{"X-History": "whole"})
    assert await path(rest, jp_root_dir) == [*said, "four", "You said four"]


async def test_a_whole_history_that_is_longer_than_what_an_agent_is_shown_adds_only_what_is_new(
    ask: Ask, rest: Rest, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_chat_sessions.server.openai.asking.PATH_MESSAGES", 4)
    said = await three_turns(ask)
    await ask(*said, "four", **{"X-History": "whole"})
    assert await path(rest, jp_root_dir) == [*said, "four", "You said four"]
    assert questions(jp_root_dir, threads(jp_root_dir)[0]) == ["one", "two", "three", "four"]


async def test_a_question_whose_answer_failed_is_not_asked_twice(
    ask: Ask, agent: Played, rest: Rest, jp_root_dir: Path
) -> None:
    await ask("one")
    echo = agent.play

    async def fails(request: Any) -> Any:
        raise AgentFailed("agent_failed", "It could not.")
        yield

    agent.play = fails
    with pytest.raises(Exception, match="It could not"):
        await ask("one", "You said one", "two")
    agent.play = echo
    messages: Any = [*asks("one", "You said one", "two"), {"role": "user", "content": "three"}]
    (thread_id,) = threads(jp_root_dir)
    answer = await rest("POST", "/v1/chat/completions", {"model": "played", "messages": messages}, headers=dict(KEY))
    assert answer.status == 200
    assert questions(jp_root_dir, thread_id) == ["one", "two", "three"]
    assert told(agent) == ["one", "You said one", "two", "three"]
    after = [*asks("one", "You said one", "two\n\nthree", "You said three", "four")]
    await rest("POST", "/v1/chat/completions", {"model": "played", "messages": after}, headers=dict(KEY))
    assert questions(jp_root_dir, thread_id) == ["one", "two", "three", "four"]


async def test_what_others_said_and_what_somebody_waits_for_is_not_taken_back(
    client: Client, ask: Ask, agent: Played, rest: Rest, jp_root_dir: Path
) -> None:
    await ask("one")
    (thread_id,) = threads(jp_root_dir)
    sent = {"content": "from the chat", "model": "played"}
    assert (await rest("POST", f"/threads/{thread_id}/messages", sent, query={"wait": "true"})).status == 200
    await ask("one", "You said one", "two")
    assert told(agent)[2:] == ["from the chat", "You said from the chat", "two"]
    agent.play = held = Held("late")
    known = [*told(agent), "You said two"]
    first = asyncio.ensure_future(ask(*known, "three"))
    await held.has_begun.wait()
    second = asyncio.ensure_future(ask(*known, "four"))
    await until(lambda: len(questions(jp_root_dir, thread_id)) == 5)
    held.let(4)
    await asyncio.gather(first, second)
    assert told(agent) == [*known, "three", "late", "four"]


async def test_a_question_that_is_edited_while_it_is_answered_waits_and_then_stands_beside_it(
    client: Client, ask: Ask, agent: Played, rest: Rest, jp_root_dir: Path
) -> None:
    await ask("one")
    agent.play = held = Held("late")
    messages = asks("one", "You said one", "two")
    ours = client(default_headers=KEY, max_retries=0)
    stream = await ours.chat.completions.create(model="played", messages=messages, stream=True)
    await held.has_begun.wait()
    await stream.close()
    (thread_id,) = threads(jp_root_dir)
    desk_left = asyncio.ensure_future(ask("one", "You said one", "2nd"))
    await until(lambda: questions(jp_root_dir, thread_id) == ["one", "two", "2nd"])
    held.let(4)
    await desk_left
    assert await path(rest, jp_root_dir) == ["one", "You said one", "2nd", "late"]


async def test_what_somebody_says_while_a_history_is_compared_is_not_taken_back(
    ask: Ask, rest: Rest, jp_root_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await three_turns(ask)
    (thread_id,) = threads(jp_root_dir)
    loop, compare = asyncio.get_running_loop(), asking.known_turns

    def compares(*given: Any) -> list[Known]:
        found = compare(*given)
        sent = {"content": "from the chat", "model": "played"}
        saying = rest("POST", f"/threads/{thread_id}/messages", sent, query={"wait": "true"})
        assert asyncio.run_coroutine_threadsafe(saying, loop).result(20).status == 200
        return found

    monkeypatch.setattr(asking, "known_turns", compares)
    await ask("one", "You said one", "2nd")
    assert (await path(rest, jp_root_dir))[-4:] == ["from the chat", "You said from the chat", "2nd", "You said 2nd"]


# --- the rule alone --------------------------------------------------------------------------------------------------


def turns(*pairs: str) -> list[Turn]:
    """Turns from "question/answer"; the last one has no answer."""
    found = []
    for pair in pairs:
        question, _, answer = pair.partition("/")
        said: list[dict[str, Any]] = [{"role": "assistant", "content": answer}] if answer else []
        found.append(Turn([question], said))
    return found


def known(*pairs: str, is_kept: bool = True) -> list[Known]:
    run_ids = [RunId(new_run_id()) for _ in pairs]
    parts = [pair.partition("/") for pair in pairs]
    return [Known(f"m{n}", run_ids[n], each[0], each[2], is_kept) for n, each in enumerate(parts)]


def met(given: list[Turn], there: list[Known], *, is_whole: bool = False) -> tuple[int, int] | None:
    """Behind how many known turns a branch begins, and how many the client brings; `None` without a branch."""
    joint = joint_of(given, there, is_whole=is_whole, may_take_back=True)
    if not joint.is_branch:
        return None
    parents: list[Any] = [None, *(each.run_id for each in there)]
    return parents.index(joint.parent), len(joint.missing)


def test_a_history_meets_the_thread_where_it_says_so() -> None:
    there = known("a/1", "b/2", "c/3")
    assert met(turns("a/1", "b/2", "c/3", "d"), there) is None
    assert met(turns("c/3", "d"), there) is None
    assert met(turns("a/1", "B"), there) == (1, 0)
    assert met(turns("b/2", "C"), there) == (2, 0)
    assert met(turns("a/1", "B/2", "c/3", "d"), there) == (1, 2)
    assert met(turns("a/1", "B/2", "d"), there) == (1, 1)
    assert met(turns("x/9", "y/8", "d"), there) is None
    assert met(turns("x/9", "d"), there, is_whole=True) == (0, 1)
    assert met(turns("a/1", "b/2", "c/3", "x/9", "d"), there) is None
    assert met(turns("a/1", "B"), known("a/1", "b/2", is_kept=False)) is None


def test_what_a_client_put_around_a_question_when_it_sent_it_is_no_edit() -> None:
    there = known("a/1", "Answerfromthesources:…b/2")
    assert met(turns("a/1", "b/2", "c"), there) is None
    assert met(turns(" a / 1 ", "b/other", "c"), there) == (1, 1)


def test_questions_that_repeat_themselves_are_taken_for_the_last_of_their_kind() -> None:
    there = known("go/1", "on/2", "on/3", "on/4")
    assert met(turns("on/4", "on"), there) is None
    assert met(turns("go/1", "on/2", "on/3", "on/4", "on"), there) is None
    joint = joint_of(turns("go/1", "on"), there, is_whole=False, may_take_back=True)
    assert isinstance(joint, Joint)
    assert joint.parent == there[0].run_id


def test_a_word_of_somebody_else_anywhere_behind_the_place_is_not_taken_back() -> None:
    there = [*known("a/1", "b/2"), *known("theirs/3", is_kept=False), *known("c/4")]
    assert met(turns("a/1", "B"), there) is None
    assert met(turns("x/9", "B"), there, is_whole=True) is None
    assert met(turns("a/1", "b/2", "theirs/3", "C"), there) == (3, 0)
