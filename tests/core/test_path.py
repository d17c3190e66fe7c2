"""The conversation as an agent is shown it."""

from __future__ import annotations

from typing import Any

from jupyter_chat_sessions.core.history import messages_to, path_of
from jupyter_chat_sessions.core.ids import MessageId, RunId
from jupyter_chat_sessions.core.transcript import FOLLOWS_HEAD, Line, MessageLine, RunLine, StartLine

AT = "2026-11-21T10:00:00.000Z"


def turn(number: int, parent: str | None, outcome: Any = "success", message: int | None = None) -> list[Line]:
    run, asked = RunId(f"r{number}"), MessageId(f"m{message or number}")
    question: list[Line] = [] if message else [MessageLine(1, AT, {"id": asked, "role": "user", "content": "q"}, run)]
    return [
        *question,
        StartLine(1, AT, run, asked, RunId(parent) if parent else None),
        MessageLine(1, AT, {"id": f"a{number}", "role": "assistant", "content": f"answer {number}"}, run),
        RunLine(1, AT, run, outcome),
    ]


def ids(lines: list[Line], run: str) -> list[str]:
    return [message["id"] for message in messages_to(lines, RunId(run))]


def test_the_path_is_followed_from_the_run_to_the_root_and_other_branches_are_left_out() -> None:
    lines = [*turn(1, None), *turn(2, "r1"), *turn(3, "r1"), *turn(4, "r3")]
    assert ids(lines, "r4") == ["m1", "a1", "m3", "a3", "m4", "a4"]
    assert ids(lines, "r2") == ["m1", "a1", "m2", "a2"]


def test_a_run_that_goes_on_after_a_persons_word_does_not_ask_its_question_again() -> None:
    lines = [*turn(1, None, "waiting"), *turn(2, "r1", message=1)]
    assert ids(lines, "r2") == ["m1", "a1", "a2"]


def test_an_older_turn_follows_the_one_before_it() -> None:
    lines = [*turn(1, FOLLOWS_HEAD), *turn(2, FOLLOWS_HEAD)]
    assert path_of(lines, RunId("r2")) == ["r1", "r2"]


def test_parents_that_go_in_a_circle_end() -> None:
    assert path_of([*turn(1, "r2"), *turn(2, "r1")], RunId("r1")) == ["r2", "r1"]


def test_the_last_words_of_a_run_that_did_not_succeed_say_so() -> None:
    lines = [*turn(1, None, "interrupted"), *turn(2, "r1", "success"), *turn(3, "r2", "cancelled")]
    outcomes = [
        message.get("metadata", {}).get("jupyter", {}).get("outcome") for message in messages_to(lines, RunId("r3"))
    ]
    assert outcomes == [None, "interrupted", None, None, None, "cancelled"]
