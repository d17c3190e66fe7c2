"""Reading streams as servers write them, whole or torn, sane or not; and waiting with an end."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_chat_sessions.agents.openai_compatible import sse
from jupyter_chat_sessions.agents.openai_compatible.failures import Asked, failure_of_error, failure_of_status
from jupyter_chat_sessions.agents.openai_compatible.patience import Patience, RanOut
from jupyter_chat_sessions.agents.openai_compatible.reading import AnswerReader, ErrorInStream
from jupyter_chat_sessions.agents.openai_compatible.sse import DONE, SseReader, Unreadable
from jupyter_chat_sessions.core.roles import Done

STREAM = (
    b': a comment\n\nevent: message\nid: 7\ndata: {"a": "h\xc3\xa9"}\n\n'
    b'data:{"b": 2}\r\n\r\ndata:\n\ndata: [DONE]\n\ndata: {"c": 3}\n\n'
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_a_stream_reads_the_same_wherever_it_is_torn(places: list[int]) -> None:
    reader, cuts = SseReader(), [0, *sorted(places), len(STREAM)]
    found = [each for start, end in zip(cuts, cuts[1:]) for each in reader.feed(STREAM[start:end])]  # noqa: B905, RUF007
    assert found == [{"a": "hé"}, {"b": 2}, DONE]
    assert found[-1] is DONE
    assert reader.is_done


def test_a_last_line_that_nothing_ends_counts() -> None:
    reader = SseReader()
    assert reader.feed(b'data: {"a": 1}') == []
    assert reader.end() == [{"a": 1}]


@pytest.mark.parametrize(
    "line", [b"data: {\n", b"data: [1]\n", b"data: 1\n", b"data: \xff\n", b"data: " + b"[" * 99_999 + b"\n"]
)
def test_what_is_no_object_is_unreadable(line: bytes) -> None:
    with pytest.raises(Unreadable):
        SseReader().feed(line)


def test_a_line_without_end_is_not_kept_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "LONGEST_LINE", 1000)
    reader = SseReader()
    reader.feed(b"data: " + b"x" * 900)
    with pytest.raises(Unreadable):
        reader.feed(b"x" * 200)


FIELDS = (
    "choices delta message content reasoning tool_calls function name arguments id index type text thinking"
    " finish_reason usage prompt_tokens error code"
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "a", "text", "thinking", "error", "{}"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS.split()), inner, max_size=5),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(st.lists(anything, max_size=4))
def test_no_chunk_breaks_the_reader(values: list[Any]) -> None:
    reader = AnswerReader()
    chunks = [value if isinstance(value, dict) else {"choices": [{"delta": value}]} for value in values]
    for chunk in [*chunks, {"choices": [{"delta": {"tool_calls": values}}]}, {"choices": values}]:
        with contextlib.suppress(ErrorInStream):
            reader.hear(chunk)
    assert isinstance(reader.end()[-1], Done)


@given(anything)
def test_whatever_an_error_in_a_stream_is_it_is_told_in_our_words(error: Any) -> None:
    assert "OpenAI" in failure_of_error(error, ASKED).message


Piece = tuple[int | None, str | None, str | None, str]


@pytest.mark.parametrize(
    ("pieces", "calls"),
    [
        ([(0, "a", "f", ""), (0, "b", "f", "")], 2),
        ([(0, "a", "f", ""), (0, "b", None, "{}")], 1),
        ([(0, "", "f", '{"n"'), (0, "late", None, ": 1}")], 1),
        ([(0, "a", "f", "{"), (0, "a", "f", "}")], 1),
        ([(0, None, "f", "{"), (0, None, "f", "}")], 1),
        ([(None, None, "f", "{}"), (None, None, "g", "{}")], 2),
        ([(0, "a", "f", ""), (1, "b", "g", ""), (0, None, None, "{}"), (1, None, None, "{}")], 2),
        ([(3, "a", "f", "{}"), (7, "b", "g", "{}")], 2),
    ],
)
def test_a_piece_goes_to_its_call(pieces: list[Piece], calls: int) -> None:
    reader = AnswerReader()
    told: list[Any] = []
    for index, call_id, name, arguments in pieces:
        piece = {"index": index, "id": call_id, "function": {"name": name, "arguments": arguments}}
        told += reader.hear({"choices": [{"delta": {"tool_calls": [piece]}}]})
    assert sorted({event.index for event in told}) == list(range(calls))
    assert all(event.name for event in told if event.id)
    assert reader.end() == [Done("tool_calls")]


# --- failures --------------------------------------------------------------------------------------------------------

ASKED = Asked("OpenAI", "api.openai.com", "m", "OPENAI_API_KEY")


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, '{"error":{"message":"x","code":"context_length_exceeded"}}', "context_overflow"),
        (400, '{"error":{"message":"Input is too long","type":"exceed_context_size_error"}}', "context_overflow"),
        (400, '[{"error":{"code":400,"message":"The input token count (9) exceeds the maximum"}}]', "context_overflow"),
        (400, '{"object":"error","message":"prompt is too long: 9 tokens"}', "context_overflow"),
        (404, '{"error":{"message":"model \\"x\\" not found, try pulling it first"}}', "model_not_found"),
        (400, '{"error":{"message":"openai/x is not a valid model ID","code":400}}', "model_not_found"),
        (400, '{"error":{"message":"The model x does not exist","code":"model_not_found"}}', "model_not_found"),
        (402, "{}", "quota"),
        (403, '{"error":{"message":"context length"}}', "forbidden"),
        (429, '{"error":{"message":"You exceeded your current quota","status":"RESOURCE_EXHAUSTED"}}', "rate_limit"),
        (408, "", "server"),
        (409, "", "server"),
        (529, "overloaded", "server"),
        (405, "<html>", "bad_request"),
        (302, "", "bad_request"),
        (500, "[" * 99_999, "server"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_has_a_code(status: int, body: str, code: str) -> None:
    found = failure_of_status(status, {}, body.encode(), ASKED)
    assert found.code == code
    assert found.is_passing == (code in ("rate_limit", "server"))


def test_only_a_code_of_small_letters_is_named_from_what_a_provider_wrote() -> None:
    told = failure_of_status(400, {}, b'{"error":{"message":"no","code":"unsupported_value"}}', ASKED)
    assert told.message == "OpenAI refused the request (HTTP 400, unsupported_value)."
    untold = failure_of_status(400, {}, b'{"error":{"message":"no","code":"sk-1234","type":"Ask Bob"}}', ASKED)
    assert untold.message == "OpenAI refused the request (HTTP 400)."


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "300", "retry-after": "9"}, 0.3),
        ({"retry-after": "Fri, 01 Jan 2021 00:00:00 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({}, None),
    ],
)
def test_a_pause_is_read_in_every_form(headers: dict[str, str], seconds: float | None) -> None:
    assert failure_of_status(429, headers, b"", ASKED).retry_after == seconds


# --- patience --------------------------------------------------------------------------------------------------------


class Hurried(asyncio.SelectorEventLoop):
    """A loop whose clock stands while something is done, and jumps to the next timer when nothing is left to do."""

    _now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:  # type: ignore[attr-defined]
            self._now = max(self._now, self._scheduled[0]._when)  # type: ignore[attr-defined]
        super()._run_once()  # type: ignore[misc]


@pytest.fixture
def hurried() -> Iterator[Hurried]:
    loop = Hurried()
    yield loop
    loop.close()


def test_a_wait_that_is_too_long_ends_and_the_next_one_is_a_wait_of_its_own(hurried: Hurried) -> None:
    hurried.run_until_complete(_waits_too_long_and_again())


async def _waits_too_long_and_again() -> None:
    patience = Patience(0.05)
    with pytest.raises(RanOut), patience:
        await asyncio.sleep(60)
    with patience:
        await asyncio.sleep(0)
    patience.limit_s = 60
    with patience:
        await asyncio.sleep(0.1)
    patience.limit_s = 0.05
    with pytest.raises(RanOut), patience:
        await asyncio.sleep(60)
    patience.end()


def test_time_between_waits_does_not_count(hurried: Hurried) -> None:
    hurried.run_until_complete(_waits_with_pauses())


async def _waits_with_pauses() -> None:
    patience = Patience(0.1)
    for _ in range(4):
        with patience:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.15)
    patience.end()


async def test_who_is_cancelled_while_waiting_is_cancelled() -> None:
    async def wait() -> None:
        with Patience(60):
            await asyncio.sleep(60)

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
