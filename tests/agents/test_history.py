"""The conversation as a model is sent it: repairs, and what is left out where it is too long."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strict_provider import refusal_of

from jupyter_chat_sessions.agents.fitting import LEFT_OUT, OLD_IMAGE, tokens_in
from jupyter_chat_sessions.agents.history import (
    GO_ON,
    NO_OUTPUT,
    NO_QUESTION,
    NO_RESULT,
    STOPPED,
    Dialect,
    chat_messages,
)
from jupyter_chat_sessions.agents.prompt import system_prompt
from jupyter_chat_sessions.agents.providers import PROVIDERS
from jupyter_chat_sessions.core.roles import ToolSpec

PLENTY = 10**9


def asks(content: Any) -> dict[str, Any]:
    return {"id": "m", "role": "user", "content": content}


def says(text: str, *calls: tuple[str, str, str], **jupyter: Any) -> dict[str, Any]:
    message: dict[str, Any] = {"id": "m", "role": "assistant", "content": text}
    if calls:
        message["toolCalls"] = [
            {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
            for call_id, name, arguments in calls
        ]
    return {**message, "metadata": {"jupyter": jupyter}} if jupyter else message


def returns(call_id: str, content: str, **more: Any) -> dict[str, Any]:
    return {"id": "m", "role": "tool", "toolCallId": call_id, "content": content, **more}


def sent(*path: dict[str, Any], budget: int = PLENTY, **more: Any) -> list[dict[str, Any]]:
    messages = chat_messages(path, system="S", budget=budget, **more)
    assert refusal_of(messages) is None
    assert messages[0]["content"].startswith("S")
    return messages[1:]


def brief(messages: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """Who says what: words, or the ids of the calls."""
    return [
        (message["role"], message["content"] or [call["id"] for call in message["tool_calls"]]) for message in messages
    ]


CALL = ("a", "count", "{}")
TABLE: dict[str, tuple[list[dict[str, Any]], list[tuple[str, Any]]]] = {
    "a whole conversation goes as it is": (
        [asks("q"), says("", CALL), returns("a", "1"), says("one"), asks("r")],
        [("user", "q"), ("assistant", ["a"]), ("tool", "1"), ("assistant", "one"), ("user", "r")],
    ),
    "a call that a crash left without a result gets one that says so": (
        [asks("q"), says("", CALL, ("b", "count", "{}")), returns("b", "2"), asks("r")],
        [
            ("user", "q"),
            ("assistant", ["a", "b"]),
            ("tool", NO_RESULT),
            ("tool", "2"),
            ("assistant", STOPPED),
            ("user", "r"),
        ],
    ),
    "results stand in the order of their calls": (
        [asks("q"), says("", CALL, ("b", "count", "{}")), returns("b", "2"), returns("a", "1")],
        [("user", "q"), ("assistant", ["a", "b"]), ("tool", "1"), ("tool", "2")],
    ),
    "a result that nothing waits for is dropped": (
        [asks("q"), returns("x", "?"), says("", CALL), returns("a", "1"), returns("a", "again")],
        [("user", "q"), ("assistant", ["a"]), ("tool", "1")],
    ),
    "empty answers are dropped": (
        [asks("q"), says("  "), says("yes"), asks("r")],
        [("user", "q"), ("assistant", "yes"), ("user", "r")],
    ),
    "questions that were never answered become one": (
        [asks("q"), asks("r")],
        [("user", "q\n\nr")],
    ),
    "answers in a row become one": (
        [asks("q"), says("one"), says("two"), asks("r")],
        [("user", "q"), ("assistant", "one\n\ntwo"), ("user", "r")],
    ),
    "an answer that was stopped is not shown as one": (
        [asks("q"), says("half of a lie", outcome="cancelled"), asks("r")],
        [("user", "q"), ("assistant", STOPPED), ("user", "r")],
    ),
    "the calls of a stopped answer have happened all the same": (
        [asks("q"), says("half", CALL, outcome="interrupted"), returns("a", "1"), asks("r")],
        [("user", "q"), ("assistant", ["a"]), ("tool", "1"), ("assistant", STOPPED), ("user", "r")],
    ),
    "an answer without its question gets one": (
        [says("hello"), asks("q")],
        [("user", NO_QUESTION), ("assistant", "hello"), ("user", "q")],
    ),
    "the last word is never the model's": (
        [asks("q"), says("a")],
        [("user", "q"), ("assistant", "a"), ("user", GO_ON)],
    ),
    "what is no message of a chat is passed over": (
        [asks("q"), {"id": "m", "role": "activity", "content": {}}, {"id": "m", "role": "reasoning", "content": "hm"}],
        [("user", "q")],
    ),
    "a result without words says so": (
        [asks("q"), says("", CALL), returns("a", "")],
        [("user", "q"), ("assistant", ["a"]), ("tool", NO_OUTPUT)],
    ),
    "a failed result without words says why": (
        [asks("q"), says("", CALL), returns("a", "", error="timed out")],
        [("user", "q"), ("assistant", ["a"]), ("tool", "timed out")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_the_path_is_mended(name: str) -> None:
    path, expected = TABLE[name]
    assert brief(sent(*path)) == expected


def test_instructions_on_the_path_join_the_one_system_message() -> None:
    messages = chat_messages([{"id": "m", "role": "developer", "content": "Be kind."}, asks("q")], system="S", budget=9)
    assert messages == [{"role": "system", "content": "S\n\nBe kind."}, {"role": "user", "content": "q"}]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('{"n": 1}', {"n": 1}),
        ("", {}),
        ('{"n": ', {"unreadable": '{"n": '}),
        ("[1]", {"unreadable": "[1]"}),
        ('{"n": NaN}', {"unreadable": '{"n": NaN}'}),
        ("[" * 5000, {"unreadable": "[" * 1000}),
    ],
)
def test_arguments_are_always_an_object(arguments: str, expected: Any) -> None:
    call = sent(asks("q"), says("", ("a", "count", arguments)))[1]["tool_calls"][0]
    assert json.loads(call["function"]["arguments"]) == expected


def test_ids_and_names_that_a_provider_would_refuse_are_replaced_the_same_way_each_time() -> None:
    uuid_id = "call_01234567-89ab-cdef-0123-456789abcdef"
    path = [asks("q"), says("", (uuid_id, "no such.tool", "{}"), ("", "", "{}")), returns(uuid_id, "1")]
    once, again = sent(*path), sent(*path)
    assert once == again
    assert [len(call["id"]) for call in once[1]["tool_calls"]] == [9, 9]
    assert [call["function"]["name"] for call in once[1]["tool_calls"]] == ["no_such_tool", "unknown"]
    assert once[2]["content"] == "1"


def test_ids_that_repeat_are_told_apart() -> None:
    path = [asks("q"), says("", CALL), returns("a", "1"), says("", CALL), returns("a", "2"), says("", CALL)]
    contents = [message["content"] for message in sent(*path) if message["role"] == "tool"]
    assert contents == ["1", "2", NO_RESULT]


def test_a_dialect_changes_what_its_provider_wants_otherwise() -> None:
    path = [
        asks("q"),
        says("", ("call_0", "count", "{}"), reasoning="hm"),
        returns("call_0", "1"),
        says("x"),
        asks("r"),
    ]
    plain, call = sent(*path)[1], sent(*path)[1]["tool_calls"][0]
    assert call["id"] == "call_0"
    assert "reasoning_content" not in plain
    short = sent(*path, dialect=Dialect(has_short_call_ids=True))[1]["tool_calls"][0]["id"]
    assert len(short) == 9
    assert short.isalnum()
    assert sent(*path, dialect=Dialect(returns_reasoning=True))[1]["reasoning_content"] == "hm"
    assert sent(*path, dialect=Dialect(call_extras={"extra": 1}))[1]["tool_calls"][0]["extra"] == 1


GIF = "data:image/gif;base64,aGk="


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "image", "source": {"type": "data", "value": "aGk=", "mimeType": "image/gif"}}, GIF),
        ({"type": "image", "source": {"type": "url", "value": "https://e.org/a.png"}}, "https://e.org/a.png"),
        ({"type": "image_url", "image_url": {"url": "https://e.org/a.png"}}, "https://e.org/a.png"),
        ({"type": "binary", "mimeType": "image/png", "data": "aGk="}, "data:image/png;base64,aGk="),
        ({"type": "image", "source": {"type": "url", "value": "/files/a.png"}}, None),
        ({"type": "image", "source": {"type": "file", "value": "file-1"}}, None),
        ({"type": "audio", "source": {"type": "data", "value": "aGk=", "mimeType": "audio/wav"}}, None),
    ],
)  # fmt: skip
def test_a_part_is_an_image_a_provider_can_see_or_is_named(part: dict[str, Any], expected: str | None) -> None:
    content = sent(asks([{"type": "text", "text": "look"}, part]))[0]["content"]
    if expected is None:
        assert content == f"look\n[{part['type']}: not shown to the model]"
    else:
        assert content[1] == {"type": "image_url", "image_url": {"url": expected}}
    assert isinstance(sent(asks([part]), has_images=False)[0]["content"], str)


# --- the budget ------------------------------------------------------------------------------------------------------


def a_long_path(turns: int, size: int = 3500) -> list[dict[str, Any]]:
    """Turns of about `3 * size / 3.5` tokens: a question, a call with its result, an answer."""
    path: list[dict[str, Any]] = []
    for turn in range(turns):
        path += [asks(f"q{turn} " + "q" * size), says("", (f"c{turn}", "count", "{}"))]
        path += [returns(f"c{turn}", f"r{turn} " + "r" * size), says(f"a{turn} " + "a" * size)]
    return [*path, asks("now")]


def size_of(messages: list[dict[str, Any]]) -> int:
    return sum(tokens_in(f"{message['content']}{message.get('tool_calls', '')}") for message in messages)


def test_what_fits_is_left_alone() -> None:
    path = a_long_path(4)
    assert len(sent(*path)) == len(path)
    assert LEFT_OUT not in json.dumps(sent(*path))


def test_old_results_are_shortened_before_anything_is_left_out() -> None:
    path = a_long_path(6)
    messages = sent(*path, budget=16_000)
    assert len(messages) == len(path)
    results = [message["content"] for message in messages if message["role"] == "tool"]
    assert all("more characters are left out here" in result for result in results[:5])
    assert "left out" not in results[5]


def test_then_the_oldest_turns_go_whole_and_the_first_question_stays() -> None:
    messages = sent(*a_long_path(20), budget=16_000)
    assert messages[0]["content"].startswith("q0")
    assert messages[1] == {"role": "assistant", "content": LEFT_OUT}
    assert messages[-1]["content"] == "now"
    assert messages[-2]["content"].startswith("a19")
    assert size_of(messages) < 16_000


def test_the_beginning_stays_the_same_for_some_questions() -> None:
    beginnings = {json.dumps(sent(*a_long_path(turns), budget=16_000)[:3])[:200] for turns in range(20, 28)}
    assert len(beginnings) == 1
    second = {sent(*a_long_path(turns), budget=16_000)[2]["content"][:4] for turns in range(20, 28)}
    assert len(second) <= 3


def test_one_long_answer_in_the_making_is_shortened_from_its_oldest_rounds() -> None:
    path = [asks("go")]
    for number in range(30):
        path += [says("", (f"c{number}", "count", "{}")), returns(f"c{number}", f"r{number} " + "r" * 15_000)]
    messages = sent(*path, budget=8_000)
    assert size_of(messages) < 8_000 + 30 * 25
    assert messages[-1]["content"].startswith("r29 ")
    assert len(messages[-1]["content"]) > 10_000
    tiny = sent(*path, budget=1_000)
    assert size_of(tiny) < 1_200
    assert tiny[0]["content"] == "go"
    assert LEFT_OUT in tiny[1]["content"]
    assert tiny[-1]["content"].startswith("r29 ")


def test_old_images_go_first() -> None:
    image = {"type": "image", "source": {"type": "url", "value": "https://e.org/a.png"}}
    path = []
    for turn in range(6):
        path += [asks([{"type": "text", "text": f"q{turn}"}, image]), says("a")]
    contents = [message["content"] for message in sent(*path, asks("now"), budget=5_000) if message["role"] == "user"]
    assert contents[0] == f"q0\n{OLD_IMAGE}"
    assert isinstance(contents[5], list)


def test_a_long_path_is_made_ready_in_a_few_milliseconds() -> None:
    import time

    path = a_long_path(500, size=2000)
    began = time.process_time()
    sent(*path, budget=100_000)
    assert time.process_time() - began < 0.5


def test_the_system_prompt_is_short_and_says_whether_there_are_tools() -> None:
    with_tools, without = system_prompt([ToolSpec("count", "Counts", {})]), system_prompt(())
    assert tokens_in(with_tools) < 400
    assert "no tools" in without
    assert "no tools" not in with_tools


# --- whatever there is -----------------------------------------------------------------------------------------------

ids = st.sampled_from(["a", "b", "call_0", "", "x" * 60, "call_01234567-89ab-cdef-0123-456789abcdef"])
texts = st.sampled_from(["", " ", "words", "wörter 漢字", "x" * 3000, "\ud800"])
arguments = st.sampled_from(["{}", '{"n": 1}', '{"n": ', "", "[1]", "null"])
calls = st.lists(st.tuples(ids, st.sampled_from(["count", "", "no.such tool", "n" * 99]), arguments), max_size=3)
images = st.just([{"type": "image", "source": {"type": "url", "value": "https://e.org/a.png"}}])
messages = st.one_of(
    st.builds(asks, st.one_of(texts, images, st.just([]), st.just(None))),
    st.builds(lambda text, called: says(text, *called), texts, calls),
    st.builds(lambda text, called: says(text, *called, outcome="cancelled"), texts, calls),
    st.builds(returns, ids, texts),
    st.builds(lambda text: {"id": "m", "role": "system", "content": text}, texts),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(messages, max_size=14), st.sampled_from([0, 50, 500, 5000, PLENTY]), st.booleans(), st.booleans())
def test_every_path_a_crash_can_leave_is_accepted(
    path: list[dict[str, Any]], budget: int, is_short: bool, has_images: bool
) -> None:
    before = json.dumps(path)
    made = chat_messages(
        path, system="S", budget=budget, dialect=Dialect(has_short_call_ids=is_short), has_images=has_images
    )
    assert refusal_of(made) is None
    assert json.dumps(path) == before, "the path itself is not touched"
    if is_short:
        assert all(len(call["id"]) == 9 for message in made for call in message.get("tool_calls", ()))


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 12), st.integers(1, 4000), st.integers(300, 30_000))
def test_more_is_left_out_only_where_it_must_be(turns: int, size: int, budget: int) -> None:
    made = sent(*a_long_path(turns, size), budget=budget)
    assert made[0]["content"].startswith("q0")
    assert made[-1]["content"] == "now"
    smallest = tokens_in("q" * min(size, 2500)) + 50
    assert size_of(made) <= max(budget, smallest) + 25 * len(made)  # calls are written a little longer here


# --- what a provider wants back, and what results show ---------------------------------------------------------------


def said_with_state(provider: str, **state: object) -> list[dict[str, object]]:
    call = {"id": "call_a", "type": "function", "function": {"name": "count", "arguments": "{}"}}
    return [
        {"id": "q", "role": "user", "content": "go"},
        {
            "id": "a",
            "role": "assistant",
            "content": "",
            "toolCalls": [call],
            "metadata": {"jupyter": {"provider_state": {"provider": provider, **state}}},
        },
        {"id": "t", "role": "tool", "toolCallId": "call_a", "content": "done"},
    ]


def test_what_a_provider_gave_with_a_call_goes_back_to_it_and_to_no_other() -> None:
    extra = {"extra_content": {"google": {"thought_signature": "own"}}}
    path = said_with_state("gemini", calls=[extra])
    dialect = PROVIDERS["gemini"].dialect

    def sent(provider: str) -> Any:
        return chat_messages(path, system="S", budget=10_000, dialect=dialect, provider=provider)[2]["tool_calls"][0]

    assert sent("gemini")["extra_content"] == extra["extra_content"]
    assert sent("openai")["extra_content"] == dialect.call_extras["extra_content"]


def test_images_that_calls_made_are_shown_after_all_results_and_not_where_nobody_takes_them_there() -> None:
    part = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    path = said_with_state("openai")
    shown = chat_messages(path, system="S", budget=10_000, pictures={"t": [part]})
    assert [message["role"] for message in shown[-2:]] == ["tool", "user"]
    assert shown[-1]["content"][-1] == part
    for more in ({"dialect": PROVIDERS["mistral"].dialect}, {"has_images": False}):
        assert chat_messages(path, system="S", budget=10_000, pictures={"t": [part]}, **more)[-1]["role"] == "tool"


def test_old_thoughts_go_before_old_words() -> None:
    thought = {"content": "x" * 4000, "signature": "s"}
    old = said_with_state("anthropic", thinking=[thought])
    path = [*old, {"id": "w", "role": "assistant", "content": "words"}, {"id": "q2", "role": "user", "content": "on"}]
    dialect = PROVIDERS["anthropic"].dialect
    wide, narrow = (
        chat_messages(path, system="S", budget=budget, dialect=dialect, provider="anthropic") for budget in (9000, 500)
    )
    assert wide[2]["provider_state"]["thinking"] == [thought]
    assert [{**each, "provider_state": None} for each in wide] == [{**each, "provider_state": None} for each in narrow]
    assert not any("provider_state" in message for message in narrow)
