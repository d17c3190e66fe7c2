"""The agent of models behind chat completions, through real HTTP to a provider on loopback."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from agent_kit import COUNT, QUICK, asking, calls, failed, step, text, until
from upstream import KEY, Upstream

from jupyter_chat_sessions.agents.openai_compatible import Limits, OpenAICompatible
from jupyter_chat_sessions.agents.providers import CLOUD_TOKENS
from jupyter_chat_sessions.core.errors import AgentFailed
from jupyter_chat_sessions.core.roles import Done, ReasoningDelta, Request, TextDelta, Usage

Make = Callable[..., OpenAICompatible]


# --- what is said ----------------------------------------------------------------------------------------------------


async def test_words_come_in_pieces_as_they_are_said(agent: Make) -> None:
    events = await step(agent("echo-5"))
    assert events == [TextDelta("word ")] * 5 + [Done("stop")]


async def test_a_request_carries_the_key_the_model_the_tools_and_nothing_of_the_chat_but_its_messages(
    agent: Make, upstream: Upstream
) -> None:
    await step(agent("echo-1"), asking("hello"))
    asked = upstream.asked[0]
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert set(asked.body) == {"model", "messages", "stream", "stream_options", "tools"}
    assert [message["role"] for message in asked.messages] == ["system", "user"]
    assert asked.messages[1]["content"] == "hello"
    assert asked.body["tools"][0]["function"]["parameters"] == COUNT.parameters


async def test_thinking_is_told_apart_from_words(agent: Make) -> None:
    assert await step(agent("reason")) == [
        ReasoningDelta("Let me "),
        ReasoningDelta("think."),
        TextDelta("42"),
        Done("stop"),
    ]
    assert (await step(agent("parts")))[:2] == [ReasoningDelta("hm"), TextDelta("42")]


async def test_tokens_are_told_where_the_provider_counts_them(agent: Make) -> None:
    assert (await step(agent("usage")))[-2:] == [Usage(11, 7, context_limit=CLOUD_TOKENS), Done("stop")]


async def test_what_an_answer_cost_is_told_only_where_the_provider_says_a_sum(agent: Make) -> None:
    costs = [event.cost for event in await step(agent("costs")) if isinstance(event, Usage)]
    odd = [event.cost for event in await step(agent("oddcosts")) if isinstance(event, Usage)]
    assert (costs, odd) == ([0.00042], [None])


async def test_how_much_a_model_holds_is_read_from_its_servers_list_once_it_has_spoken_and_not_again(
    agent: Make, upstream: Upstream
) -> None:
    upstream.models = {"data": [{"id": "other", "context_window": 9}, {"id": "usage", "context_window": 32_768}]}
    asked = agent("usage")
    limits = [event.context_limit for _ in range(2) for event in await step(asked) if isinstance(event, Usage)]
    assert limits == [32_768, 32_768]
    assert upstream.looked == ["/v1/models"]


async def test_what_a_person_has_set_is_how_much_fits_and_nobody_is_asked(agent: Make, upstream: Upstream) -> None:
    events = await step(agent("usage", OPENAI_CONTEXT_TOKENS="5000"))
    assert events[-2] == Usage(11, 7, context_limit=5000)
    assert upstream.looked == []


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("tool", [("call_a", "count", '{"n": 1}')]),
        ("tools2", [("call_a", "count", '{"n": 1}'), ("call_b", "count", '{"n": 2}')]),
        ("noindex", [("call_a", "count", '{"n": 1}'), ("call_b", "count", '{"n": 2}')]),
        ("zeroindex", [("call_a", "count", '{"n": 1}'), ("call_b", "count", '{"n": 2}')]),
        ("noids", [(None, "count", '{"n": 1}'), (None, "count", '{"n": 2}')]),
        ("objectargs", [("call_a", "count", '{"n": 1}')]),
    ],
)
async def test_tool_calls_are_put_together_however_a_server_cuts_them_up(
    agent: Make, model: str, expected: list[Any]
) -> None:
    events = await step(agent(model))
    assert calls(events) == expected
    assert events[-1] == Done("tool_calls")


@pytest.mark.parametrize(
    ("model", "said", "reason"),
    [
        ("nodone", "ok", "stop"),
        ("lingers", "ok", "stop"),
        ("torn", "héé €", "stop"),
        ("unstreamed", "all at once", "stop"),
        ("length", "much", "length"),
    ],
)
async def test_an_answer_is_whole_however_its_stream_ends(agent: Make, model: str, said: str, reason: str) -> None:
    events = await step(agent(model, replace(QUICK, after_end_s=0.2) if model == "lingers" else QUICK))
    assert (text(events), events[-1]) == (said, Done(reason))


IMAGE = [
    {"type": "text", "text": "look"},
    {"type": "image", "source": {"type": "data", "value": "aGk=", "mimeType": "image/png"}},
]


async def test_images_go_to_a_model_as_they_are(agent: Make, upstream: Upstream) -> None:
    await step(agent("echo-1"), asking(IMAGE))
    assert upstream.asked[0].messages[1]["content"] == [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
    ]


# --- what a server does not take -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "content", "said"),
    [("nousage", "go", "ok"), ("notools", "go", "no tools"), ("blind", IMAGE, "not shown to the model")],
)
async def test_what_a_server_refuses_is_left_out_once_and_from_then_on(
    agent: Make, upstream: Upstream, model: str, content: Any, said: str
) -> None:
    asked = agent(model)
    assert said in text(await step(asked, asking(content)))
    assert upstream.times(model) == 2
    await step(asked, asking(content))
    assert upstream.times(model) == 3


async def test_a_conversation_that_is_too_long_is_sent_once_more_at_half_the_length(
    agent: Make, upstream: Upstream
) -> None:
    request = asking()
    old = [{"id": f"o{n}", "role": "user", "content": "x" * 4000} for n in range(5)]
    answers = [{"id": f"a{n}", "role": "assistant", "content": "y" * 4000} for n in range(5)]
    path = [message for pair in zip(old, answers, strict=True) for message in pair]
    request = Request(request.thread_id, request.run_id, [*path, *request.messages], request.tools)
    events = await step(agent("ectxonce", OPENAI_CONTEXT_TOKENS="20000"), request)
    assert text(events) == "ok"
    first, second = (len(str(asked.messages)) for asked in upstream.asked)
    assert second < first * 0.6
    failure, _ = await failed(agent("ectx"))
    assert (failure.code, upstream.times("ectx")) == ("context_overflow", 2)


# --- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "code", "times"),
    [
        ("e401", "auth", 1),
        ("e400key", "auth", 1),
        ("e403", "forbidden", 1),
        ("e404", "model_not_found", 1),
        ("e400", "bad_request", 1),
        ("emoved", "bad_request", 1),
        ("equota", "quota", 1),
        ("e429", "rate_limit", 1),
        ("e500", "server", 3),
        ("page", "server", 1),
        ("hang", "stalled", 1),
        ("hesitate", "stalled", 1),
    ],
)
async def test_a_failure_has_its_code_and_our_words(
    agent: Make, upstream: Upstream, model: str, code: str, times: int
) -> None:
    failure, said = await failed(agent(model, Limits(first_s=0.2, between_s=1e6, retry_s=0.01)))
    assert (failure.code, said, upstream.times(model)) == (code, [], times)
    assert "OpenAI" in failure.message or model in failure.message
    shown = f"{failure!r} {failure} {failure.__cause__!r}"
    assert "sk-" not in shown
    assert "Incorrect" not in shown


@pytest.mark.parametrize(
    ("model", "code"),
    [("drop", "truncated"), ("cut", "truncated"), ("midrerr", "server"), ("midrerr2", "server"), ("stall", "stalled")],
)
async def test_what_was_said_before_a_failure_is_kept_and_the_question_is_not_asked_again(
    agent: Make, upstream: Upstream, model: str, code: str
) -> None:
    failure, said = await failed(agent(model, Limits(first_s=60, between_s=0.2)))
    assert (failure.code, said, upstream.times(model)) == (code, [TextDelta("half ")], 1)
    assert KEY not in failure.message


@pytest.mark.parametrize("model", ["e500once", "e429once", "firsterr", "vanish"])
async def test_what_may_pass_is_tried_again_before_the_first_word(agent: Make, upstream: Upstream, model: str) -> None:
    events = await step(agent(model))
    assert events[-1] == Done("stop")
    assert upstream.times(model) == 2


async def test_a_pause_that_a_provider_asks_for_is_kept(agent: Make) -> None:
    began = time.monotonic()
    await step(agent("e429once"))
    assert time.monotonic() - began >= 0.3


async def test_an_address_where_nobody_listens_is_told_by_its_host_only(agent: Make) -> None:
    asked = agent("echo-1", OPENAI_BASE_URL="http://user:secret@127.0.0.1:9/v1")
    failure, _ = await failed(asked)
    assert failure.code == "unreachable"
    assert "127.0.0.1:9" in failure.message
    assert "secret" not in failure.message


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "nonsense://x"])
async def test_a_proxy_that_cannot_be_used_is_told(agent: Make, proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    failure, _ = await failed(agent("echo-1", OPENAI_BASE_URL="http://models.invalid/v1"))
    assert failure.code == "unreachable"
    assert "proxy" in failure.message


@pytest.mark.parametrize("url", ["http://exa mple.invalid/v1", "http://[::1/v1", "http://x:99999/v1", "http://"])
async def test_an_address_that_is_none_is_told(agent: Make, url: str) -> None:
    with pytest.raises(AgentFailed) as told:
        await step(agent("echo-1", OPENAI_BASE_URL=url))
    assert told.value.code == "unreachable"


async def test_without_a_key_no_request_is_made(agent: Make, upstream: Upstream) -> None:
    asked = agent("echo-1", OPENAI_BASE_URL="", OPENAI_API_KEY="")
    failure, _ = await failed(asked)
    assert failure.code == "auth"
    assert "OPENAI_API_KEY" in failure.message
    assert upstream.asked == []


async def test_a_server_of_ones_own_is_asked_without_a_key(agent: Make, upstream: Upstream) -> None:
    await step(agent("echo-1", provider="ollama", OPENAI_API_KEY=""))
    assert "authorization" not in upstream.asked[0].headers


# --- stopping and cost -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["slow", "stall"])
async def test_closing_an_answer_closes_the_request_at_once(agent: Make, upstream: Upstream, model: str) -> None:
    events = agent(model, Limits()).answer(asking())
    while not isinstance(await events.__anext__(), TextDelta):
        pass
    closed_at = time.monotonic()
    await events.aclose()
    await until(lambda: upstream.asked[0].gone_at is not None)
    assert upstream.asked[0].gone_at - closed_at < 5


@pytest.mark.parametrize("model", ["slow", "stall", "hang"])
async def test_cancelling_whoever_waits_closes_the_request_at_once(agent: Make, upstream: Upstream, model: str) -> None:
    waiting = asyncio.create_task(step(agent(model, Limits())))
    await until(lambda: upstream.asked)
    if model != "hang":
        await asyncio.sleep(0.05)  # into the wait for the next piece
    cancelled_at = time.monotonic()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: upstream.asked[0].gone_at is not None)
    assert upstream.asked[0].gone_at - cancelled_at < 5


async def test_a_pause_before_another_try_can_be_stopped(agent: Make, upstream: Upstream) -> None:
    waiting = asyncio.create_task(step(agent("e500", Limits(retry_s=60))))
    await until(lambda: upstream.asked)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert upstream.times("e500") == 1


async def test_who_listens_slowly_is_not_taken_for_a_provider_that_stalls(agent: Make) -> None:
    said = []
    async for event in agent("echo-3", replace(QUICK, between_s=0.2)).answer(asking()):
        said.append(event)
        await asyncio.sleep(0.25)
    assert text(said) == "word word word "


async def test_one_connection_serves_many_steps_and_models(agent: Make, upstream: Upstream) -> None:
    for model in ("echo-3", "usage", "tool", "e400"):
        asked = agent(model)
        if model == "e400":
            await failed(asked)
        else:
            await step(asked)
    assert {asked.connection for asked in upstream.asked} == {1}


async def test_many_answers_at_once_do_not_mix(agent: Make) -> None:
    sizes = range(1, 30)
    answers = await asyncio.gather(*(step(agent(f"echo-{size}")) for size in sizes))
    assert [len(events) - 1 for events in answers] == list(sizes)


async def test_the_loop_does_not_stand_still_while_an_http_library_is_loaded() -> None:
    code = """
import asyncio, sys, threading
from jupyter_chat_sessions.agents.web import session

class Noting:
    importers = set()

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("aiohttp", "yarl", "multidict", "certifi"):
            self.importers.add(threading.current_thread() is threading.main_thread())

async def main():
    assert "aiohttp" not in sys.modules
    sys.meta_path.insert(0, Noting())
    made = await session()
    assert "aiohttp" in sys.modules
    await made.close()
    print(Noting.importers)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    shown, _ = await process.communicate()
    assert process.returncode == 0
    assert shown.decode().strip() == "{False}", "the loop's own thread has loaded some of it"
