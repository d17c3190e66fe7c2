"""The rules of order, one promise each."""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import pytest

from jupyter_chat_sessions.core.conversation import CLIENT_TOOL, Conversation, begin
from jupyter_chat_sessions.core.errors import (
    Busy,
    ChatError,
    IdempotencyMismatch,
    Malformed,
    MessageNotFound,
    NotWaiting,
    RunInProgress,
    RunNotFound,
    Stale,
    ThreadDeleted,
)
from jupyter_chat_sessions.core.events import (
    Answered,
    Append,
    Cancelled,
    Closed,
    Consented,
    Contributed,
    Deleted,
    Earlier,
    Effect,
    Ended,
    Event,
    Foreign,
    Imported,
    LaneReleased,
    LaneTaken,
    Regenerated,
    Remove,
    Renamed,
    Said,
    Sent,
    Show,
    Start,
    Stop,
    Stopping,
    Switched,
    Withdrew,
)
from jupyter_chat_sessions.core.ids import MessageId, RunId, ThreadId
from jupyter_chat_sessions.core.rules.sending import MOST_WAITING
from jupyter_chat_sessions.core.step import OF_THE_LIVING, TO_THE_END, step
from jupyter_chat_sessions.core.transcript import (
    AnswerLine,
    CancelLine,
    ConsentLine,
    HeadLine,
    Line,
    MessageLine,
    Options,
    RunLine,
    StartLine,
)

AT = "2026-11-21T10:00:00.000Z"
THREAD = ThreadId("8f14e45f-ceea-467f-9575-2d3c3c8a2d11")


def run_id(number: int) -> RunId:
    return RunId(f"00000000-0000-4000-8000-{number:012d}")


def sent(number: int, **more: Any) -> Sent:
    return Sent(MessageId(f"m{number}"), more.pop("content", f"question {number}"), run_id(number), **more)


def fresh(has_lane: bool = True) -> Conversation:
    return Conversation(THREAD, has_lane=has_lane)


def after(conversation: Conversation, *events: Event) -> tuple[Conversation, list[Effect]]:
    effects: list[Effect] = []
    for event in events:
        conversation, more = step(conversation, event, AT)
        effects += more
    return conversation, effects


def lines(effects: list[Effect]) -> list[Line]:
    return [line for effect in effects if isinstance(effect, Append) for line in effect.lines]


def kinds(effects: list[Effect]) -> list[str]:
    return [type(effect).__name__ for effect in effects]


def test_every_event_has_one_rule_and_it_is_a_rule_for_that_event() -> None:
    assert not OF_THE_LIVING.keys() & TO_THE_END.keys()
    rules = {**OF_THE_LIVING, **TO_THE_END}
    assert rules.keys() == set(get_args(Event)) - {Said}, "a piece has none: it only is heard"
    assert {event: get_type_hints(rule)["event"] for event, rule in rules.items()} == {each: each for each in rules}


def test_a_message_and_its_start_are_one_write_that_comes_before_the_start() -> None:
    now, effects = after(fresh(), sent(1))
    assert kinds(effects) == ["Append", "Start"]
    assert [type(line).__name__ for line in lines(effects)] == ["MessageLine", "StartLine"]
    assert [line.seq for line in lines(effects)] == [1, 2]
    assert isinstance(effects[0], Append)
    assert effects[0].is_synced
    assert not now.receipt(MessageId("m1")).is_queued


def test_messages_that_meet_a_run_wait_and_are_answered_in_the_order_they_came() -> None:
    now, _ = after(fresh(), sent(1), sent(2), sent(3))
    assert [now.receipt(MessageId(f"m{n}")).queue_depth for n in (1, 2, 3)] == [0, 1, 2]
    now, effects = after(now, Ended(run_id(1), "success"))
    assert [effect.run_id for effect in effects if isinstance(effect, Start)] == [run_id(2)]
    assert now.running is not None
    assert now.running.parent_run_id == run_id(1)


def test_the_same_message_again_is_the_same_message() -> None:
    now, _ = after(fresh(), sent(1))
    again, effects = after(now, Sent(MessageId("m1"), "question 1", run_id(9)))
    assert effects == []
    assert again.receipt(MessageId("m1")).run_id == run_id(1)


def test_the_same_id_with_another_body_is_refused() -> None:
    now, _ = after(fresh(), sent(1))
    with pytest.raises(IdempotencyMismatch):
        step(now, sent(1, content="something else"), AT)


def test_a_run_answers_one_message_whether_it_waits_runs_or_has_ended() -> None:
    now, _ = after(fresh(), sent(1), sent(2))
    ended, _ = after(now, Ended(run_id(1), "success"))
    for taken in (1, 2):
        for conversation in (now, ended):
            with pytest.raises(IdempotencyMismatch, match="answers another message"):
                step(conversation, Sent(MessageId("m9"), "question 9", run_id(taken)), AT)


def test_mode_reject_refuses_while_a_run_is_in_flight() -> None:
    now, _ = after(fresh(), sent(1))
    waits, _ = after(fresh(has_lane=False), sent(1))
    for busy in (now, waits):
        with pytest.raises(RunInProgress):
            step(busy, sent(2, mode="reject"), AT)


def test_mode_interrupt_stops_what_is_running_takes_back_what_waits_and_goes_next() -> None:
    now, _ = after(fresh(), sent(1), sent(2))
    now, effects = after(now, sent(3, mode="interrupt"))
    assert Stop(run_id(1)) in effects
    assert [waiting.run_id for waiting in now.queue] == [run_id(3)]
    _, effects = after(now, Ended(run_id(1), "cancelled"))
    assert [effect.run_id for effect in effects if isinstance(effect, Start)] == [run_id(3)]


def test_cancel_without_a_run_stops_everything_and_names_it() -> None:
    now, _ = after(fresh(), sent(1), sent(2))
    now, effects = after(now, Cancelled())
    assert Stopping((run_id(1), run_id(2))) in effects
    assert Stop(run_id(1)) in effects
    assert now.queue == ()


def test_cancel_of_an_idle_thread_or_of_another_run_stops_nothing_and_writes_nothing() -> None:
    assert after(fresh(), Cancelled())[1] == [Stopping(())]
    now, _ = after(fresh(), sent(1))
    assert after(now, Cancelled(run_id(7)))[1] == [Stopping(())]


def test_cancel_of_a_waiting_run_takes_its_message_back() -> None:
    now, _ = after(fresh(), sent(1), sent(2))
    now, effects = after(now, Cancelled(run_id(2)))
    assert now.queue == ()
    assert Stopping((run_id(2),)) in effects


def test_who_does_not_hold_the_lane_asks_by_a_line_and_the_holder_heeds_it() -> None:
    holder, effects = after(fresh(), sent(1))
    other = begin(THREAD, None, lines(effects))
    other, effects = after(other, Cancelled())
    asked = lines(effects)
    assert [type(line) for line in asked] == [CancelLine]
    _, effects = after(holder, *(Foreign(line) for line in asked))
    assert Stop(run_id(1)) in effects
    third = begin(THREAD, None, lines(after(fresh(), sent(1))[1]))
    assert after(third, *(Foreign(line) for line in asked))[1] == [], "it is not theirs to stop"


def test_who_does_not_hold_the_lane_accepts_and_starts_nothing() -> None:
    now, effects = after(fresh(has_lane=False), sent(1))
    assert kinds(effects) == ["Append"]
    assert now.wants_lane
    now, effects = after(now, LaneTaken())
    assert kinds(effects) == ["Append", "Start"]


def test_whoever_takes_the_lane_ends_what_a_dead_process_left_and_keeps_its_words() -> None:
    _, effects = after(fresh(), sent(1), sent(2))
    words = {"id": "msg_1", "role": "assistant", "content": "The mean is"}
    _, effects = after(begin(THREAD, None, lines(effects)), LaneTaken((words,)))
    written = lines(effects)
    assert [type(line) for line in written] == [MessageLine, RunLine, StartLine]
    assert isinstance(written[0], MessageLine)
    assert written[0].message == words
    assert isinstance(written[1], RunLine)
    assert written[1].outcome == "interrupted"
    assert [effect.run_id for effect in effects if isinstance(effect, Start)] == [run_id(2)]


def test_what_is_not_of_the_run_in_flight_is_dropped() -> None:
    now, _ = after(fresh(), sent(1))
    late = [
        Said(run_id(9), {"type": "X"}),
        Contributed(run_id(9), {"id": "a", "role": "assistant"}),
        Ended(run_id(9), "success"),
    ]
    assert after(now, *late) == (now, [])
    released, _ = after(now, LaneReleased())
    assert after(released, Said(run_id(1), {"type": "X"}))[1] == []


def test_a_piece_is_shown_and_never_written() -> None:
    now, _ = after(fresh(), sent(1))
    same, effects = after(now, Said(run_id(1), {"type": "TEXT_MESSAGE_CONTENT"}))
    assert same is now
    assert effects == [Show({"type": "TEXT_MESSAGE_CONTENT"})]


@pytest.mark.parametrize(("calls", "is_synced"), [([{"id": "call_1"}], True), (None, False)])
def test_a_message_that_asks_for_tools_is_safe_on_disk_before_they_act(calls: Any, is_synced: bool) -> None:
    now, _ = after(fresh(), sent(1))
    message = {"id": "a", "role": "assistant", "content": "", **({"toolCalls": calls} if calls else {})}
    _, effects = after(now, Contributed(run_id(1), message))
    assert [effect.is_synced for effect in effects if isinstance(effect, Append)] == [is_synced]


def test_regenerate_answers_the_same_message_beside_its_first_answer() -> None:
    now, _ = after(fresh(), sent(1), Ended(run_id(1), "success"), sent(2), Ended(run_id(2), "success"))
    now, effects = after(now, Regenerated(MessageId("m2"), run_id(3)))
    assert now.running is not None
    assert (now.running.message_id, now.running.parent_run_id) == ("m2", run_id(1))
    assert Start(run_id(3), MessageId("m2"), None) in effects
    assert after(now, Regenerated(MessageId("m2"), run_id(3)))[1] == []
    for other in ("m1", "never said"):
        with pytest.raises(IdempotencyMismatch):
            step(now, Regenerated(MessageId(other), run_id(3)), AT)


def test_regenerate_is_refused_for_what_was_never_answered_and_while_a_run_is_in_flight() -> None:
    with pytest.raises(MessageNotFound):
        step(fresh(), Regenerated(MessageId("m1"), run_id(2)), AT)
    now, _ = after(fresh(), sent(1))
    with pytest.raises(RunInProgress):
        step(now, Regenerated(MessageId("m1"), run_id(2)), AT)


def test_a_branch_goes_on_from_the_run_it_names_and_from_the_root() -> None:
    now, _ = after(fresh(), sent(1), Ended(run_id(1), "success"), sent(2), Ended(run_id(2), "success"))
    branched, _ = after(now, sent(3, options=Options(parent_run_id=run_id(1), is_branch=True)))
    assert branched.running is not None
    assert branched.running.parent_run_id == run_id(1)
    rooted, _ = after(now, sent(4, options=Options(is_branch=True)))
    assert rooted.running is not None
    assert rooted.running.parent_run_id is None
    with pytest.raises(Malformed):
        step(now, sent(5, options=Options(parent_run_id=run_id(77), is_branch=True)), AT)


def test_what_was_said_elsewhere_is_told_on_a_branch_but_not_while_anything_else_goes_on() -> None:
    said = ({"id": "a", "role": "assistant", "content": "As I said."},)
    elsewhere = (Earlier(run_id(9), {"id": "q", "role": "user", "content": "Elsewhere?"}, said),)
    one, _ = after(fresh(), sent(1), Ended(run_id(1), "success"))
    beside = sent(3, options=Options(is_branch=True), earlier=elsewhere)
    now, effects = after(one, beside)
    assert [line.parent_run_id for line in lines(effects) if isinstance(line, StartLine)] == [None, run_id(9)]
    assert now.head == run_id(3)
    assert now.runs[run_id(3)].parent_run_id == run_id(9)
    busy, _ = after(fresh(), sent(1))
    assert len(lines(after(busy, beside)[1])) == 1
    assert [type(line).__name__ for line in lines(after(one, sent(4, earlier=elsewhere))[1])] == [
        "MessageLine",
        "StartLine",
    ]


def test_only_a_waiting_message_can_be_taken_back_and_twice_is_once() -> None:
    now, _ = after(fresh(), sent(1), sent(2))
    with pytest.raises(NotWaiting):
        step(now, Withdrew(MessageId("m1")), AT)
    with pytest.raises(MessageNotFound):
        step(now, Withdrew(MessageId("m9")), AT)
    now, _ = after(now, Withdrew(MessageId("m2")))
    assert now.queue == ()
    assert after(now, Withdrew(MessageId("m2"))) == (now, [])


def test_who_turns_to_another_branch_is_shown_it_to_its_end_and_the_next_message_follows_it() -> None:
    first = after(fresh(), sent(1), Ended(run_id(1), "success"), sent(2), Ended(run_id(2), "success"))[0]
    branched = after(first, sent(3, options=Options(is_branch=True)), Ended(run_id(3), "success"))[0]
    assert branched.head == run_id(3)
    turned, effects = after(branched, Switched(run_id(1)))
    assert turned.head == run_id(2)
    assert lines(effects) == [HeadLine(turned.seq, AT, run_id(2))]
    assert after(turned, Switched(run_id(2))) == (turned, []), "where one is already, nothing is written"
    now, _ = after(turned, sent(4))
    assert now.running is not None
    assert now.running.parent_run_id == run_id(2)


def test_nobody_turns_while_an_answer_is_made_or_asked_for_nor_to_what_is_not_there() -> None:
    now, _ = after(fresh(), sent(1), Ended(run_id(1), "success"), Regenerated(MessageId("m1"), run_id(2)))
    with pytest.raises(RunInProgress):
        step(now, Switched(run_id(1)), AT)
    asked, _ = after(now, Ended(run_id(2), "waiting", interrupts=({"id": "i", "toolCallId": "c", "tool": "t"},)))
    with pytest.raises(RunInProgress):
        step(asked, Switched(run_id(1)), AT)
    over, _ = after(now, Ended(run_id(2), "success"))
    with pytest.raises(RunNotFound):
        step(over, Switched(run_id(9)), AT)


def asked(*questions: str) -> Conversation:
    """A thread whose last run asks a person these."""
    interrupts = tuple({"id": each, "toolCallId": f"call_{each}", "tool": "count"} for each in questions)
    return after(fresh(), sent(1), Ended(run_id(1), "waiting", interrupts=interrupts))[0]


def yes(question: Any, **payload: Any) -> dict[str, Any]:
    return {"interruptId": question, "status": "resolved", "payload": {"approve": True, **payload}}


@pytest.mark.parametrize(
    "answers",
    [
        [yes("one")],
        [yes("one"), yes("two"), yes("three")],
        [yes("one"), yes("one")],
        [yes("one"), yes("two"), {**yes("two"), "status": "cancelled"}],
        [yes("one"), yes(["two"])],
        [yes("one"), {"status": "resolved"}],
        [],
    ],
)
def test_each_question_is_answered_once_and_all_of_them_together(answers: list[dict[str, Any]]) -> None:
    now = asked("one", "two")
    with pytest.raises(Malformed):
        step(now, Answered(tuple(answers), run_id(2)), AT)
    _, effects = after(now, Answered((yes("two"), yes("one")), run_id(2)))
    assert kinds(effects) == ["Append", "Start"]


@pytest.mark.parametrize("cancelled", [Cancelled(), Cancelled(run_id(1))])
def test_stop_declines_what_is_asked_and_what_waited_behind_it_goes_on_or_goes_too(cancelled: Cancelled) -> None:
    now, _ = after(asked("one", "two"), sent(2))
    assert now.running is None, "while a person is asked, nothing begins"
    now, effects = after(now, cancelled)
    declined = [line for line in lines(effects) if isinstance(line, AnswerLine)]
    assert [[each["status"] for each in line.answers] for line in declined] == [["cancelled", "cancelled"]]
    stops_all = cancelled.run_id is None
    assert Stopping((run_id(2),) if stops_all else (run_id(1),)) in effects
    assert (now.running is None) == stops_all


def test_a_sender_who_interrupts_declines_what_is_asked() -> None:
    now, effects = after(asked("one"), sent(2, mode="interrupt"))
    assert [type(line) for line in lines(effects)] == [AnswerLine, MessageLine, StartLine]
    assert now.granted == frozenset()


def test_what_is_sent_goes_on_without_a_clients_tool() -> None:
    waits = ({"id": "one", "toolCallId": "c", "tool": "theirs", "reason": CLIENT_TOOL},)
    now, _ = after(fresh(), sent(1), Ended(run_id(1), "waiting", interrupts=waits))
    _, effects = after(now, sent(2))
    assert [type(line) for line in lines(effects)] == [AnswerLine, MessageLine, StartLine]


@pytest.mark.parametrize(("offered", "granted"), [({}, {"count"}), ({"always": False}, set())])
def test_allowed_always_is_granted_only_where_that_was_offered(offered: dict[str, bool], granted: set[str]) -> None:
    question = {"id": "one", "toolCallId": "c", "tool": "count", **offered}
    now, _ = after(fresh(), sent(1), Ended(run_id(1), "waiting", interrupts=(question,)))
    now, _ = after(now, Answered((yes("one", always=True),), run_id(2)))
    assert now.granted == granted


def test_nothing_is_made_again_without_the_lane_nor_told_of_elsewhere_while_a_person_is_asked() -> None:
    over, _ = after(fresh(), sent(1), Ended(run_id(1), "success"), LaneReleased())
    with pytest.raises(RunInProgress):
        step(over, Regenerated(MessageId("m1"), run_id(2)), AT)
    turn = Earlier(run_id(9), {"id": "q", "role": "user", "content": "Elsewhere?"}, ())
    branch = sent(2, options=Options(is_branch=True), earlier=(turn,))
    assert [type(line) for line in lines(after(asked("one"), branch)[1])] == [MessageLine]


def test_what_was_changed_since_one_looked_is_neither_renamed_nor_deleted() -> None:
    now, _ = after(fresh(), Renamed("Sales"), Renamed("Costs", seen_at=1), sent(1), Ended(run_id(1), "success"))
    assert now.title == "Costs"
    for event in (Renamed("Gains", seen_at=1), Renamed("Gains", seen_at=0), Deleted(seen_at=2)):
        with pytest.raises(Stale):
            step(now, event, AT)
    assert after(now, Deleted(seen_at=now.seq))[0].is_deleted


def test_a_chat_is_brought_in_once_and_only_where_nothing_was_said() -> None:
    said = ({"id": "a", "role": "assistant", "content": "As I said."},)
    turn = Earlier(run_id(9), {"id": "q", "role": "user", "content": "Elsewhere?"}, said)
    imported = Imported((turn,), {"kind": "messages", "name": "a.json"}, "Old talk")
    now, effects = after(fresh(has_lane=False), imported)
    assert kinds(effects) == ["Append"]
    assert (now.title, now.message_count, now.head, now.is_busy) == ("Old talk", 2, run_id(9), False)
    assert after(now, imported) == (now, [])


def test_a_clock_that_is_set_back_takes_no_thread_down_the_list() -> None:
    now, _ = after(fresh(), sent(1))
    later, _ = step(now, Contributed(run_id(1), {"id": "a", "role": "assistant", "content": "x"}), "2020")
    assert later.updated == AT


def test_who_is_about_to_stop_begins_nothing_whatever_is_asked_for() -> None:
    waits, _ = after(asked("one"), Closed())
    over, _ = after(fresh(), sent(1), Ended(run_id(1), "success"), Closed())
    for now, event in ((waits, Answered((yes("one"),), run_id(2))), (over, Regenerated(MessageId("m1"), run_id(2)))):
        with pytest.raises(RunInProgress):
            step(now, event, AT)
    assert kinds(after(over, sent(2))[1]) == ["Append"], "it waits for the next server"


def test_a_deleted_thread_accepts_nothing_and_goes_when_its_last_run_has_ended() -> None:
    now, _ = after(fresh(), sent(1), sent(2))
    now, effects = after(now, Deleted())
    assert Remove() not in effects
    refused: list[Event] = [sent(3), Renamed("x"), Withdrew(MessageId("m2")), Regenerated(MessageId("m1"), run_id(5))]
    for event in refused:
        with pytest.raises(ThreadDeleted):
            step(now, event, AT)
    empty, _ = after(fresh(), Renamed("Nothing was said"), Deleted())
    turn = Earlier(run_id(9), {"id": "q", "role": "user", "content": "Elsewhere?"}, ())
    for event in (Imported((turn,), {"kind": "messages", "name": "a.json"}), sent(4), Consented("mark")):
        with pytest.raises(ThreadDeleted):
            step(empty, event, AT)
    result = {"id": "t", "role": "tool", "toolCallId": "c", "content": "done"}
    now, effects = after(now, Contributed(run_id(1), result))
    assert Stop(run_id(1)) in effects
    now, effects = after(now, Ended(run_id(1), "cancelled"))
    assert effects[-1] == Remove()
    assert not any(isinstance(effect, Start) for effect in effects)


def test_too_many_waiting_messages_are_refused_before_anything_is_written() -> None:
    now, _ = after(fresh(), *(sent(n) for n in range(1, MOST_WAITING + 2)))
    with pytest.raises(Busy):
        step(now, sent(MOST_WAITING + 2), AT)


def test_a_title_is_the_chosen_one_else_the_first_words_else_untitled() -> None:
    assert fresh().title == "Untitled chat"
    now, _ = after(fresh(), sent(1, content="  Plot   the\nsales " + "x" * 100))
    assert now.title.startswith("Plot the sales x")
    assert len(now.title) <= 60
    now, _ = after(now, Renamed("Sales"))
    assert now.title == "Sales"
    now, _ = after(now, Renamed(""))
    assert now.title == "Untitled chat"


def test_a_thread_begun_with_a_command_is_titled_by_the_first_words_that_are_none() -> None:
    now, _ = after(fresh(), sent(1, content="/model openai:gpt"))
    assert now.title == "/model openai:gpt"
    now, _ = after(now, sent(2, content="/files"))
    assert now.title == "/model openai:gpt"
    now, _ = after(now, sent(3, content="Plot the sales"), sent(4, content="and the costs"))
    assert now.title == "Plot the sales"


def test_a_title_given_before_the_first_message_is_kept() -> None:
    now, _ = after(fresh(), Renamed("Sales"), sent(1))
    assert now.title == "Sales"


def test_two_that_read_one_transcript_hold_the_same_conversation() -> None:
    ours, effects = after(fresh(), sent(1), sent(2), Ended(run_id(1), "success"), Renamed("x"), Cancelled())
    theirs = begin(THREAD, None, lines(effects))
    assert theirs.seq == ours.seq
    assert (theirs.head, theirs.queue, theirs.running, theirs.runs) == (ours.head, ours.queue, ours.running, ours.runs)


def test_a_refused_event_changes_nothing() -> None:
    now, _ = after(fresh(), sent(1))
    for event in (sent(1, content="else"), sent(2, mode="reject"), Withdrew(MessageId("m1"))):
        with pytest.raises(ChatError):
            step(now, event, AT)
    assert now.seq == 2


def test_consent_is_written_when_it_changes() -> None:
    given, effects = step(fresh(), Consented("mark", "owner"), AT)
    assert effects == (Append((ConsentLine(1, AT, "mark", "owner"),), True),)
    assert step(given, Consented("mark"), AT) == (given, ())
    withdrawn, effects = step(given, Consented(None), AT)
    assert effects == (Append((ConsentLine(2, AT, None),), True),)
    assert (given.consent, withdrawn.consent) == ("mark", None)
