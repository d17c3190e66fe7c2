"""What one message asks for beside its words: instructions, and which tools its answer may use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from played import Played, calls
from served import Connect, Rest, lines_of

ASKED = {"instructions": "Answer in French.", "tool_names": ["read_file", "list_files"], "asks_first": True}


def refusals(messages: list[Any]) -> list[str]:
    return [each["metadata"]["jupyter"]["code"] for each in messages if each["role"] == "tool"]


@pytest.mark.parametrize("door", ["rest", "websocket"])
async def test_an_agent_gets_the_instructions_and_the_chosen_tools_and_the_line_keeps_them(
    door: str, rest: Rest, live: Connect, agent: Played, new_id: Callable[[], str], jp_root_dir: Any
) -> None:
    thread_id = new_id()
    agent.play = calls("run_python", code="1")
    if door == "rest":
        body = {"content": "go", "model": "played", **ASKED}
        answer = await rest("POST", f"/threads/{thread_id}/messages", body, query={"wait": "true"})
        said = answer.json["messages"]
    else:
        socket = await live(thread_id)
        await socket.send("go", options={"model": "played", **ASKED})
        await socket.event("RUN_FINISHED")
        said = [line["message"] for line in socket.lines() if line.get("message")]
    first = agent.requests[0]
    assert (first.messages[0]["role"], first.messages[0]["content"]) == ("system", "Answer in French.")
    assert [spec.name for spec in first.tools] == ["list_files", "read_file"]
    assert refusals(said) == ["not_chosen"]
    [kept] = [line["options"] for line in lines_of(jp_root_dir, thread_id) if line.get("options")]
    assert {name: kept[name] for name in ASKED} == ASKED

    agent.play = calls("list_files")
    body = {"content": "go", "model": "played", "tool_names": []}
    await rest("POST", f"/threads/{thread_id}/messages", body, query={"wait": "true"})
    assert [request.tools for request in agent.requests[2:]] == [[], []]
    await rest("POST", f"/threads/{thread_id}/messages", {"content": "go", "model": "played"}, query={"wait": "true"})
    assert len(agent.requests[-1].tools) > 5
    assert agent.requests[-1].messages[0]["role"] == "user"


async def test_a_choice_that_does_not_fit_is_refused_in_words(
    rest: Rest, live: Connect, new_id: Callable[[], str]
) -> None:
    address = f"/threads/{new_id()}/messages"
    unknown = await rest("POST", address, {"content": "go", "tool_names": ["run_pyton"]})
    assert unknown.refusal == (400, "malformed")
    assert unknown.json["message"].startswith("tool_names: there is no tool 'run_pyton' here; there are ")
    assert "run_python" in unknown.json["message"]
    for wrong in (
        {"tool_names": "none"},
        {"tool_names": [1]},
        {"instructions": 1},
        {"instructions": "x" * 40_000},
        {"asks_first": "maybe"},
    ):
        assert (await rest("POST", address, {"content": "go", **wrong})).refusal == (400, "malformed"), wrong
    socket = await live(new_id())
    await socket.say(kind="send", id="m", content="go", options={"tool_names": ["run_pyton"]})
    assert (await socket.answer("m"))["code"] == "malformed"


async def test_typed_code_does_not_run_either_where_the_message_is_sent_without_tools(
    rest: Rest, new_id: Callable[[], str]
) -> None:
    body = {"content": "2 + 2", "model": "direct", "tool_names": []}
    answer = await rest("POST", f"/threads/{new_id()}/messages", body, query={"wait": "true"})
    assert refusals(answer.json["messages"]) == ["not_chosen"]


async def test_the_tools_of_a_thread_are_told_with_what_holds_for_each(rest: Rest, new_id: Callable[[], str]) -> None:
    told = (await rest("GET", f"/threads/{new_id()}/tools")).json
    level = (await rest("GET", "/sandbox")).json["level"]
    tools = {each["name"]: each for each in told["tools"]}
    assert told["level"] == level
    assert tools["run_python"]["permission"] == ("ask" if level == "unconfined" else "allow")
    assert tools["run_cell"]["permission"] == "ask"
    assert tools["list_variables"]["permission"] == "allow"
    assert tools["list_variables"]["consent"] == {"arguments": {"scope": "notebook"}, "permission": "ask"}
