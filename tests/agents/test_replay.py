"""A recording played again: in its order, at its pace, said to be one, its tool calls made anew."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from agent_kit import calls, text

from jupyter_chat_sessions.agents.registry import load_agent
from jupyter_chat_sessions.agents.replay import LONGEST_STEP_S, ReplayAgent, turns_of
from jupyter_chat_sessions.core.errors import AgentFailed, Unreadable
from jupyter_chat_sessions.core.ids import new_run_id, new_thread_id
from jupyter_chat_sessions.core.roles import AgentEvent, Done, Request

LESSON = (Path(__file__).parents[2] / "examples" / "lesson.jsonl").read_bytes()
ME = "replay:lesson.jsonl"


def at_once(transcript: bytes) -> bytes:
    """The same with every line written in one moment."""
    lines = [json.loads(line) for line in transcript.splitlines()]
    return b"\n".join(json.dumps({**line, "created": lines[0]["created"]}).encode() for line in lines) + b"\n"


def asking(*messages: dict[str, Any], file: bytes | None = None) -> Request:
    return Request(
        new_thread_id(), new_run_id(), messages, read_file=lambda name: file if name == "lesson.jsonl" else None
    )


def said(agent: Any, request: Request) -> list[AgentEvent]:
    async def whole() -> list[AgentEvent]:
        return [event async for event in agent.answer(request)]

    return asyncio.run(whole())


def user(number: int) -> dict[str, Any]:
    return {"id": f"u{number}", "role": "user", "content": "whatever"}


def assistant(number: int, model: str = ME) -> dict[str, Any]:
    return {"id": f"a{number}", "role": "assistant", "content": "…", "metadata": {"jupyter": {"model": model}}}


def test_it_says_that_it_is_a_recording_then_its_words_then_makes_its_calls_anew() -> None:
    events = said(load_agent(ME), asking(user(1), file=at_once(LESSON)))
    assert text(events).startswith(
        "> ▶ **Recording**, 1 of 3: What sums do two dice give? Throw them a thousand times."
    )
    assert "I throw two dice a thousand times" in text(events)
    ((_, name, arguments),) = calls(events)
    assert name == "run_python"
    assert "random.seed(7)" in json.loads(arguments)["code"]
    assert events[-1] == Done("tool_calls")


def test_it_goes_on_where_it_is_by_what_the_conversation_holds_and_others_answers_do_not_count() -> None:
    agent, file = load_agent(ME), at_once(LESSON)
    after_the_call = asking(user(1), assistant(1), {"id": "t", "role": "tool", "content": "denied"}, file=file)
    assert text(said(agent, after_the_call)).startswith("The sums in the middle")
    third = [user(1), assistant(1), user(2), assistant(2, "direct"), user(3), assistant(3), user(4)]
    assert "**Recording**, 3 of 3: Why is 7" in text(said(agent, asking(*third, file=file)))
    assert "ends here, after 3 questions" in text(said(agent, asking(*third, assistant(4), user(5), file=file)))


def test_the_pace_is_that_of_the_recording_without_its_longest_pauses() -> None:
    paces = [step.seconds for turn in turns_of(LESSON) for step in turn.steps]
    assert all(0.5 < seconds < LONGEST_STEP_S for seconds in paces)
    slow = LESSON.replace(
        b'"created":"2026-', b'"created":"2025-', 4
    )  # the first answer a year later than its question
    assert turns_of(slow)[0].steps[0].seconds == LONGEST_STEP_S


def test_without_the_file_or_with_another_kind_of_file_it_says_what_to_do() -> None:
    with pytest.raises(AgentFailed, match="put it into this chat's files"):
        said(load_agent(ME), asking(user(1)))
    with pytest.raises(AgentFailed, match="cannot be played"):
        said(load_agent(ME), asking(user(1), file=b"a,b\n1,2\n"))
    with pytest.raises(Unreadable, match="Nothing is answered"):
        turns_of(LESSON.splitlines()[0])


def test_a_class_has_one_recording_for_every_thread(tmp_path: Path) -> None:
    (tmp_path / "kept.jsonl").write_bytes(at_once(LESSON))
    agent = ReplayAgent.of_file(tmp_path / "kept.jsonl", name="lesson")
    assert agent.id == "lesson"
    assert "**Recording**, 2 of 3" in text(said(agent, asking(user(1), assistant(1, "lesson"), user(2))))


def test_a_recording_made_to_keep_the_server_busy_costs_no_more_than_its_length() -> None:
    run_id, at = new_run_id(), {"schema_version": 1, "created": "2026-11-21T00:00:00.000Z"}
    question = {"id": "u", "role": "user", "content": "?"}
    blank = {"id": "a", "role": "assistant", "content": " " * 60_000}
    lines: list[dict[str, Any]] = [
        {"type": "header", "guid": new_thread_id(), "notebook": None},
        {"type": "message", "seq": 1, "message": question, "run_id": run_id},
        {"type": "start", "seq": 2, "run_id": run_id, "message_id": "u", "parent_run_id": None, "model": None},
        {"type": "message", "seq": 3, "message": blank, "run_id": run_id},
        {"type": "run", "seq": 4, "run_id": run_id, "outcome": "success"},
    ]
    file = b"\n".join(json.dumps({**at, **line}).encode() for line in lines) + b"\n"
    began = time.process_time()
    said(ReplayAgent("lesson.jsonl"), asking(user(1), file=file))
    assert time.process_time() - began < 2
