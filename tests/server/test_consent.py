"""A person's consent that tools read the notebook's folder: given, kept, told, withdrawn, never carried over."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from served import Connect, Rest, lines_of

from jupyter_chat_sessions.chats.consent import mark_of
from jupyter_chat_sessions.core.ids import ThreadId, new_thread_id
from jupyter_chat_sessions.sandbox.backends import BACKENDS

WAIT = {"wait": "true"}
CONFINES = any(backend.name != "plain" and backend.probe().ok for backend in BACKENDS)
needs_walls = pytest.mark.skipif(not CONFINES, reason="nothing confines tools here")


@needs_walls
async def test_with_consent_a_call_reads_beside_the_notebook_and_no_other_chat(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    (jp_root_dir / "t.csv").write_text("1,2")
    other = (await rest("POST", "/threads", {})).json["thread_id"]
    thread_id = new_id()
    assert (await rest("PUT", f"/threads/{thread_id}/consent", {"notebook_folder": True})).json == {
        "notebook_folder": True
    }
    code = f"""
place = "/mnt/notebook" if __import__("os").path.exists("/mnt/notebook") else {str(jp_root_dir)!r}
print(open(place + "/t.csv").read())
open(place + "/.chats/{other}/chat.jsonl")
"""
    body = {"content": f"```python{code}```", "model": "direct"}
    answer = await rest("POST", f"/threads/{thread_id}/messages", body, query=WAIT)
    [result] = [each for each in answer.json["messages"] if each["role"] == "tool"]
    assert "1,2" in result["content"]
    assert "Error" in result["error"]
    assert result["metadata"]["jupyter"]["notebook_folder"] in ("/mnt/notebook", str(jp_root_dir))


@needs_walls
async def test_consent_is_a_line_that_viewers_are_told_of_and_outlives_them(
    rest: Rest, live: Connect, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    address = f"/threads/{thread_id}/consent"
    socket = await live(thread_id)
    assert (await socket.next())["thread"]["reads_notebook"] is False
    for is_given in (True, True, False, True):
        assert (await rest("PUT", address, {"notebook_folder": is_given})).status == 200
    for is_given in (True, False, True):
        news = await socket.until(lambda frame: "reads_notebook" in str(frame.get("event")))
        assert news["event"]["value"] == {"reads_notebook": is_given}
    assert (await (await live(thread_id)).next())["thread"]["reads_notebook"] is True
    marks = [line["folder"] for line in lines_of(jp_root_dir, thread_id) if line["type"] == "consent"]
    assert marks == [marks[0], None, marks[0]]
    assert str(jp_root_dir) not in str(marks)


def test_a_mark_is_of_one_thread_and_one_folder_on_one_disk(jp_root_dir: Path) -> None:
    one, other = jp_root_dir / "one", jp_root_dir / "other"
    one.mkdir()
    other.mkdir()
    thread_id, another = new_thread_id(), new_thread_id()
    mark = mark_of(thread_id, one)
    assert mark is not None
    assert mark_of(another, one) != mark
    (jp_root_dir / "link").symlink_to(one)
    assert mark_of(thread_id, jp_root_dir / "link") == mark
    one.rename(jp_root_dir / "elsewhere")
    other.rename(one)  # of the same path, and not the same folder
    assert mark_of(thread_id, one) != mark
    assert mark_of(thread_id, jp_root_dir / "elsewhere") != mark
    assert mark_of(thread_id, jp_root_dir / "nowhere") is None


async def test_a_transcript_that_came_with_a_copied_folder_gives_no_consent(
    live: Connect, rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    for name in ("mine", "cloned"):
        chats, thread_id = jp_root_dir / name / ".chats", ThreadId(new_id())
        chats.mkdir(parents=True)
        mark = mark_of(thread_id, jp_root_dir / "mine")
        header = {"type": "header", "schema_version": 1, "guid": thread_id, "created": "", "notebook": None}
        line = {"type": "consent", "schema_version": 1, "seq": 1, "created": "", "folder": mark}
        (chats / thread_id).mkdir()
        (chats / thread_id / "chat.jsonl").write_text(f"{json.dumps(header)}\n{json.dumps(line)}\n")
        hello = await (await live(thread_id, folder=name)).next()
        assert (hello["seq"], hello["thread"]["reads_notebook"]) == (1, name == "mine")


@pytest.mark.parametrize("chat_config", [{"ChatSessions": {"sandbox": "plain"}}])
async def test_where_nothing_confines_tools_consent_is_refused_with_the_reason(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    refused = await rest("PUT", f"/threads/{new_id()}/consent", {"notebook_folder": True})
    assert refused.refusal == (409, "conflict")
    assert "import single files" in refused.json["message"]
    assert not (jp_root_dir / ".chats").exists()


async def test_a_consent_that_says_neither_yes_nor_no_is_malformed(rest: Rest, new_id: Callable[[], str]) -> None:
    for body in ({}, {"notebook_folder": "perhaps"}, {"notebook_folder": True, "home": True}):
        assert (await rest("PUT", f"/threads/{new_id()}/consent", body)).refusal == (400, "malformed")
