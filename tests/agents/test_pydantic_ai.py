"""Anthropic's wire through the library, in its own process, against a fake of the provider over real HTTP."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from agent_kit import COUNT, calls, step, text, until
from anthropic_upstream import KEY, SIGNATURE, AnthropicUpstream, running_anthropic
from stage_kit import Seen, a_message, opened, runner

from jupyter_chat_sessions.agents.providers import parse_model_id
from jupyter_chat_sessions.agents.pydantic_ai import PydanticAI, close_workers
from jupyter_chat_sessions.agents.pydantic_ai.failing import failed_record
from jupyter_chat_sessions.agents.pydantic_ai.worker import worker
from jupyter_chat_sessions.agents.registry import load_agent
from jupyter_chat_sessions.core.errors import AgentFailed
from jupyter_chat_sessions.core.ids import new_run_id, new_thread_id
from jupyter_chat_sessions.core.roles import Done, ReasoningDelta, Request, RequestSent, TextDelta, Usage

if find_spec("pydantic_ai") is None or find_spec("anthropic") is None:
    pytest.skip("pydantic-ai is not installed (pip install '.[models]')", allow_module_level=True)

In = Callable[[Awaitable[Any]], Any]


@pytest.fixture(scope="module")
def inside() -> Iterator[In]:
    """One loop, and with it one process, for all tests here: it takes two seconds to begin."""
    loop = asyncio.new_event_loop()
    yield loop.run_until_complete
    loop.run_until_complete(close_workers())
    loop.close()


@pytest.fixture(scope="module")
def provider() -> Iterator[AnthropicUpstream]:
    with running_anthropic() as served:
        yield served


@pytest.fixture
def upstream(provider: AnthropicUpstream) -> AnthropicUpstream:
    provider.asked.clear()
    return provider


def agent(upstream: AnthropicUpstream, model: str, key: str = KEY) -> PydanticAI:
    model_id = parse_model_id(f"anthropic:claude-{model}")
    assert model_id is not None
    return PydanticAI(model_id, None, {"ANTHROPIC_API_KEY": key, "ANTHROPIC_BASE_URL": upstream.base_url})


def asking(*messages: dict[str, Any]) -> Request:
    question = {"id": "q", "role": "user", "content": "go"}
    return Request(new_thread_id(), new_run_id(), [question, *messages], [COUNT])


async def failure(of: PydanticAI) -> tuple[AgentFailed, str]:
    said: list[Any] = []
    try:
        async for event in of.answer(asking()):
            said.append(event)
    except AgentFailed as failed:
        return failed, text(said)
    raise AssertionError(said)


def answered(events: Sequence[Any], results: Sequence[str]) -> list[dict[str, Any]]:
    """The messages that the engine keeps of a step, and of its calls' results."""
    done = events[-1]
    made = [
        {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        for call_id, name, arguments in calls(list(events))
    ]
    said = {"id": "a", "role": "assistant", "content": text(list(events)), "toolCalls": made}
    said["metadata"] = {"jupyter": {"provider_state": done.provider_state}}
    told = [
        {"id": f"t{place}", "role": "tool", "toolCallId": made[place]["id"], "content": result}
        for place, result in enumerate(results)
    ]
    return [said, *told]


def test_the_first_words_come_too_with_the_tokens_and_the_end(inside: In, upstream: AnthropicUpstream) -> None:
    events = inside(step(agent(upstream, "echo"), asking()))
    assert text(events) == "Hello, you."
    assert isinstance(events[0], TextDelta)
    assert events[-2:] == [Usage(11, 7, context_limit=200_000), Done("stop")]
    asked = upstream.asked[0]
    assert asked.key == KEY
    assert asked.body["stream"] is True
    assert "Jupyter" in str(asked.body["system"])
    assert asked.body["tools"][0]["name"] == "count"
    assert asked.body["max_tokens"] > 4096


def test_a_thought_goes_back_with_its_signature_and_calls_with_their_results(
    inside: In, upstream: AnthropicUpstream
) -> None:
    thoughtful = agent(upstream, "thoughtful")
    events = inside(step(thoughtful, asking()))
    assert "".join(each.text for each in events if isinstance(each, ReasoningDelta)) == "Let me think."
    assert calls(events) == [("toolu_1", "count", '{"n": 1}'), ("toolu_2", "count", '{"n": 2}')]
    assert events[-1].reason == "tool_calls"
    after = inside(step(thoughtful, asking(*answered(events, ["one", "two"]))))
    assert text(after) == "42"
    (thought,) = upstream.blocks("thinking")
    assert (thought["thinking"], thought["signature"]) == ("Let me think.", SIGNATURE)
    assert [block["tool_use_id"] for block in upstream.blocks("tool_result")] == ["toolu_1", "toolu_2"]
    kinds = [block["type"] for block in upstream.asked[1].body["messages"][1]["content"]]
    assert kinds == ["thinking", "text", "tool_use", "tool_use"]


def test_the_server_itself_never_imports_the_library_which_would_stall_its_loop(
    inside: In, upstream: AnthropicUpstream
) -> None:
    """The longest stall of a loop beside the import in a thread was measured as 150 ms; a process has none."""
    inside(step(agent(upstream, "echo"), asking()))
    assert not {"pydantic_ai", "anthropic"} & set(sys.modules)


def test_a_signature_survives_a_restart_and_is_shown_to_nobody(
    inside: In, upstream: AnthropicUpstream, tmp_path: Path
) -> None:
    (tmp_path / ".chats").mkdir()
    thread_id = new_thread_id()

    async def one_run() -> str:
        async with opened(runner(agent(upstream, "thoughtful")), folder=tmp_path, thread_id=thread_id) as session:
            seen = Seen()
            hello = session.watch(seen)
            assert await session.ended((await session.send(a_message("go"))).run_id) == "success"
            return json.dumps(seen.frames) + hello.text

    inside(one_run())
    shown = inside(one_run())
    assert "Let me think." in shown
    assert SIGNATURE not in shown
    assert SIGNATURE in next(tmp_path.rglob("chat.jsonl")).read_text()
    assert [thought["signature"] for thought in upstream.blocks("thinking")] == [SIGNATURE]


def test_state_of_another_provider_is_not_sent(inside: In, upstream: AnthropicUpstream) -> None:
    thoughtful = agent(upstream, "thoughtful")
    said, *results = answered(inside(step(thoughtful, asking())), ["one", "two"])
    said["metadata"]["jupyter"]["provider_state"]["provider"] = "google"
    inside(step(thoughtful, asking(said, *results)))
    assert upstream.blocks("thinking") == []
    assert SIGNATURE not in str(upstream.asked[1].body)


def test_an_image_that_a_tool_made_is_shown_after_its_result(inside: In, upstream: AnthropicUpstream) -> None:
    image = b"\x89PNG\r\n\x1a\n and so on"
    thoughtful = agent(upstream, "thoughtful")
    messages = answered(inside(step(thoughtful, asking())), ["one", "two"])
    artifacts = [{"path": "plot.png", "size": len(image), "media_type": "image/png"}]
    messages[-1]["metadata"] = {"jupyter": {"artifacts": artifacts}}
    request = asking(*messages)
    files = {"plot.png": image}
    request = Request(request.thread_id, request.run_id, request.messages, [COUNT], read_file=files.get)
    inside(step(thoughtful, request))
    (shown,) = upstream.blocks("image")
    assert shown["source"]["media_type"] == "image/png"


def test_an_answer_cut_at_its_length_says_so(inside: In, upstream: AnthropicUpstream) -> None:
    assert inside(step(agent(upstream, "wordy"), asking()))[-1] == Done("length")


@pytest.mark.parametrize(
    ("model", "key", "code", "said"),
    [
        ("echo", "sk-ant-wrong-0123456789", "auth", ""),
        ("nowhere", KEY, "model_not_found", ""),
        ("long", KEY, "context_overflow", ""),
        ("midway", KEY, "server", "half "),
    ],
)
def test_failures_are_told_in_our_own_words_and_never_with_the_key(
    inside: In, upstream: AnthropicUpstream, model: str, key: str, code: str, said: str
) -> None:
    failed, words = inside(failure(agent(upstream, model, key)))
    assert (failed.code, words) == (code, said)
    assert "sk-ant" not in f"{failed!r} {failed.message} {failed.__context__!r} {failed.__cause__!r}"
    assert "Anthropic" in failed.message or "claude" in failed.message
    if code == "context_overflow":
        assert len(upstream.asked) == 2


def test_closing_an_answer_closes_the_request(inside: In, upstream: AnthropicUpstream) -> None:
    async def closing() -> float:
        events = agent(upstream, "slow").answer(asking())
        while not isinstance(await events.__anext__(), TextDelta):
            pass
        closed_at = time.monotonic()
        await events.aclose()
        await until(lambda: upstream.asked[0].gone_at is not None)
        assert upstream.asked[0].gone_at is not None
        return upstream.asked[0].gone_at - closed_at

    assert inside(closing()) < 0.5  # the benchmark holds 0.1; here other tests may be running


def test_what_is_sent_is_told_without_the_key(inside: In, upstream: AnthropicUpstream) -> None:
    async def told() -> list[RequestSent]:
        return [event async for event in agent(upstream, "echo").answer(asking()) if isinstance(event, RequestSent)]

    (sent,) = inside(told())
    assert sent.body["messages"][-1]["content"] == "go"
    assert "sk-ant" not in str(sent)


def test_two_requests_at_once_are_answered_by_one_process_each_its_own(inside: In, upstream: AnthropicUpstream) -> None:
    async def both() -> list[Any]:
        return await asyncio.gather(*(step(agent(upstream, model), asking()) for model in ("echo", "wordy")))

    assert [text(each) for each in inside(both())] == ["Hello, you.", "much"]


@pytest.mark.slow
def test_a_process_that_dies_fails_what_it_had_and_the_next_request_has_another(
    inside: In, upstream: AnthropicUpstream
) -> None:
    async def dies() -> AgentFailed:
        events = agent(upstream, "slow").answer(asking())
        while not isinstance(await events.__anext__(), TextDelta):
            pass
        process = (await worker())._process
        assert process is not None
        process.kill()
        try:
            async for _ in events:
                pass
        except AgentFailed as failed:
            return failed
        raise AssertionError("it went on")

    assert inside(dies()).code == "server"
    assert text(inside(step(agent(upstream, "echo"), asking()))) == "Hello, you."


@pytest.mark.slow
def test_the_process_ends_with_the_server_however_that_ends() -> None:
    import signal
    import subprocess

    code = (
        "import asyncio\nfrom jupyter_chat_sessions.agents.pydantic_ai.worker import worker\n"
        "async def main():\n"
        "    process = await (await worker())._started()\n"
        "    print(process.pid, flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    child = int(server.stdout.readline())
    server.send_signal(signal.SIGKILL)
    server.wait(10)
    deadline = time.monotonic() + 20
    while _runs(child):
        assert time.monotonic() < deadline, "it outlived its server"
        time.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().split(") ")[1][0] != "Z"
    except OSError:
        return False


def test_without_the_extra_the_failure_says_what_to_install(
    inside: In, upstream: AnthropicUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_chat_sessions.agents.offers._is_there", lambda name: False)
    failed, _ = inside(failure(agent(upstream, "echo")))
    assert failed.code == "not_installed"
    assert "jupyter_chat_sessions[models]" in failed.message


@pytest.mark.parametrize("name", ["anthropic:claude-x", "google:gemini-x", "bedrock:anthropic.claude-x", "cohere:x"])
def test_ids_of_providers_with_a_wire_of_their_own_choose_it_and_import_nothing(name: str) -> None:
    import subprocess

    assert isinstance(load_agent(name), PydanticAI)
    code = (
        "import sys; from jupyter_chat_sessions.agents.registry import load_agent; load_agent(sys.argv[1]);"
        "sys.exit('pydantic_ai' in sys.modules or 'anthropic' in sys.modules)"
    )
    if name.startswith("anthropic"):
        done = subprocess.run([sys.executable, "-c", code, name], check=False, env={**os.environ})
        assert done.returncode == 0


def test_a_failure_of_no_known_kind_is_told_by_its_status_and_nothing_else() -> None:
    class Odd(Exception):
        status_code = 403

    assert failed_record(Odd("sk-secret")) == {"code": "forbidden", "hint": "HTTP 403"}
    assert failed_record(ModuleNotFoundError("boto3"))["code"] == "not_installed"
    assert failed_record(OSError("sk-secret")) == {"code": "server", "hint": "OSError"}
