"""The doors between a thread's folder and the notebook's, for a person and for a model that asks one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from played import Played, calls
from served import Connect, Raw, Rest, tree

from jupyter_chat_sessions.chats.chats import Chats


class ReaderOfContents(Authorizer):
    """Allows everything but writing contents."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return (action, resource) != ("write", "contents")


class StrangerToContents(Authorizer):
    """Allows everything but contents."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return resource != "contents"


async def test_a_file_beside_the_notebook_is_copied_into_a_new_thread_and_served(
    raw: Raw, rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    (jp_root_dir / "analysis" / "data").mkdir(parents=True)
    (jp_root_dir / "analysis" / "data" / "t.csv").write_text("1,2")
    thread_id = new_id()
    address, query = f"/threads/{thread_id}/import", {"notebook": "analysis/report.ipynb"}
    copied = await rest("POST", address, {"path": "data/t.csv"}, query=query)
    assert (copied.status, copied.headers["X-Thread-Id"]) == (201, thread_id)
    assert {**copied.json, "url": ""} == {"path": "data/t.csv", "size": 3, "media_type": "text/csv", "url": ""}
    assert (await raw("GET", copied.json["url"], base="")).body == b"1,2"
    assert (await rest("POST", address, {"path": "data/t.csv"}, query=query)).refusal == (409, "file_exists")
    assert (await rest("POST", address, {"path": "data/t.csv", "overwrite": True}, query=query)).status == 201
    for path, refusal in (
        (".chats/x", (403, "forbidden")), ("../t.csv", (400, "invalid_path")), ("no.csv", (404, "file_not_found")),
    ):  # fmt: skip
        assert (await rest("POST", address, {"path": path}, query=query)).refusal == refusal


async def test_an_artifact_is_saved_beside_the_notebook_and_the_answer_says_where(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    (jp_root_dir / "analysis").mkdir()
    (jp_root_dir / "analysis" / "plot.png").write_bytes(b"mine")
    thread_id, query = new_id(), {"notebook": "analysis/report.ipynb"}
    await rest("PUT", f"/threads/{thread_id}/files/plot.png", b"new", query=query)
    saved = await rest("POST", f"/threads/{thread_id}/save", {"path": "plot.png"})
    assert (saved.status, saved.json) == (201, {"path": "analysis/plot-1.png", "size": 3})
    assert (jp_root_dir / "analysis" / "plot.png").read_bytes() == b"mine"
    assert (jp_root_dir / "analysis" / "plot-1.png").read_bytes() == b"new"
    named = {"path": "plot.png", "name": "plot.png"}
    assert (await rest("POST", f"/threads/{thread_id}/save", named)).refusal == (409, "file_exists")
    assert (await rest("POST", f"/threads/{new_id()}/save", {"path": "plot.png"})).refusal[0] == 404


@pytest.mark.parametrize("chat_config", [{"ServerApp": {"authorizer_class": ReaderOfContents}}])
async def test_who_may_not_write_contents_saves_nothing_through_a_chat(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    (jp_root_dir / "t.csv").write_text("1")
    thread_id = new_id()
    assert (await rest("POST", f"/threads/{thread_id}/import", {"path": "t.csv"})).status == 201
    refused = await rest("POST", f"/threads/{thread_id}/save", {"path": "t.csv"})
    assert refused.refusal == (403, "forbidden")
    assert {name for name in tree(jp_root_dir) if "/" not in name} == {".chats", "t.csv"}


@pytest.mark.parametrize("chat_config", [{"ServerApp": {"authorizer_class": StrangerToContents}}])
async def test_who_may_not_read_contents_reads_none_through_a_chat(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    (jp_root_dir / "t.csv").write_text("1")
    refused = await rest("POST", f"/threads/{new_id()}/import", {"path": "t.csv"})
    assert refused.refusal == (403, "forbidden")
    assert tree(jp_root_dir) == {"t.csv"}


async def test_a_model_that_wants_a_file_asks_the_person_and_gets_it_when_allowed(
    rest: Rest, live: Connect, agent: Played, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    (jp_root_dir / "data").mkdir()
    (jp_root_dir / "data" / "t.csv").write_text("1,2")
    agent.play = calls("import_file", path="data/t.csv")
    thread_id = new_id()
    socket = await live(thread_id)
    await socket.send("use t.csv", options={"model": "played"})
    asked = (await socket.event("RUN_FINISHED"))["outcome"]["interrupts"][0]
    assert (asked["tool"], asked["arguments"]["path"]) == ("import_file", "data/t.csv")
    assert not (jp_root_dir / ".chats" / thread_id / "files").exists()
    await socket.say(
        kind="answer",
        id="1",
        answers=[{"interruptId": asked["id"], "status": "resolved", "payload": {"approve": True}}],
    )
    result = await socket.event("TOOL_CALL_RESULT")
    assert result["content"].startswith("Copied data/t.csv (3 bytes)")
    assert (jp_root_dir / ".chats" / thread_id / "files" / "data" / "t.csv").read_text() == "1,2"


async def test_a_model_with_nobody_to_ask_gets_no_file_of_the_persons(
    rest: Rest, agent: Played, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    (jp_root_dir / "t.csv").write_text("1,2")
    agent.play = calls("import_file", path="t.csv")
    body = {"content": "use it", "model": "played"}
    answer = await rest("POST", f"/threads/{new_id()}/messages", body, query={"wait": "true"})
    results = [each for each in answer.json["messages"] if each["role"] == "tool"]
    assert [each["error"] for each in results] == ["not allowed"]
    assert "t.csv" not in json.dumps([str(path) for path in (jp_root_dir / ".chats").rglob("*")])


async def test_contents_that_are_no_local_files_are_refused_with_the_way_that_is_left(
    rest: Rest, chats: Callable[[], Chats], new_id: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    thread_id = new_id()
    await rest("PUT", f"/threads/{thread_id}/files/a.txt", b"x")
    session = chats().sessions.find(thread_id)  # type: ignore[arg-type]
    assert session is not None
    monkeypatch.setattr(session, "home", replace(session.home, beside=None))
    refused = await rest("POST", f"/threads/{thread_id}/save", {"path": "a.txt"})
    assert refused.refusal == (404, "not_found")
    assert "download" in refused.json["message"]


async def test_a_chat_begun_in_a_hidden_folder_opens_nothing_there(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    (jp_root_dir / ".ssh").mkdir()
    (jp_root_dir / ".ssh" / "id").write_text("secret")
    thread_id, query = new_id(), {"folder": ".ssh"}
    copied = await rest("POST", f"/threads/{thread_id}/import", {"path": "id"}, query=query)
    assert copied.refusal == (403, "forbidden")
    await rest("PUT", f"/threads/{thread_id}/files/authorized_keys", b"mine", query=query)
    saved = await rest("POST", f"/threads/{thread_id}/save", {"path": "authorized_keys"}, query=query)
    assert saved.refusal == (403, "forbidden")
    assert not (jp_root_dir / ".ssh" / "authorized_keys").exists()
    consent = await rest("PUT", f"/threads/{thread_id}/consent", {"notebook_folder": True}, query=query)
    assert consent.status in (403, 409)
