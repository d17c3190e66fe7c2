"""Whatever stands on disk, which anyone may have written: it is read, adopted, shown and met, or passed over."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_chat_sessions.core.branches import end_of_branch
from jupyter_chat_sessions.core.context import context_text
from jupyter_chat_sessions.core.conversation import begin
from jupyter_chat_sessions.core.decoding import decode
from jupyter_chat_sessions.core.errors import ChatError
from jupyter_chat_sessions.core.events import Answered, Cancelled, Event, LaneTaken, Regenerated, Sent, Switched
from jupyter_chat_sessions.core.frames import asked_record, line_frame, queue_record, run_ended
from jupyter_chat_sessions.core.history import messages_to
from jupyter_chat_sessions.core.ids import MessageId, RunId, ThreadId
from jupyter_chat_sessions.core.live import unfinished_of
from jupyter_chat_sessions.core.step import step
from jupyter_chat_sessions.core.transcript import OUTCOMES, MessageLine, RunLine, encode

THREAD = ThreadId("8f14e45f-ceea-467f-9575-2d3c3c8a2d11")
RUN = RunId("00000000-0000-4000-8000-000000000001")
AT = "2026-11-21T10:00:00.000Z"
HERE = "mark of here"

WORDS = st.sampled_from(["a", "b", "c", "head", "user", "resolved", HERE])
NAMES = st.sampled_from(
    ["id", "type", "text", "path", "jupyter", "artifacts", "outputs", "context", "payload", "always"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)


def mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(usual, usual, usual, VALUES)


def objects(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=parts)


def line(kind: str, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    always = {"type": st.just(kind), "seq": st.integers(1, 30), "created": st.just(AT)}
    return st.fixed_dictionaries(always, optional={name: mostly(part) for name, part in parts.items()})


PLACE = st.just(HERE)
CALL = objects(id=WORDS, function=objects(name=WORDS, arguments=WORDS))
JUPYTER = objects(context=st.lists(objects(type=WORDS, path=VALUES), max_size=2), artifacts=VALUES, outputs=VALUES)
MESSAGE = objects(
    id=WORDS,
    role=st.sampled_from(["user", "assistant", "tool"]),
    content=VALUES,
    toolCalls=mostly(st.lists(CALL, max_size=2)),
    metadata=mostly(objects(jupyter=mostly(JUPYTER))),
)
OPTIONS = objects(
    place=PLACE, parent_run_id=WORDS, permissions=VALUES, tools=VALUES, tool_names=VALUES, instructions=WORDS
)
INTERRUPT = objects(id=mostly(WORDS), toolCallId=mostly(WORDS), tool=VALUES, always=VALUES, grant=VALUES, shown=VALUES)
ANSWER = objects(interruptId=mostly(WORDS), status=st.just("resolved"), payload=VALUES)
LINES = st.one_of(
    line("message", message=MESSAGE, run_id=WORDS, options=OPTIONS),
    line("start", run_id=WORDS, message_id=WORDS, parent_run_id=WORDS, model=WORDS, visitor=WORDS),
    line("run", run_id=WORDS, outcome=st.sampled_from(OUTCOMES), usage=VALUES, error=VALUES),
    line("approval", run_id=WORDS, interrupts=st.lists(INTERRUPT, max_size=2), place=PLACE),
    line("answer", run_id=WORDS, answers=st.lists(ANSWER, max_size=2), place=PLACE),
    line("withdrawn", message_id=WORDS),
    line("head", run_id=WORDS),
    line("cancel", run_id=WORDS),
    line("title", title=WORDS),
    line("turn", question=VALUES, answer=VALUES),
)
RUNS = st.sampled_from([RunId("a"), RunId("b"), RunId("c")])
EVENTS = st.one_of(
    st.builds(Sent, st.sampled_from([MessageId("a"), MessageId("new")]), st.just("x"), RUNS),
    st.builds(Regenerated, st.just(MessageId("a")), RUNS),
    st.builds(Answered, st.lists(ANSWER, max_size=2).map(tuple), RUNS),
    st.builds(Switched, RUNS),
    st.builds(Cancelled, st.none() | RUNS),
)


def asks(question: Any, **more: Any) -> dict[str, Any]:
    interrupts = [{"id": question, "toolCallId": "c", "tool": "t"}]
    return {"type": "approval", "seq": 1, "created": AT, "run_id": "a", "interrupts": interrupts, "place": HERE, **more}


def answers(question: Any) -> dict[str, Any]:
    given = [{"interruptId": question, "status": "resolved", "payload": {"approve": True, "always": True}}]
    return {"type": "answer", "seq": 2, "created": AT, "run_id": "a", "answers": given, "place": HERE}


@example([asks("i"), answers(["i"])], [])
@example([asks(["i"]), answers(["i"])], [Cancelled()])
@example([asks("i", interrupts=[{}])], [Answered(({"interruptId": {}},), RunId("b"))])
@given(st.lists(LINES, max_size=8), st.lists(EVENTS, max_size=3))
@settings(max_examples=150)
def test_lines_of_any_shape_are_read_adopted_shown_and_met(records: list[dict[str, Any]], events: list[Event]) -> None:
    lines = [line for record in records for line in decode(json.dumps(record).encode(), THREAD)]
    now = begin(THREAD, None, lines, HERE)
    for each in lines:
        assert decode(encode(each), THREAD) == (each,)
        assert json.loads(line_frame(each, str).text)
        if isinstance(each, MessageLine):
            context_text(each.message)
        elif isinstance(each, RunLine):
            run_ended(THREAD, each, now.asked)
    assert json.dumps([asked_record(now.asked), queue_record(now.queue), now.title])
    for run_id in now.runs:
        assert end_of_branch(now.runs, run_id) in now.runs
        messages_to(lines, run_id)
    for event in (LaneTaken(), *events):
        try:
            now, _ = step(now, event, AT)
        except ChatError:
            continue


OUTPUT = objects(output_type=st.just("stream"), name=WORDS, text=mostly(WORDS))
PIECES = objects(
    type=st.sampled_from(["TEXT_MESSAGE_CONTENT", "TOOL_CALL_START", "TOOL_CALL_ARGS", "TOOL_CALL_END", "CUSTOM"]),
    messageId=mostly(WORDS),
    delta=mostly(WORDS),
    toolCallId=mostly(WORDS),
    toolCallName=mostly(WORDS),
    name=st.sampled_from(["tool_output", "tool_status"]),
    value=mostly(objects(toolCallId=mostly(WORDS), output=mostly(OUTPUT), text=mostly(WORDS))),
)


def says(delta: Any, message_id: Any = "m") -> dict[str, Any]:
    return {"type": "TEXT_MESSAGE_CONTENT", "messageId": message_id, "delta": delta}


def shows(call_id: Any, **output: Any) -> dict[str, Any]:
    return {"type": "CUSTOM", "name": "tool_output", "value": {"toolCallId": call_id, "output": output}}


@example([says("The mean "), says(5), says("is 3."), says("No.", ["m"])])
@example([shows("c", output_type="stream"), shows("c", output_type="stream", text=["x"]), shows(None)])
@given(st.lists(PIECES, max_size=6))
@settings(max_examples=100)
def test_a_draft_of_any_shape_becomes_messages_that_a_line_can_keep(events: list[dict[str, Any]]) -> None:
    for message in unfinished_of(RUN, events, "interrupted"):
        kept = MessageLine(1, AT, message, RUN)
        assert decode(encode(kept), THREAD) == (kept,)
        assert isinstance(message["content"], str)


def test_the_words_beside_a_broken_piece_of_a_draft_are_kept() -> None:
    [message] = unfinished_of(RUN, [says("The mean "), says(5), {}, says("is 3.")], "interrupted")
    assert message["content"] == "The mean is 3."


def nested(depth: int) -> bytes:
    content = "[" * depth + "]" * depth
    message = f'{{"id":"a","role":"user","content":{content}}}'
    return f'{{"type":"message","seq":1,"created":"{AT}","run_id":"a","message":{message}}}'.encode()


def under(frames: int, act: Callable[[], None]) -> None:
    """Does it as far down the stack as a server's loop may be."""
    if frames:
        under(frames - 1, act)
    else:
        act()


def test_what_nests_so_deep_that_no_frame_could_tell_it_is_no_line() -> None:
    def adopt_and_tell() -> None:
        for depth in (50, 480, 600, 900, 100_000):
            lines = decode(nested(depth), THREAD)
            assert len(lines) == (depth < 500)
            begin(THREAD, None, lines, HERE)
            assert all(json.loads(line_frame(each, str).text) for each in lines)

    under(200, adopt_and_tell)
    brackets = {"id": "a", "role": "user", "content": "[" * 100_000}
    assert len(decode(encode(MessageLine(1, AT, brackets, RUN)), THREAD)) == 1, "what only is said nests nothing"
