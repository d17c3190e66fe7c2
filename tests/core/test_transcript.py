"""Lines are read without raising and written so that they read back the same."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_chat_sessions.core.decoding import decode, decode_header
from jupyter_chat_sessions.core.errors import Unreadable
from jupyter_chat_sessions.core.ids import MessageId, RunId, ThreadId
from jupyter_chat_sessions.core.transcript import (
    AnswerLine,
    ApprovalLine,
    CancelLine,
    CopiedLine,
    DeletedLine,
    Header,
    HeadLine,
    Line,
    MessageLine,
    NotebookLine,
    Options,
    RestoredLine,
    RunLine,
    StartLine,
    TitleLine,
    UnknownLine,
    WithdrawnLine,
    encode,
    encode_header,
    text_of,
)

THREAD = ThreadId("8f14e45f-ceea-467f-9575-2d3c3c8a2d11")
RUN = RunId("11111111-1111-4111-8111-111111111111")
AT = "2026-11-21T10:00:00.000Z"
USER = {"id": "m1", "role": "user", "content": "hé\u2028llo \ud800"}

LINES: list[Line] = [
    MessageLine(1, AT, USER, RUN, Options("queue", "direct", RUN, True)),
    MessageLine(1, AT, USER, RUN, Options(is_branch=True)),
    MessageLine(1, AT, USER, RUN, Options(instructions="Be brief.", tool_names=("show",), visitor="0f")),
    MessageLine(1, AT, USER, RUN, Options(tool_names=(), asks_first=True)),
    MessageLine(2, AT, {"id": "m2", "role": "assistant", "content": "x", "toolCalls": []}, RUN),
    StartLine(3, AT, RUN, MessageId("m1"), None, "direct"),
    StartLine(3, AT, RUN, MessageId("m1"), RUN),
    StartLine(3, AT, RUN, MessageId("m1"), RUN, visitor="0f"),
    RunLine(4, AT, RUN, "error", {"input_tokens": 3}, {"code": "x", "message": "y"}),
    WithdrawnLine(5, AT, MessageId("m1")),
    HeadLine(6, AT, None),
    HeadLine(6, AT, RUN),
    ApprovalLine(7, AT, RUN, ({"id": "a", "toolCallId": "c"},)),
    ApprovalLine(7, AT, RUN, ({"id": "a", "toolCallId": "c"},), "mark"),
    AnswerLine(8, AT, RUN, ({"interruptId": "a"},), "owner"),
    CancelLine(9, AT, RUN),
    CancelLine(9, AT),
    TitleLine(10, AT, "Sales"),
    NotebookLine(11, AT, None),
    CopiedLine(12, AT, THREAD),
    DeletedLine(13, AT),
    RestoredLine(14, AT),
]


@pytest.mark.parametrize("line", LINES, ids=lambda line: type(line).__name__)
def test_a_line_reads_back_as_it_was_written(line: Line) -> None:
    raw = encode(line)
    assert raw.endswith(b"\n")
    assert raw.count(b"\n") == 1
    assert decode(raw, THREAD) == (line,)


@pytest.mark.parametrize(
    "raw",
    [
        b"123",
        b'"x"',
        b"null",
        b"[]",
        b"{}",
        b"",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"type":"message","seq":1,"created":"x"}',
        b'{"type":"message","seq":true,"created":"x","message":{"id":"a","role":"user"}}',
        b'{"type":"message","seq":0,"created":"x","message":{"id":"a","role":"user"}}',
        b'{"type":"message","seq":1,"created":"x","message":{"id":7,"role":"user"}}',
        b'{"type":"run","seq":1,"created":"x","run_id":"r","outcome":"fine"}',
        b'{"type":"title","seq":1,"created":"x","title":[]}',
        b'{"type":7,"seq":1,"created":"x"}',
    ],
)
def test_what_is_no_line_is_passed_over(raw: bytes) -> None:
    assert decode(raw, THREAD) == ()


@given(st.binary(max_size=200))
def test_no_bytes_make_reading_raise(raw: bytes) -> None:
    decode(raw, THREAD)


def test_a_type_or_version_of_the_future_keeps_its_place_in_the_order() -> None:
    later = {"type": "message", "schema_version": 2, "seq": 5, "created": AT, "words": ["x"]}
    assert decode(json.dumps(later).encode(), THREAD) == (UnknownLine(5, AT, "message"),)
    strange = {"type": "poll", "seq": 6, "created": AT}
    assert decode(json.dumps(strange).encode(), THREAD) == (UnknownLine(6, AT, "poll"),)


def test_a_header_reads_back_and_a_later_one_is_known_as_such() -> None:
    header = Header(THREAD, AT, "report.ipynb", "user:ada")
    assert decode_header(encode_header(header)) == header
    assert not header.is_newer
    assert decode_header(encode_header(Header(THREAD, AT, schema_version=2))).is_newer


def test_an_older_header_is_a_header() -> None:
    raw = json.dumps({"type": "header", "guid": THREAD.upper(), "pipeline_id": "p", "created": "2025-01-01T00:00:00Z"})
    assert decode_header(raw.encode()) == Header(THREAD, "2025-01-01T00:00:00Z")


@pytest.mark.parametrize("raw", [b"", b"null", b"{}", b'{"type":"turn"}', b'{"type":"header"}', b"\x00"])
def test_what_is_no_header_is_unreadable(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        decode_header(raw)


def test_an_older_turn_is_its_question_its_answers_and_its_run_with_stable_unique_ids() -> None:
    turn = {
        "type": "turn",
        "seq": 3,
        "created": "2025-01-01T00:00:00+00:00",
        "question": {"questions": [{"text": "draft"}, {"text": "What is it?"}]},
        "answer": {"answers": ["One.", {"text": "Two."}, {"odd": 3}]},
    }
    lines = decode(json.dumps(turn).encode(), THREAD)
    assert lines == decode(json.dumps(turn).encode(), THREAD)
    messages = [line.message for line in lines if isinstance(line, MessageLine)]
    assert [message["content"] for message in messages] == ["What is it?", "One.", "Two.", '{"odd": 3}']
    assert len({message["id"] for message in messages}) == 4
    assert {line.seq for line in lines} == {3}


def test_the_words_of_a_message_are_its_text_parts() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image", "url": "x"}, {"type": "text", "text": "b"}, 7]
    assert text_of({"id": "m", "role": "user", "content": parts}) == "a\nb"
    assert text_of({"id": "m", "role": "user"}) == ""


@pytest.mark.parametrize(
    ("name", "odd"),
    [
        ("toolCalls", None),
        ("toolCalls", [7]),
        ("toolCalls", [{"id": "c1", "function": None}]),
        ("toolCalls", [{"id": "c1", "function": {"name": "run_python", "arguments": {}}}]),
        ("metadata", []),
        ("metadata", {"jupyter": {"outputs": ["x"]}}),
        ("metadata", {"jupyter": {"outputs": [{"output_type": "display_data", "data": "x"}]}}),
        ("metadata", {"jupyter": {"artifacts": ["x"]}}),
    ],
)
def test_a_part_of_a_message_that_nobody_can_read_is_left_out_and_its_words_stay(name: str, odd: object) -> None:
    message = {"id": "a1", "role": "assistant", "content": "words"}
    record = {"type": "message", "seq": 1, "created": "now", "message": {**message, name: odd}}
    (line,) = decode(json.dumps(record).encode(), THREAD)
    assert isinstance(line, MessageLine)
    assert line.message == message
