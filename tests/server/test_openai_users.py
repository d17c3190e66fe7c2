"""Two users of one hub-like server, kept apart at the OpenAI-compatible doors too."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from openai_kit import threads
from played import Held, Played, calls
from served import Answer, Raw, until
from test_users import ANN, BOB, KEPT_APART


async def post(raw: Raw, path: str, body: Any, headers: dict[str, str], **more: str) -> Answer:
    return await raw(
        "POST", f"/v1{path}", json.dumps({"model": "played", **body}).encode(), headers={**headers, **more}
    )


@pytest.mark.parametrize("chat_config", [KEPT_APART])
async def test_neither_sees_reads_watches_answers_or_cancels_what_is_the_others(
    raw: Raw, agent: Played, jp_root_dir: Path
) -> None:
    agent.play = held = Held("mine")
    begun = await post(raw, "/responses", {"input": "hers", "background": True}, ANN)
    assert begun.status == 200
    response, talk, thread_id = begun.json["id"], begun.json["conversation"]["id"], begun.headers["X-Thread-Id"]
    for method, path in (
        ("GET", f"/responses/{response}"), ("GET", f"/responses/{response}?stream=true"),
        ("POST", f"/responses/{response}/cancel"), ("DELETE", f"/responses/{response}"),
        ("GET", f"/conversations/{talk}"), ("GET", f"/conversations/{talk}/items"),
        ("DELETE", f"/conversations/{talk}"),
    ):  # fmt: skip
        answer = await raw(method, f"/v1{path}", b"{}" if method == "POST" else None, headers=BOB)
        assert answer.refusal[0] == 404, f"{method} {path}"
    assert (await post(raw, "/responses", {"input": "x", "previous_response_id": response}, BOB)).status == 400
    assert (await post(raw, "/responses", {"input": "x", "conversation": talk}, BOB)).status == 404
    asks = {"messages": [{"role": "user", "content": "x"}]}
    strange = await post(raw, "/chat/completions", asks, BOB, **{"X-Thread-Id": thread_id})
    assert strange.refusal == (404, "thread_not_found")
    assert agent.in_flight == 1
    held.let(2)
    await until(lambda: agent.in_flight == 0)
    assert len(threads(jp_root_dir)) == 1


@pytest.mark.parametrize("chat_config", [KEPT_APART])
async def test_one_key_or_idempotency_key_of_two_users_is_two_threads(raw: Raw, jp_root_dir: Path) -> None:
    for header in ("X-Session-Key", "Idempotency-Key"):
        for who in (ANN, BOB):
            asks = {"messages": [{"role": "user", "content": "the same"}]}
            assert (await post(raw, "/chat/completions", asks, who, **{header: "k"})).status == 200
    assert len(threads(jp_root_dir)) == 4


@pytest.mark.parametrize("chat_config", [KEPT_APART])
async def test_a_call_id_of_anothers_thread_leads_nowhere(raw: Raw, agent: Played, jp_root_dir: Path) -> None:
    agent.play = calls("weather", then="It rains.")
    tools = [{"type": "function", "function": {"name": "weather"}}]
    question = {"role": "user", "content": "go"}
    first = await post(raw, "/chat/completions", {"messages": [question], "tools": tools}, ANN)
    message = first.json["choices"][0]["message"]
    result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "snow"}
    answer = {"messages": [question, message, result], "tools": tools}
    theirs = await post(raw, "/chat/completions", answer, BOB)
    assert theirs.headers["X-Thread-Id"] != first.headers["X-Thread-Id"]
    hers = await post(raw, "/chat/completions", answer, ANN)
    assert hers.headers["X-Thread-Id"] == first.headers["X-Thread-Id"]


@pytest.mark.parametrize("chat_config", [KEPT_APART])
async def test_a_run_that_is_named_as_anothers_run_tells_nothing_of_that_one(raw: Raw) -> None:
    """Clients of AG-UI name their runs themselves."""
    hers = await post(raw, "/responses", {"input": "my secret"}, ANN)
    run_id, thread_id = hers.headers["X-Run-Id"], str(uuid.uuid4())
    asks = {"threadId": thread_id, "runId": run_id, "messages": [{"id": "m", "role": "user", "content": "mine"}]}
    begun = await raw("POST", "/ag-ui", json.dumps(asks).encode(), headers=BOB)
    assert begun.status == 200
    known = begun.headers["X-Thread-Id"].replace("-", "") + run_id.replace("-", "")
    his = await raw("GET", f"/v1/responses/resp_{known}", headers=BOB)
    assert "my secret" not in json.dumps(his.json)
    assert (his.status, his.headers["X-Run-Id"]) == (200, run_id)
