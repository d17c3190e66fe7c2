"""Ids are parsed once, at the door."""

import pytest

from jupyter_chat_sessions.core.errors import InvalidMessageId, InvalidRunId, InvalidSessionKey, InvalidThreadId
from jupyter_chat_sessions.core.ids import (
    new_thread_id,
    older_message_id,
    parse_message_id,
    parse_run_id,
    parse_session_key,
    parse_thread_id,
    tool_message_id,
)

A = "8f14e45f-ceea-467f-9575-2d3c3c8a2d11"

NOT_THREAD_IDS = [
    "",
    "  ",
    ".",
    "..",
    "/",
    "a/b",
    "..b",
    "%2e%2e",
    "\0",
    "x" * 300,
    "con",
    None,
    7,
    ["x"],
    A + "\n",
    f"{{{A}}}",
    f"urn:uuid:{A}",
    A.replace("-", ""),
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    A.replace("8", "\uff18"),
]


@pytest.mark.parametrize("given", NOT_THREAD_IDS)
def test_what_is_no_uuid_is_refused_as_a_thread_id_and_the_words_say_what_is_expected(given: object) -> None:
    with pytest.raises(InvalidThreadId, match="UUID"):
        parse_thread_id(given)


def test_an_upper_case_thread_id_names_the_lower_case_folder() -> None:
    assert parse_thread_id(A.upper()) == A


def test_a_fresh_thread_id_parses_as_itself() -> None:
    fresh = new_thread_id()
    assert parse_thread_id(fresh) == fresh


def test_a_run_id_is_a_uuid() -> None:
    assert parse_run_id(A.upper()) == A
    with pytest.raises(InvalidRunId):
        parse_run_id("latest")


@pytest.mark.parametrize("given", ["", "a b", "a\n", "x" * 129, None, 3, "../x"])
def test_a_message_id_is_a_short_plain_word(given: object) -> None:
    with pytest.raises(InvalidMessageId):
        parse_message_id(given)


def test_blanks_around_a_session_key_mean_nothing_and_an_empty_key_is_no_key() -> None:
    assert parse_session_key("  x ") == parse_session_key("x") == "x"
    assert parse_session_key("   ") is None
    assert parse_session_key("") is None
    assert parse_session_key(None) is None


@pytest.mark.parametrize("given", ["x" * 257, "a\tb", "a\x00", "ü", "internal:x", "chat:x", "_x", 5])
def test_a_long_strange_or_reserved_session_key_is_refused(given: object) -> None:
    with pytest.raises(InvalidSessionKey):
        parse_session_key(given)


def test_ids_of_an_older_file_are_the_same_at_every_reading_and_differ_by_place() -> None:
    thread_id = parse_thread_id(A)
    ids = {
        older_message_id(thread_id, seq, role, i) for seq in (1, 2) for role in ("user", "assistant") for i in (0, 1)
    }
    assert len(ids) == 8
    assert older_message_id(thread_id, 1, "user", 0) in ids


def test_one_tool_call_of_a_run_has_one_result_id() -> None:
    run_id = parse_run_id(A)
    assert tool_message_id(run_id, "call_0") == tool_message_id(run_id, "call_0") != tool_message_id(run_id, "call_1")
