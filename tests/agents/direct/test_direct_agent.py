"""The agent in a loop like the engine's, over a tool that really runs Python."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

import pytest

from jupyter_chat_sessions.agents.direct import DirectAgent
from jupyter_chat_sessions.core.ids import RunId, new_run_id, new_thread_id
from jupyter_chat_sessions.core.roles import Agent, Done, Request, TextDelta, ToolCallDelta, ToolSpec


class Chat:
    """A thread with a direct agent: `send` goes on until the agent has nothing more to call."""

    def __init__(self, tools: tuple[str, ...] = ()) -> None:
        self.agent: Agent = DirectAgent()
        self.thread_id = new_thread_id()
        self.tools = tuple(ToolSpec(name, "", {}) for name in tools)
        self.messages: list[Mapping[str, Any]] = []
        self.space: dict[str, Any] = {}
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.call_ids: list[str] = []

    async def send(self, content: Any) -> str:
        """What the agent said; the calls it made are in `calls`."""
        self.messages.append({"id": "m", "role": "user", "content": content})
        run_id = new_run_id()
        for _ in range(20):
            text, call = await self._step(run_id)
            if call is None:
                return text
            assert text == ""
            self.messages.append({"id": "a", "role": "assistant", "toolCalls": [{"id": call.id}]})
            self.messages.append(self._run(call))
        raise AssertionError("the agent goes on calling")

    async def _step(self, run_id: RunId) -> tuple[str, ToolCallDelta | None]:
        names = frozenset(name for name in self.space if not name.startswith("_"))
        request = Request(self.thread_id, run_id, tuple(self.messages), self.tools, names=names)
        events = []
        async with aclosing(self.agent.answer(request)) as answer:  # type: ignore[type-var]
            async for event in answer:
                events.append(event)
        calls = [event for event in events if isinstance(event, ToolCallDelta)]
        text = "".join(event.text for event in events if isinstance(event, TextDelta))
        assert events[-1] == Done("tool_calls" if calls else "stop")
        assert len(calls) <= 1
        return text, calls[0] if calls else None

    def _run(self, call: ToolCallDelta) -> Mapping[str, Any]:
        assert call.id is not None
        assert call.name is not None
        arguments = json.loads(call.arguments)
        self.calls.append((call.name, arguments))
        self.call_ids.append(call.id)
        message = {"id": call.id, "role": "tool", "toolCallId": call.id, "content": ""}
        if call.name != "run_python":
            return message
        try:
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(arguments["code"], self.space)
        except Exception as raised:
            return {**message, "error": f"{type(raised).__name__}: {raised}"}
        return {**message, "content": printed.getvalue()}


@pytest.fixture
def chat() -> Chat:
    return Chat()


def test_it_is_no_model_and_says_so() -> None:
    agent = DirectAgent()
    assert (agent.id, agent.label, agent.author) == ("direct", "Direct mode · no AI model", "person")


async def test_code_that_went_well_needs_no_words(chat: Chat) -> None:
    assert await chat.send("x = 20 + 22") == ""
    assert chat.calls == [("run_python", {"code": "x = 20 + 22"})]
    assert chat.space["x"] == 42


async def test_a_name_is_code_in_the_message_after_it_was_defined(chat: Chat) -> None:
    assert "No AI model" in await chat.send("answer")
    await chat.send("answer = 42")
    assert await chat.send("answer") == ""
    assert [code["code"] for _, code in chat.calls] == ["answer = 42", "answer"]


async def test_blocks_run_one_call_a_step_in_their_order(chat: Chat) -> None:
    said = await chat.send("First:\n```python\nx = 1\n```\nthen\n```bash\nls\n```\nand\n```\nx += 1\n```")
    assert said == ""
    assert [name for name, _ in chat.calls] == ["run_python", "run_shell", "run_python"]
    assert chat.space["x"] == 2


async def test_blocks_stop_at_the_first_error(chat: Chat) -> None:
    said = await chat.send("```python\nx = 1\n```\n```python\n1/0\n```\n```python\nx = 2\n```\n```sh\nls\n```")
    assert len(chat.calls) == 2
    assert chat.space["x"] == 1
    assert "division by zero" in said
    assert said.endswith("The 2 blocks after it were not run.")


async def test_an_error_is_explained_with_the_names_there_are(chat: Chat) -> None:
    await chat.send("total = 1")
    assert await chat.send("print(totl)") == "`totl` is not defined. Did you mean `total`?"


async def test_shell_lines_are_shell_calls(chat: Chat) -> None:
    assert await chat.send("!touch a\n!ls") == ""
    assert chat.calls == [("run_shell", {"command": "touch a"}), ("run_shell", {"command": "ls"})]


async def test_a_command_calls_its_tool_once(chat: Chat) -> None:
    assert await chat.send("/files *.csv") == ""
    assert await chat.send("/reset") == ""
    assert chat.calls == [("list_files", {"path": ".", "glob": "*.csv"}), ("restart_kernel", {})]


@pytest.mark.parametrize("text", ["hello", "plot the sales please", "", "thanks!", "```json\n{}\n```"])
async def test_words_get_an_honest_answer_and_three_commands(chat: Chat, text: str) -> None:
    said = await chat.send(text)
    assert "No AI model is connected" in said
    assert said.count("\n- `/") == 3
    assert "`/model` says how to connect" in said
    assert chat.calls == []


async def test_words_that_are_nearly_a_command_line_are_told_how(chat: Chat) -> None:
    assert (await chat.send("ls -la")).startswith("As a shell command: `!ls -la`.")
    assert (await chat.send("pip install pandas")).startswith("As a shell command: `%pip install pandas`.")
    assert (await chat.send("make a plot")).startswith("No AI model")
    assert "`/read sales.csv`" in await chat.send("what is in sales.csv?")


async def test_an_expression_with_an_unknown_name_is_told_which(chat: Chat) -> None:
    await chat.send("df = 1")
    assert (await chat.send("dg.shape")).startswith("As Python: `dg` is not defined; `/run dg.shape` runs it")
    assert (await chat.send("x")).startswith("As Python: `x` is not defined")
    await chat.send("total = 1")
    assert (await chat.send("totl")).startswith("As Python: `totl` is not defined")
    assert (await chat.send("hello")).startswith("No AI model")


async def test_a_file_that_is_only_named_is_not_run(chat: Chat) -> None:
    said = await chat.send("sales.csv")
    assert "`/read sales.csv`" in said
    assert chat.calls == []


async def test_a_pasted_traceback_is_explained_without_running_anything(chat: Chat) -> None:
    said = await chat.send("Traceback (most recent call last):\n  File 'a'\nModuleNotFoundError: No module named 'cv2'")
    assert "`%pip install opencv-python`" in said
    assert chat.calls == []


async def test_the_words_of_a_message_in_parts_are_read(chat: Chat) -> None:
    await chat.send([{"type": "text", "text": "x = 1"}, {"type": "binary", "mimeType": "image/png"}])
    assert chat.space["x"] == 1


async def test_call_ids_never_repeat_and_fit_every_provider(chat: Chat) -> None:
    block = "```\npass\n```\n"
    for _ in range(3):
        await chat.send(block * 12)
    assert len(set(chat.call_ids)) == 36
    assert all(len(call_id) <= 40 for call_id in chat.call_ids)


async def test_a_tool_the_server_does_not_have_is_not_called() -> None:
    chat = Chat(tools=("run_python",))
    assert await chat.send("!ls") == (
        "This message was sent without the tool `run_shell`, or there is none here; nothing has run."
    )
    assert await chat.send("x = 1") == ""
    assert [name for name, _ in chat.calls] == ["run_python"]


async def test_a_result_of_an_earlier_message_does_not_count(chat: Chat) -> None:
    await chat.send("1/0")
    assert await chat.send("x = 1") == ""
    assert chat.space["x"] == 1


async def test_no_message_at_all_is_answered_like_words() -> None:
    request = Request(new_thread_id(), new_run_id(), ())
    events = [event async for event in DirectAgent().answer(request)]
    assert isinstance(events[0], TextDelta)
    assert events[-1] == Done()
