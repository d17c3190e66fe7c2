"""The variables of the notebook's kernel: listed for its person, and looked at when a message names them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from jupyter_server.serverapp import ServerApp
from played import Played
from served import Connect, Raw, Rest
from test_notebook import _until_busy, kernel_of, write_notebook

from jupyter_chat_sessions.agents.history import chat_messages

ASKS = {"notebook": "report.ipynb"}
VARIABLES = "class Table:\n    shape = (3, 2)\n    columns = ['a', 'b']\ntable = Table(); count = 42; _hidden = 1"


def along(*names: str, **more: str) -> list[dict[str, str]]:
    return [{"type": "variable", "name": name, **more} for name in names]


class NoKernelsAuthorizer(Authorizer):
    """Allows chats, and to see kernels, not to run code in them."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return (action, resource) != ("execute", "kernels")


async def test_they_are_listed_and_looked_at_for_a_message_that_names_them_also_while_a_cell_runs(
    rest: Rest, live: Connect, agent: Played, jp_serverapp: ServerApp, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    write_notebook(jp_root_dir / "report.ipynb")
    async with kernel_of(jp_serverapp) as kernel:
        await kernel.execute_interactive(VARIABLES, timeout=20)
        kernel.execute("import time; time.sleep(30)")
        await _until_busy(kernel)
        listed = (await rest("GET", "/variables", query=ASKS)).json
        rows = {row["name"]: row for row in listed["variables"]}
        assert rows["table"] == {"name": "table", "type": "Table", "size": "3x2", "preview": "columns a, b"}
        assert rows["count"]["preview"] == "42"
        assert "_hidden" not in rows
        assert not listed["more"]
        assert (await rest("GET", "/variables", query={**ASKS, "limit": "1"})).json["more"]

        socket = await live(new_id(), notebook="report.ipynb")
        options = {
            "model": "played",
            "context": [*along("count", "absent"), {"type": "variable", "name": "x", "value": "1"}],
        }
        await socket.send("why?", options=options)
        await socket.event("RUN_FINISHED")
        body = {"content": "and?", "model": "played", "context": along("count", notebook="report.ipynb", problem="old")}
        await rest("POST", f"/threads/{new_id()}/messages", body, query={"wait": "true"})
    first, second = (request.messages[-1] for request in agent.requests)
    count, absent, given = first["metadata"]["jupyter"]["context"]
    assert count == {"type": "variable", "name": "count", "value": "count: builtins.int\n42"}
    assert "no such variable" in absent["problem"]
    assert "value" not in absent
    assert given == {"type": "variable", "name": "x", "value": "1"}
    (named,) = second["metadata"]["jupyter"]["context"]
    assert named == {**count, "notebook": "report.ipynb"}
    words = chat_messages([first], system="s", budget=10_000)[-1]["content"]
    assert "The variable count:\n```\ncount: builtins.int\n42\n```" in words
    assert "The variable absent could not be looked at: There is no such variable" in words


async def test_a_message_is_sent_though_no_kernel_can_be_looked_into_and_says_why(
    rest: Rest, jp_root_dir: Path, agent: Played, new_id: Callable[[], str]
) -> None:
    write_notebook(jp_root_dir / "report.ipynb")
    assert (await rest("GET", "/variables", query=ASKS)).refusal == (404, "not_found")
    assert (await rest("GET", "/variables")).refusal == (400, "malformed")
    assert (await rest("GET", "/variables", query={"notebook": "../report.ipynb"})).refusal == (404, "not_found")
    body = {"content": "why?", "model": "played", "context": along("x"), "notebook": "report.ipynb"}
    assert (await rest("POST", f"/threads/{new_id()}/messages", body, query={"wait": "true"})).status == 200
    (item,) = agent.requests[0].messages[-1]["metadata"]["jupyter"]["context"]
    assert "no running kernel" in item["problem"]
    nowhere = {"content": "why?", "context": along("x")}
    assert (await rest("POST", f"/threads/{new_id()}/messages", nowhere)).refusal == (400, "malformed")
    nameless = {"content": "why?", "context": [{"type": "variable"}], "notebook": "report.ipynb"}
    assert (await rest("POST", f"/threads/{new_id()}/messages", nameless)).refusal == (400, "malformed")


async def test_nobody_looks_with_a_scoped_token(rest: Rest, raw: Raw, new_id: Callable[[], str]) -> None:
    thread_id = (await rest("POST", "/threads", {"notebook": "report.ipynb"})).json["thread_id"]
    share = (await rest("POST", f"/threads/{thread_id}/shares", {"rights": "approve"})).json
    visitor = {"Authorization": f"Bearer {share['token']}"}
    asked = await raw("GET", "/variables?notebook=report.ipynb", headers=visitor, is_known=False)
    assert asked.refusal == (403, "forbidden")
    body = b'{"content": "why?", "context": [{"type": "variable", "name": "x"}]}'
    sent = await raw("POST", f"/threads/{thread_id}/messages", body, headers=visitor, is_known=False)
    assert sent.refusal == (403, "forbidden")
    assert (await rest("GET", f"/threads/{thread_id}/messages")).json["messages"] == []


@pytest.mark.parametrize("chat_config", [{"ServerApp": {"authorizer_class": NoKernelsAuthorizer}}])
async def test_who_may_not_run_code_in_kernels_looks_into_none(rest: Rest, new_id: Callable[[], str]) -> None:
    assert (await rest("GET", "/variables", query=ASKS)).refusal == (403, "forbidden")
    body = {"content": "why?", "context": along("x", notebook="report.ipynb")}
    assert (await rest("POST", f"/threads/{new_id()}/messages", body)).refusal == (403, "forbidden")
