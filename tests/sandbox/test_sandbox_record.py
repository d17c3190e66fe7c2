from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jupyter_chat_sessions.sandbox.record import Record, fit, weight


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def shown(text: str) -> dict[str, Any]:
    return {"output_type": "display_data", "data": {"text/plain": text}, "metadata": {}}


def failed(text: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": "E" + text[:300], "evalue": text, "traceback": text.split("\n")}


def test_pieces_of_one_stream_are_one_output() -> None:
    record = Record()
    for name, text in (("stdout", "a"), ("stdout", "b"), ("stderr", "c"), ("stdout", "d")):
        record.add_stream(name, text)
    assert record.outputs(1000) == [stream("ab"), stream("c", "stderr"), stream("d")]


def test_a_display_that_is_updated_is_replaced() -> None:
    record = Record()
    record.add(shown("0 %"), display_id="bar")
    record.add(shown("other"))
    record.add(shown("100 %"), display_id="bar")
    assert record.outputs(1000) == [shown("100 %"), shown("other")]


def test_clearing_forgets_at_once_or_when_something_new_comes() -> None:
    record = Record()
    record.add(shown("old"))
    record.clear(waits=True)
    assert record.outputs(1000) == [shown("old")]
    record.add(shown("new"))
    assert record.outputs(1000) == [shown("new")]
    record.clear(waits=False)
    assert record.outputs(1000) == []


def test_a_flood_of_outputs_keeps_its_beginning_its_error_and_a_count() -> None:
    record = Record()
    for n in range(1000):
        record.add(shown(str(n)))
    record.add(failed("boom"))
    outputs = record.outputs(64_000)
    assert outputs[0] == shown("0")
    assert failed("boom") in outputs
    assert "800 more outputs" in outputs[-1]["text"]


def test_a_small_output_is_kept_whole_beside_a_large_one() -> None:
    small, large = shown("small"), stream("x" * 100_000)
    fitted = fit([large, small], 10_000)
    assert fitted[1] == small
    assert 8_000 < weight(fitted) <= 10_000


_texts = st.one_of(st.text(max_size=50), st.text(min_size=1, max_size=5).map(lambda text: text * 5000))


@given(st.lists(st.one_of(_texts.map(stream), _texts.map(shown), _texts.map(failed)), max_size=12))
def test_outputs_are_shortened_until_they_fit(outputs: list[dict[str, Any]]) -> None:
    fitted = fit(outputs, 20_000)
    assert weight(fitted) <= 20_002
    assert [each["output_type"] for each in fitted] == [each["output_type"] for each in outputs]
