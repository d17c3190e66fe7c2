"""Branches: which run one ends with, and what stands beside what."""

from __future__ import annotations

from jupyter_chat_sessions.core.branches import end_of_branch, runs_beside
from jupyter_chat_sessions.core.conversation import Run
from jupyter_chat_sessions.core.ids import MessageId, RunId


def runs(*given: tuple[str, str | None]) -> dict[RunId, Run]:
    """Runs in the order they began, each with its parent."""
    return {
        RunId(run): Run(RunId(run), MessageId("m"), RunId(parent) if parent else None, None, seq=seq)
        for seq, (run, parent) in enumerate(given, 1)
    }


TREE = runs(("a", None), ("b", "a"), ("c", "b"), ("b2", "a"), ("c2", "b"), ("a2", None))


def beside(*shown: str, from_the_root: bool = False) -> list[str]:
    found = runs_beside(TREE, [RunId(each) for each in shown], from_the_root=from_the_root)
    return [run.run_id for run in found]


def test_a_branch_ends_with_the_newest_of_those_that_follow() -> None:
    ends = {each: end_of_branch(TREE, RunId(each)) for each in ("a", "b", "c", "a2")}
    assert ends == {"a": "b2", "b": "c2", "c": "c", "a2": "a2"}


def test_runs_that_follow_each_other_in_a_circle_have_an_end() -> None:
    circle = runs(("a", "b"), ("b", "a"))
    assert {end_of_branch(circle, each) for each in circle} == {RunId("b")}


def test_beside_what_is_shown_stand_those_that_follow_the_same_or_it_in_the_order_they_began() -> None:
    assert beside("b", "c") == ["b2", "c2"]
    assert beside("a") == ["b", "b2"]
    assert beside("a", from_the_root=True) == ["b", "b2", "a2"]
    assert beside(from_the_root=True) == ["a", "a2"]
    assert beside("unknown") == []
