"""A page of the conversation: the messages on the path from the head to the root, found by reading backwards.

The rule kept here: what is not on the path is never shown, and reading stops as soon as nothing older can belong to
the page. A start stands before everything its run says, and a message before every start that names it, so on the way
back the path unfolds by itself: the newest `start` or `head` is the head, each start found names the next one to find.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..core.ids import MessageId, RunId
from ..core.roles import Page
from ..core.transcript import FOLLOWS_HEAD, HeadLine, Line, MessageLine, RunLine, StartLine, WithdrawnLine
from .backwards import Group


def page_of_path(groups: Iterable[Group], before: int | None, limit: int) -> Page:
    """At most `limit` messages of the path, older than line `before`, with the `start` and `run` lines of their runs.

    Oldest first, in the file's order. Without `before` the page is the newest, and waiting messages stand at its end.
    """
    search = _PathSearch(before, limit)
    for group in groups:
        if search.is_done():
            break
        search.pass_over(group)
    return search.page()


class _PathSearch:
    """What is known on the way from the end of the file to its beginning."""

    def __init__(self, before: int | None, limit: int) -> None:
        self._before = before
        self._limit = limit
        self._place = 0  # counts down: the file's order, for sorting
        self._bad = 0
        self._wanted: RunId | None = FOLLOWS_HEAD  # the run of the path whose start is yet to be found
        self._asked: dict[str, list[RunId]] = {}  # messages that starts of the path name, and which runs they began
        self._unfound: set[str] = set()  # of these, the ones whose line is yet to be found
        self._unstarted: set[RunId] = set()  # runs with a message on the page whose start is yet to be found
        self._said: dict[RunId, list[tuple[int, MessageLine]]] = {}  # what runs said that may yet be on the path
        self._about: dict[RunId, list[tuple[int, Line]]] = {}  # starts and ends of runs
        self._on_path: set[RunId] = set()
        self._begun: set[str] = set()  # messages and runs that a start names
        self._withdrawn: set[str] = set()
        self._has_met_begun = False  # a message that was begun: messages begin in order, so nothing older waits
        self._page: list[tuple[int, MessageLine, tuple[RunId, ...]]] = []
        self._waiting: list[MessageLine] = []
        self._has_more = False

    def pass_over(self, group: Group) -> None:
        self._bad += not group
        for line in reversed(group):
            self._place -= 1
            if isinstance(line, StartLine):
                self._meet_start(line)
            elif isinstance(line, HeadLine):
                self._meet_head(line.run_id)
            elif isinstance(line, RunLine):
                self._about.setdefault(line.run_id, []).append((self._place, line))
            elif isinstance(line, WithdrawnLine):
                self._withdrawn.add(line.message_id)
            elif isinstance(line, MessageLine):
                self._meet_message(line)

    def is_done(self) -> bool:
        """Whether nothing older can change the page."""
        if self._unstarted or (self._before is None and not self._has_met_begun):
            return False
        is_full = len(self._page) >= self._limit and self._has_more
        return is_full or (self._wanted is None and not self._unfound)

    def page(self) -> Page:
        runs = {run for _, _, runs in self._page for run in runs}
        placed: list[tuple[int, Line]] = [(place, line) for place, line, _ in self._page]
        placed += [each for run in runs for each in self._about.get(run, ())]
        lines = [line for _, line in sorted(placed, key=lambda each: each[0])]
        # A line that was copied to a later place, as a merge of files does, waits for nothing: its start is older.
        waiting = [line for line in reversed(self._waiting) if line.message["id"] not in self._begun]
        return Page((*lines, *waiting), more=self._has_more, bad=self._bad)

    def _meet_head(self, run_id: RunId | None) -> None:
        if self._wanted == FOLLOWS_HEAD:
            self._want(run_id)

    def _meet_start(self, line: StartLine) -> None:
        self._meet_head(line.run_id)
        self._begun |= {line.run_id, line.message_id}
        self._about.setdefault(line.run_id, []).append((self._place, line))
        self._unstarted.discard(line.run_id)
        if line.run_id != self._wanted:
            self._said.pop(line.run_id, None)
            return
        asked = self._asked.setdefault(line.message_id, [])
        if not asked:
            self._unfound.add(line.message_id)
        asked.append(line.run_id)
        self._want(line.parent_run_id)

    def _want(self, run_id: RunId | None) -> None:
        self._wanted = run_id
        if run_id is None or run_id == FOLLOWS_HEAD:
            return
        self._on_path.add(run_id)
        for place, line in self._said.pop(run_id, ()):
            self._take(place, line, (run_id,))

    def _meet_message(self, line: MessageLine) -> None:
        if line.message["role"] == "user":
            self._meet_question(line, MessageId(line.message["id"]))
        elif line.run_id in self._on_path:
            self._take(self._place, line, (line.run_id,))
        elif line.run_id is not None and line.run_id not in self._begun:
            self._said.setdefault(line.run_id, []).append((self._place, line))

    def _meet_question(self, line: MessageLine, message_id: MessageId) -> None:
        if message_id in self._unfound:
            self._unfound.discard(message_id)
            self._take(self._place, line, tuple(self._asked[message_id]))
        if message_id in self._begun or line.run_id in self._begun:
            self._has_met_begun = True
        elif line.run_id is not None and self._before is None and message_id not in self._withdrawn:
            self._waiting.append(line)

    def _take(self, place: int, line: MessageLine, runs: tuple[RunId, ...]) -> None:
        if self._before is not None and line.seq >= self._before:
            return
        if len(self._page) >= self._limit and not (self._page and line.seq == self._page[-1][1].seq):
            self._has_more = True
            return
        self._page.append((place, line, runs))
        self._unstarted |= {run for run in runs if run not in self._begun}
