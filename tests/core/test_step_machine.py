"""Two servers on one transcript, doing anything in any order: what can never be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from jupyter_chat_sessions.core.conversation import Conversation, begin
from jupyter_chat_sessions.core.errors import ChatError
from jupyter_chat_sessions.core.events import (
    Answered,
    Append,
    Cancelled,
    Closed,
    Contributed,
    Deleted,
    Ended,
    Event,
    Foreign,
    LaneReleased,
    LaneTaken,
    Regenerated,
    Remove,
    Said,
    Sent,
    Show,
    Start,
    Stop,
    Switched,
    Withdrew,
)
from jupyter_chat_sessions.core.ids import MessageId, RunId, ThreadId
from jupyter_chat_sessions.core.step import step
from jupyter_chat_sessions.core.transcript import (
    AnswerLine,
    ApprovalLine,
    DeletedLine,
    Line,
    MessageLine,
    Options,
    RunLine,
    StartLine,
    WithdrawnLine,
)

THREAD = ThreadId("8f14e45f-ceea-467f-9575-2d3c3c8a2d11")
AT = "2026-11-21T10:00:00.000Z"
WHO = st.sampled_from([0, 1])


class TwoServers(RuleBasedStateMachine):
    """`log` is the file, `servers` what each believes, `lane` who holds it, `performing` what each makes."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[Line] = []
        self.servers = [Conversation(THREAD), Conversation(THREAD)]
        self.read = [0, 0]
        self.lane: int | None = None
        self.started: list[RunId] = []
        self.performing: list[RunId | None] = [None, None]
        self.minted = 0

    # --- how a server meets an event: the order of engine.settle ------------------------------------------------

    def meet(self, who: int, event: Event | None, disk_refuses: bool = False) -> bool:
        """Whether the event was met."""
        before, kept = self.servers[who], (self.lane, list(self.started), list(self.performing))
        foreign = self.log[self.read[who] :]
        new: list[Line] = []
        refused = False
        for line in foreign:
            self.one(who, Foreign(line), new)
        self.try_lane(who, new, force=isinstance(event, Regenerated))
        if event is not None:
            try:
                self.one(who, event, new)
            except ChatError:
                refused = True
        self.try_lane(who, new)
        if disk_refuses and new:
            self.lane, self.started, self.performing = kept
            self.servers[who] = replace(begin(THREAD, None, self.log), has_lane=before.has_lane)
            self.read[who] = len(self.log)
            return False
        self.log += new
        self.read[who] = len(self.log)
        if self.servers[who].may_release_lane:
            self.lane = None
            self.one(who, LaneReleased(), [])
        return not refused

    def try_lane(self, who: int, new: list[Line], force: bool = False) -> None:
        if (self.servers[who].wants_lane or force) and self.lane is None:
            self.lane = who
            self.one(who, LaneTaken(), new)

    def one(self, who: int, event: Event, new: list[Line]) -> None:
        before = self.servers[who]
        self.servers[who], effects = step(before, event, AT)
        wrote = [place for place, effect in enumerate(effects) if isinstance(effect, Append)]
        assert wrote in ([], [0]), "what goes to disk comes first, once"
        for effect in effects:
            if isinstance(effect, Append):
                new += effect.lines
            elif isinstance(effect, Start):
                assert self.lane == who, "only the holder of the lane starts"
                assert not before.is_deleted, "a deleted thread starts nothing"
                self.started.append(effect.run_id)
                self.performing[who] = effect.run_id
            elif isinstance(effect, Stop):
                assert self.lane == who
                assert before.running is not None
                assert effect.run_id == before.running.run_id == self.performing[who]
            elif isinstance(effect, Show):
                assert self.lane == who
            elif isinstance(effect, Remove):
                assert self.servers[who].is_deleted
                assert self.servers[who].running is None

    def mint(self) -> int:
        self.minted += 1
        return self.minted

    def run_id(self, number: int) -> RunId:
        return RunId(f"00000000-0000-4000-8000-{number:012d}")

    # --- what may happen ----------------------------------------------------------------------------------------

    @rule(who=WHO, mode=st.sampled_from(["queue", "queue", "reject", "interrupt"]), refuses=st.booleans())
    def send(self, who: int, mode: Any, refuses: bool) -> None:
        number = self.mint()
        message_id = MessageId(f"m{number}")
        was_met = self.meet(who, Sent(message_id, "x", self.run_id(number), mode), refuses)
        is_on_disk = any(isinstance(line, MessageLine) and line.message["id"] == message_id for line in self.log)
        assert was_met == is_on_disk, "accepted means on disk, refused means not"
        if was_met and mode == "interrupt":
            assert [each.message_id for each in self.servers[who].queue] in ([], [message_id]), "it goes next"

    @precondition(lambda self: self.minted > 0)
    @rule(who=WHO, data=st.data())
    def send_again(self, who: int, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, self.minted))
        self.meet(who, Sent(MessageId(f"m{number}"), "x", self.run_id(self.mint())))

    @rule(who=WHO, data=st.data())
    def branch(self, who: int, data: st.DataObject) -> None:
        known = [None, *(run for run in self.servers[who].runs)]
        number = self.mint()
        options = Options(parent_run_id=data.draw(st.sampled_from(known)), is_branch=True)
        self.meet(who, Sent(MessageId(f"m{number}"), "x", self.run_id(number), options=options))

    @precondition(lambda self: self.minted > 0)
    @rule(who=WHO, data=st.data())
    def regenerate(self, who: int, data: st.DataObject) -> None:
        number = data.draw(st.integers(1, self.minted))
        self.meet(who, Regenerated(MessageId(f"m{number}"), self.run_id(self.mint())))

    @precondition(lambda self: self.minted > 0)
    @rule(who=WHO, data=st.data())
    def withdraw(self, who: int, data: st.DataObject) -> None:
        self.meet(who, Withdrew(MessageId(f"m{data.draw(st.integers(1, self.minted))}")))

    @precondition(lambda self: self.minted > 0)
    @rule(who=WHO, data=st.data(), refuses=st.booleans())
    def switch(self, who: int, data: st.DataObject, refuses: bool) -> None:
        through = self.run_id(data.draw(st.integers(1, self.minted)))
        queue = begin(THREAD, None, self.log).queue
        if self.meet(who, Switched(through), refuses):
            now = begin(THREAD, None, self.log)
            assert now.head is not None
            path, run = [now.head], now.runs[now.head]
            while run.parent_run_id is not None:
                path.append(run.parent_run_id)
                run = now.runs[run.parent_run_id]
            assert through in path, "the path leads through it"
            assert not queue, "what waits follows the branch it was sent to"

    @rule(who=WHO, refuses=st.booleans())
    def cancel_all(self, who: int, refuses: bool) -> None:
        self.meet(who, Cancelled(), refuses)

    @precondition(lambda self: self.lane is not None)
    @rule(outcome=st.sampled_from(["success", "error", "cancelled", "waiting"]), refuses=st.booleans())
    def end(self, outcome: Any, refuses: bool) -> None:
        assert self.lane is not None
        running = self.servers[self.lane].running
        if running is not None:
            interrupts = ({"id": f"i{self.mint()}", "toolCallId": "c", "tool": "t"},) if outcome == "waiting" else ()
            self.meet(self.lane, Ended(running.run_id, outcome, interrupts=interrupts), refuses)

    @rule(who=WHO, refuses=st.booleans(), stale=st.booleans())
    def answer(self, who: int, refuses: bool, stale: bool) -> None:
        asked = begin(THREAD, None, self.log).asked
        answers = tuple({"interruptId": each["id"], "status": "resolved"} for each in asked.interrupts) if asked else ()
        named = self.run_id(1) if stale or asked is None else asked.run_id
        self.meet(who, Answered(answers, self.run_id(self.mint()), named), refuses)

    @rule(who=WHO, number=st.integers(1, 30))
    def end_late(self, who: int, number: int) -> None:
        """A run that is not in flight here says that it has ended."""
        is_waiting = any(each.run_id == self.run_id(number) for each in begin(THREAD, None, self.log).queue)
        if self.performing[who] != self.run_id(number) and not is_waiting:
            length = len([line for line in self.log if isinstance(line, RunLine) and line.outcome == "success"])
            self.meet(who, Ended(self.run_id(number), "success"))
            assert length == len([x for x in self.log if isinstance(x, RunLine) and x.outcome == "success"])

    @precondition(lambda self: self.lane is not None)
    @rule(role=st.sampled_from(["assistant", "tool"]))
    def contribute(self, role: str) -> None:
        assert self.lane is not None
        running = self.servers[self.lane].running
        if running is not None:
            self.meet(self.lane, Contributed(running.run_id, {"id": f"a{self.mint()}", "role": role, "content": "y"}))

    @rule(who=WHO, number=st.integers(1, 30))
    def say_late(self, who: int, number: int) -> None:
        """A piece of any run whatever: it is shown only where that run is in flight."""
        run_id = self.run_id(number)
        _, effects = step(self.servers[who], Said(run_id, {"type": "X"}), AT)
        running = self.servers[who].running
        may_show = self.lane == who and running is not None and running.run_id == run_id
        assert may_show or effects == ()

    @rule(who=WHO)
    def look(self, who: int) -> None:
        self.meet(who, None)

    @rule(who=WHO)
    def crash(self, who: int) -> None:
        if self.lane == who:
            self.lane = None
        self.performing[who] = None
        self.servers[who] = begin(THREAD, None, self.log)
        self.read[who] = len(self.log)

    @rule(who=WHO)
    def close(self, who: int) -> None:
        """Stops in an orderly way: what is running ends, what waits is left to the other."""
        self.meet(who, Closed())
        begun = len(self.started)
        running = self.performing[who]
        if running is not None:
            self.meet(who, Ended(running, "interrupted"))
        assert len(self.started) == begun
        assert self.lane != who or self.servers[who].is_deleted
        self.crash(who)

    @precondition(lambda self: self.minted > 12)
    @rule(who=WHO)
    def delete(self, who: int) -> None:
        self.meet(who, Deleted())

    # --- what can never be --------------------------------------------------------------------------------------

    @invariant()
    def numbers_have_no_gap(self) -> None:
        assert [line.seq for line in self.log] == list(range(1, len(self.log) + 1))

    @invariant()
    def at_most_one_run_is_in_flight(self) -> None:
        ended = {line.run_id for line in self.log if isinstance(line, RunLine)}
        starts = [line.run_id for line in self.log if isinstance(line, StartLine)]
        assert len(starts) == len(set(starts)), "a run starts once"
        assert sum(run not in ended for run in starts) <= 1

    @invariant()
    def a_run_ends_once_and_after_it_began(self) -> None:
        begun: set[RunId] = set()
        over: set[RunId] = set()
        for line in self.log:
            if isinstance(line, StartLine):
                begun.add(line.run_id)
            elif isinstance(line, RunLine):
                assert line.run_id in begun - over
                over.add(line.run_id)
            elif isinstance(line, MessageLine) and line.message["role"] != "user":
                assert line.run_id in begun - over, "nothing is said before a run begins or after it has ended"

    @invariant()
    def what_started_is_what_the_file_says(self) -> None:
        assert self.started == [line.run_id for line in self.log if isinstance(line, StartLine)]

    @invariant()
    def messages_are_answered_once_in_the_order_they_were_accepted(self) -> None:
        accepted = [line for line in self.log if isinstance(line, MessageLine) and line.message["role"] == "user"]
        assert len({line.message["id"] for line in accepted}) == len(accepted)
        first_runs = {line.run_id: place for place, line in enumerate(accepted)}
        order = [
            first_runs[line.run_id] for line in self.log if isinstance(line, StartLine) and line.run_id in first_runs
        ]
        assert order == sorted(order)

    @invariant()
    def nothing_accepted_is_forgotten(self) -> None:
        now = begin(THREAD, None, self.log)
        waiting = {each.message_id for each in now.queue}
        taken_back = {line.message_id for line in self.log if isinstance(line, WithdrawnLine)}
        begun = {line.message_id for line in self.log if isinstance(line, StartLine)}
        for message_id in now.accepted:
            assert (message_id in waiting) + (message_id in taken_back) + (message_id in begun) == 1

    @invariant()
    def a_deleted_thread_accepts_nothing(self) -> None:
        places = [place for place, line in enumerate(self.log) if isinstance(line, DeletedLine)]
        if places:
            rest = self.log[places[0] :]
            assert not any(isinstance(line, MessageLine) and line.message["role"] == "user" for line in rest)
            assert len(places) == 1

    @invariant()
    def who_has_read_all_holds_what_the_file_says(self) -> None:
        for who, server in enumerate(self.servers):
            if self.read[who] == len(self.log):
                assert replace(server, has_lane=False) == begin(THREAD, None, self.log)

    @invariant()
    def the_lane_is_held_by_one_that_knows_it(self) -> None:
        assert [server.has_lane for server in self.servers] == [self.lane == 0, self.lane == 1]

    @invariant()
    def what_the_holder_believes_in_flight_it_is_making(self) -> None:
        if self.lane is not None:
            running = self.servers[self.lane].running
            assert running is None or running.run_id == self.performing[self.lane]

    @invariant()
    def while_a_person_is_asked_nothing_begins_and_each_question_is_answered_once(self) -> None:
        asked: RunId | None = None
        answered: set[RunId] = set()
        for line in self.log:
            if isinstance(line, ApprovalLine):
                asked = line.run_id
            elif isinstance(line, AnswerLine):
                assert line.run_id == asked
                assert line.run_id not in answered
                answered.add(line.run_id)
                asked = None
            elif isinstance(line, StartLine) and asked is not None:
                regenerates = any(earlier.message_id == line.message_id for earlier in self.starts_before(line))
                assert regenerates, "only a person's regenerate goes past a question"
                asked = None

    def starts_before(self, line: Line) -> list[StartLine]:
        return [each for each in self.log if isinstance(each, StartLine) and each.seq < line.seq]

    @invariant()
    def an_idle_lane_is_free(self) -> None:
        if self.lane is not None and self.read[self.lane] == len(self.log):
            holder = self.servers[self.lane]
            assert holder.running is not None or holder.may_go_on or holder.is_deleted


TwoServers.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
test_two_servers_on_one_transcript_never_disagree = TwoServers.TestCase
