"""Branches of a conversation: runs that stand beside each other, and the run a branch ends with.

A branch is nothing on disk: runs that follow the same run are its beginnings, and of several the newest goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .conversation import Run
from .ids import RunId


def end_of_branch(runs: Mapping[RunId, Run], through: RunId) -> RunId:
    """The run a branch through `through` ends with: of several that follow one, the newest is taken."""
    newest: dict[RunId, Run] = {}
    for run in runs.values():
        parent = run.parent_run_id
        if parent is not None and (parent not in newest or newest[parent].seq < run.seq):
            newest[parent] = run
    end = runs[through]
    # A start stands behind the one it follows; lines that say otherwise must not lead round in a circle.
    while (following := newest.get(end.run_id)) is not None and following.seq > end.seq:
        end = following
    return end.run_id


def runs_beside(runs: Mapping[RunId, Run], shown: Iterable[RunId], *, from_the_root: bool) -> tuple[Run, ...]:
    """Runs that follow what the `shown` ones follow, or one of them: other branches, in the order they began.

    `from_the_root`: the first of those shown is the conversation's first, so others at the root stand beside it.
    """
    here = {run_id for run_id in shown if run_id in runs}
    parents: set[RunId | None] = {runs[run_id].parent_run_id for run_id in here} | here
    if from_the_root:
        parents.add(None)
    else:
        parents.discard(None)
    found = (run for run in runs.values() if run.run_id not in here and run.parent_run_id in parents)
    return tuple(sorted(found, key=lambda run: run.seq))
