"""What each line does to a conversation."""

from __future__ import annotations

from typing import get_type_hints

from jupyter_chat_sessions.core import transcript
from jupyter_chat_sessions.core.conversation.adopting import TOLD_BY


def test_every_line_that_tells_something_has_one_function_and_it_is_for_that_line() -> None:
    written = set(transcript._TYPE_OF)
    assert written - TOLD_BY.keys() == {transcript.CopiedLine, transcript.ImportedLine}
    assert {kind: get_type_hints(told)["line"] for kind, told in TOLD_BY.items()} == {each: each for each in TOLD_BY}
