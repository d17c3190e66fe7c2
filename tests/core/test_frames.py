"""Frames as text: what is written by hand because there is so much of it is the JSON it stands for."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from jupyter_chat_sessions.core.frames import Frame, run_frame
from jupyter_chat_sessions.core.ids import new_run_id

ANY_TEXT = st.text(st.characters(codec=None))
"""Halves of surrogate pairs, quotes and line ends among it."""


@given(delta=ANY_TEXT, message_id=ANY_TEXT, kind=st.sampled_from(["TEXT_MESSAGE_CONTENT", "REASONING_MESSAGE_CONTENT"]))
def test_a_piece_of_text_is_written_as_any_frame_is(delta: str, message_id: str, kind: str) -> None:
    frame = run_frame(new_run_id(), 7, {"type": kind, "messageId": message_id, "delta": delta})
    assert frame.text == json.dumps(frame.body, separators=(",", ":"))


def test_an_event_with_more_to_it_loses_nothing() -> None:
    more = {"type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": "x", "timestamp": 3}
    for event in (more, {"type": "TOOL_CALL_ARGS", "toolCallId": "c", "delta": "{}"}, {"type": "RUN_STARTED"}):
        frame = run_frame(new_run_id(), 1, event)
        assert json.loads(frame.text) == frame.body
    assert json.loads(Frame({"kind": "hello", "n": 1, "event": {}}).text) == {"kind": "hello", "n": 1, "event": {}}
