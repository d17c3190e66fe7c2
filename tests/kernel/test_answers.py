"""From frames to answers."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_chat_sessions.core.ids import new_thread_id
from jupyter_chat_sessions.kernel.answer import Answer, Call, CodeBlock
from jupyter_chat_sessions.kernel.hearing import Hearing
from jupyter_chat_sessions.kernel.showing import bundle_of, markdown_of, plain_of

PNG = b"\x89PNG not really"


def line(seq: int, kind: str, **fields: Any) -> dict[str, Any]:
    value = {"type": kind, "seq": seq, "created": "2026-11-21T10:00:00.000Z", **fields}
    return {"kind": "event", "seq": seq, "event": {"type": "CUSTOM", "name": "line", "value": value}}


def said(run_id: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"kind": "event", "run_id": run_id, "n": 1, "event": {"type": kind, **fields}}


def news(run_id: str, name: str, **value: Any) -> dict[str, Any]:
    return said(run_id, "CUSTOM", name=name, value=value)


@pytest.fixture
def heard() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def hearing(heard: list[dict[str, Any]]) -> Hearing:
    return Hearing(new_thread_id(), lambda artifact: PNG, heard.append)


def tool_result(outputs: list[dict[str, Any]], artifacts: list[dict[str, Any]], content: str = "42") -> dict[str, Any]:
    jupyter = {"outputs": outputs, "artifacts": artifacts}
    return {"id": "t1", "role": "tool", "toolCallId": "c1", "content": content, "metadata": {"jupyter": jupyter}}


def play(hearing: Hearing) -> Answer:
    """A run that calls a tool, whose image and words are told, then says a few words with code."""
    for frame in (
        line(1, "message", message={"id": "q", "role": "user", "content": "plot"}, run_id="r1"),
        line(2, "start", run_id="r1", message_id="q", parent_run_id=None, model="a:b"),
        said("r1", "TOOL_CALL_START", toolCallId="c1", toolCallName="run_python", parentMessageId="m0"),
        said("r1", "TOOL_CALL_ARGS", toolCallId="c1", delta='{"code": "plot()"}'),
        news("r1", "tool_status", toolCallId="c1", text="Starting Python"),
        news("r1", "tool_output", toolCallId="c1", output={"output_type": "stream", "name": "stdout", "text": "a"}),
        news("r1", "tool_output", toolCallId="c1", output={"output_type": "stream", "name": "stdout", "text": "b\n"}),
    ):
        hearing.hear(frame)
    return hearing.answer("r1")


def test_words_come_piece_by_piece_and_the_line_is_the_truth(hearing: Hearing) -> None:
    answer = hearing.answer("r1")
    hearing.hear(said("r1", "TEXT_MESSAGE_CONTENT", messageId="m1", delta="The me"))
    hearing.hear(said("r2", "TEXT_MESSAGE_CONTENT", messageId="m9", delta="another run's"))
    assert (answer.text, answer.is_running) == ("The me", True)
    hearing.hear(
        line(3, "message", message={"id": "m1", "role": "assistant", "content": "The mean is 3."}, run_id="r1")
    )
    hearing.hear(line(4, "run", run_id="r1", outcome="success"))
    assert (answer.text, answer.outcome, answer.wait(0)) == ("The mean is 3.", "success", answer)


def test_a_tool_call_shows_its_code_what_came_of_it_and_its_images_in_their_place(hearing: Hearing) -> None:
    answer = play(hearing)
    (call,) = answer.blocks
    assert isinstance(call, Call)
    assert (call.name, call.status, call.outputs[0]["text"]) == ("run_python", "Starting Python", "ab\n")
    assert "Starting Python" in markdown_of(answer)
    image = {"output_type": "display_data", "data": {"text/plain": "<Figure>"}, "metadata": {"artifact": "p.png"}}
    artifact = {"path": "p.png", "media_type": "image/png", "size": len(PNG), "url": "/x/p.png"}
    result = tool_result([{"output_type": "stream", "name": "stdout", "text": "ab\n"}, image], [artifact])
    hearing.hear(line(3, "message", message=result, run_id="r1"))
    hearing.hear(line(4, "run", run_id="r1", outcome="success"))
    shown = markdown_of(answer)
    assert "```python\nplot()\n```" in shown
    assert "```text\nab\n```" in shown
    assert "![p.png](data:image/png;base64," in shown
    assert plain_of(answer) == "> plot()\nab\n[p.png]"
    assert [(each.path, each.read()) for each in answer.artifacts] == [("p.png", PNG)]
    assert answer.text == "42"
    assert bundle_of(answer)["text/plain"] == plain_of(answer)


def test_code_blocks_are_found_whatever_their_fence_and_the_next_cell_gets_the_python(hearing: Hearing) -> None:
    answer = hearing.answer("r1")
    words = "Do:\n```python\na = 1\n```\n~~~\nb = '''\n```\n'''\n~~~\n```bash\nls\n```\n```py\nopen end"
    hearing.hear(said("r1", "TEXT_MESSAGE_CONTENT", messageId="m1", delta=words))
    assert answer.code_blocks[0] == CodeBlock("python", "a = 1")
    assert [block.language for block in answer.code_blocks] == ["python", "", "bash", "py"]
    assert answer.code == "a = 1\n\nb = '''\n```\n'''\n\nopen end"


def test_an_answer_goes_on_where_a_person_was_asked_and_ends_where_they_stop_it(hearing: Hearing) -> None:
    answer = play(hearing)
    asked = {"id": "i1", "toolCallId": "c1"}
    hearing.hear(line(3, "approval", run_id="r1", interrupts=[asked]))
    hearing.hear(line(4, "run", run_id="r1", outcome="waiting"))
    assert (answer.outcome, answer.asked, answer.is_running) == ("waiting", (asked,), True)
    hearing.hear(line(5, "answer", run_id="r1", answers=[], by="owner"))
    hearing.hear(line(6, "start", run_id="r2", message_id="q", parent_run_id="r1"))
    assert hearing.answer("r2") is answer
    assert (answer.run_id, answer.outcome) == ("r2", None)
    hearing.hear(line(7, "approval", run_id="r2", interrupts=[asked]))
    hearing.hear(line(8, "run", run_id="r2", outcome="waiting"))
    hearing.hear(line(9, "answer", run_id="r2", answers=[]))
    assert answer.outcome == "cancelled"


def test_a_message_taken_back_and_a_thread_that_is_deleted_end_their_answers(hearing: Hearing) -> None:
    hearing.hear(line(1, "message", message={"id": "q", "role": "user", "content": "x"}, run_id="r1"))
    waiting, running = hearing.answer("r1"), hearing.answer("r2")
    hearing.hear(line(2, "withdrawn", message_id="q"))
    assert waiting.outcome == "cancelled"
    hearing.hear({"kind": "nack", "id": None, "code": "thread_deleted", "message": "It has been deleted."})
    assert (running.outcome, running.error) == ("error", "It has been deleted.")
    assert hearing.is_closed


def test_an_answer_whose_end_went_by_while_nobody_listened_does_not_run_for_ever(hearing: Hearing) -> None:
    gone, waits, asks, runs = (hearing.answer(run_id, since=7) for run_id in ("r1", "r2", "r3", "r4"))
    later = hearing.answer("r5", since=501)
    asks.hear_end("waiting")
    run = {"run_id": "r4", "message_id": "m1", "n": 9, "text": "so far", "tool_calls": []}
    hello = {
        "kind": "hello",
        "lines": [],
        "reset": True,
        "seq": 500,
        "run": run,
        "thread": {},
        "agent": {},
        "level": "",
    }
    hearing.hear({**hello, "queue": [{"message_id": "q2", "run_id": "r2"}], "approvals": [{"run_id": "r3"}]})
    assert gone.wait(0).outcome == "error"
    assert "went by" in str(gone.error)
    assert [each.is_running for each in (waits, asks, runs, later)] == [True] * 4


def test_what_a_hello_brings_up_is_no_news_and_its_run_in_flight_is_taken_over(
    hearing: Hearing, heard: list[dict[str, Any]]
) -> None:
    old = line(1, "message", message={"id": "q", "role": "user", "content": "x"}, run_id="r1")["event"]["value"]
    run = {"run_id": "r1", "message_id": "m1", "n": 9, "text": "so far", "tool_calls": []}
    newer = line(2, "title", title="x")["event"]["value"]
    hello = {"kind": "hello", "lines": [old, newer], "reset": False, "seq": 2, "run": run}
    hearing.hear({**hello, "thread": {}, "agent": {"label": "A"}, "level": "isolated"})
    assert (heard, hearing.seq, hearing.answer("r1").text) == ([], 2, "so far")
    hearing.hear(
        line(3, "message", message={"id": "m1", "role": "assistant", "content": "so far so good"}, run_id="r1")
    )
    assert [line["message"]["content"] for line in heard] == ["so far so good"]
    assert hearing.answer("r1").text == "so far so good"
