"""Threads over REST: made, found, listed, renamed, deleted and taken back."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from played import Held, Played
from served import Connect, Rest, lines_of, tree, until

from jupyter_chat_sessions.chats.chats import Chats
from jupyter_chat_sessions.files import chats_folder as chats_folder_module


async def say(rest: Rest, thread_id: str, content: str = "hello", **more: Any) -> Any:
    """Sends to the agent `played` and waits for the end."""
    body = {"content": content, "model": "played", **more}
    answer = await rest("POST", f"/threads/{thread_id}/messages", body, query={"wait": "true"})
    assert answer.status == 200, answer.body
    return answer.json


async def listed(rest: Rest, **query: Any) -> list[dict[str, Any]]:
    threads: list[dict[str, Any]] = (await rest("GET", "/threads", query=query)).json["threads"]
    return threads


async def test_a_new_thread_is_a_header_and_no_more_and_is_not_listed(rest: Rest, jp_root_dir: Path) -> None:
    made = await rest("POST", "/threads", {"notebook": "a.ipynb"})
    thread_id = made.json["thread_id"]
    assert (made.status, made.json["new"], made.json["notebook"]) == (201, True, "a.ipynb")
    assert made.headers["X-Thread-Id"] == thread_id
    assert [line["type"] for line in lines_of(jp_root_dir, thread_id)] == ["header"]
    assert not (jp_root_dir / ".chats" / "catalog.json").exists()
    again = await rest("POST", "/threads", {"thread_id": thread_id, "notebook": "other.ipynb"})
    assert (again.status, again.json["new"], again.json["notebook"]) == (200, False, "a.ipynb")
    assert await listed(rest) == []
    assert (await rest("GET", f"/threads/{thread_id}/messages")).json == {
        "messages": [], "runs": [], "beside": [], "more": False
    }  # fmt: skip


async def test_a_first_message_puts_the_thread_on_the_list_of_its_notebook_and_of_no_other(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    (jp_root_dir / "deep").mkdir()
    one, two, three = new_id(), new_id(), new_id()
    await say(rest, one, "first words", notebook="a.ipynb")
    await say(rest, two, "other words", notebook="b.ipynb")
    await say(rest, three, "deeper words", notebook="deep/a.ipynb")
    (row,) = await listed(rest, notebook="a.ipynb")
    assert row == {
        "thread_id": one,
        "title": "first words",
        "created": row["created"],
        "updated": row["updated"],
        "message_count": 2,
        "preview": "You said first words",
        "notebook": "a.ipynb",
        "origin": None,
        "folder": "",
        "running": False,
        "kernel": False,
    }
    (entry,) = [e for e in json.loads((jp_root_dir / ".chats/catalog.json").read_bytes())["chats"] if e["guid"] == one]
    assert set(entry) == {"guid", "title", "created", "updated", "message_count", "preview", "notebook"}
    assert [each["thread_id"] for each in await listed(rest, notebook="b.ipynb")] == [two]
    assert [(each["thread_id"], each["folder"]) for each in await listed(rest, folder="deep")] == [(three, "deep")]
    assert {each["thread_id"] for each in await listed(rest, folder="")} == {one, two}
    assert [each["thread_id"] for each in await listed(rest)] == [three, two, one]
    assert [each["thread_id"] for each in await listed(rest, q="OTHER")] == [two]
    assert [each["thread_id"] for each in await listed(rest, limit=1)] == [three]
    before = (await listed(rest, limit=1))[0]["updated"]
    assert [each["thread_id"] for each in await listed(rest, before=before)] == [two, one]
    assert (await rest("GET", f"/threads/{three}")).json["folder"] == "deep"


async def test_each_change_is_one_version_and_another_etag_and_a_rename_is_one_line(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id, other = new_id(), new_id()
    await say(rest, thread_id)
    first = await rest("GET", "/threads")
    same = await rest("GET", "/threads", headers={"If-None-Match": first.headers["Etag"]})
    assert same.status == 304
    before = (jp_root_dir / ".chats" / thread_id / "chat.jsonl").read_bytes()

    shown = await rest("GET", f"/threads/{thread_id}")
    renamed = await rest("PATCH", f"/threads/{thread_id}", {"title": "  A   new\nname "})
    assert (renamed.status, renamed.json["title"]) == (200, "A new name")
    second = await rest("GET", "/threads")
    assert second.json["version"] == first.json["version"] + 1
    assert second.headers["Etag"] != first.headers["Etag"]
    after = (jp_root_dir / ".chats" / thread_id / "chat.jsonl").read_bytes()
    assert after.startswith(before)
    assert [json.loads(line)["type"] for line in after[len(before) :].splitlines()] == ["title"]

    stale = await rest("PATCH", f"/threads/{thread_id}", {"title": "z"}, headers={"If-Match": shown.headers["Etag"]})
    assert stale.refusal == (412, "stale")
    assert (jp_root_dir / ".chats" / thread_id / "chat.jsonl").read_bytes() == after
    await say(rest, other)
    await say(rest, thread_id)
    for tag in (renamed.headers["Etag"], "*"):
        assert (await rest("PATCH", f"/threads/{thread_id}", {"title": ""}, headers={"If-Match": tag})).status == 200
    assert (await rest("GET", f"/threads/{thread_id}")).json["title"] == "Untitled chat"


async def test_of_renames_that_saw_the_same_title_one_wins_and_the_others_are_told(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    await say(rest, thread_id)
    tag = (await rest("GET", f"/threads/{thread_id}")).headers["Etag"]
    answers = await asyncio.gather(
        *(rest("PATCH", f"/threads/{thread_id}", {"title": f"t{n}"}, headers={"If-Match": tag}) for n in range(8))
    )
    assert sorted(answer.status for answer in answers) == [200] + [412] * 7
    assert sum(line["type"] == "title" for line in lines_of(jp_root_dir, thread_id)) == 1
    answers = await asyncio.gather(
        *(rest("PATCH", f"/threads/{thread_id}", {"title": f"u{n}"}) for n in range(20)),
        *(rest("POST", "/threads", {"title": f"made {n}"}) for n in range(20)),
    )
    assert {answer.status for answer in answers} == {200, 201}
    assert sum(line["type"] == "title" for line in lines_of(jp_root_dir, thread_id)) == 21


async def test_a_title_given_before_the_first_message_is_kept(rest: Rest) -> None:
    made = await rest("POST", "/threads", {"title": "Mine"})
    thread_id = made.json["thread_id"]
    assert made.json["title"] == "Mine"
    await say(rest, thread_id, "first words")
    assert (await listed(rest))[0]["title"] == "Mine"


async def test_a_lost_or_broken_catalog_is_made_again_and_hostile_entries_do_no_harm(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    one, two = new_id(), new_id()
    await say(rest, one, "one")
    await rest("PATCH", f"/threads/{one}", {"title": "Kept"})
    await say(rest, two, "two")
    catalog = jp_root_dir / ".chats" / "catalog.json"
    await until(catalog.exists)
    odd = {"version": 3, "chats": [{"guid": one, "title": 7, "updated": []}, {"guid": "../../x"}]}
    for content in (None, b"", b"{", b"[]", b"\xff", json.dumps(odd).encode()):
        await listed(rest)
        if content is None:
            catalog.unlink()
        else:
            catalog.write_bytes(content)
        rows = {row["thread_id"]: row["title"] for row in await listed(rest)}
        assert set(rows) == {one, two}
        assert rows[two] == "two"
        assert rows[one] in ("Kept", "")


async def test_a_transcript_that_is_none_is_422_and_an_unknown_one_404_and_neither_is_touched(
    rest: Rest, live: Connect, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    broken, another, good = new_id(), new_id(), new_id()
    header = {"type": "header", "schema_version": 1, "guid": new_id(), "created": "2026-11-21T10:00:00.000Z"}
    for thread_id, content in ((broken, "{nonsense\n"), (another, json.dumps(header) + "\n")):
        (jp_root_dir / ".chats" / thread_id).mkdir(parents=True)
        (jp_root_dir / ".chats" / thread_id / "chat.jsonl").write_text(content)
        for method, door in (("GET", ""), ("GET", "/messages"), ("POST", "/messages"), ("GET", "/files")):
            body = {"content": "x"} if method == "POST" else None
            assert (await rest(method, f"/threads/{thread_id}{door}", body)).refusal == (422, "unreadable")
        assert await (await live(thread_id)).refusal() == ("unreadable", 4422)
        assert (jp_root_dir / ".chats" / thread_id / "chat.jsonl").read_text() == content
    assert (await rest("GET", f"/threads/{new_id()}")).refusal == (404, "thread_not_found")
    await say(rest, good)
    assert [row["thread_id"] for row in await listed(rest)] == [good]


async def test_what_is_only_asked_about_makes_nothing(rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]) -> None:
    thread_id = new_id()
    doors = [
        ("GET", ""), ("GET", "/messages"), ("GET", "/files"), ("GET", "/files/a.txt"), ("HEAD", "/files/a.txt"),
        ("GET", "/export"), ("DELETE", ""), ("PATCH", ""), ("POST", "/cancel"), ("POST", "/regenerate"),
        ("POST", "/kernel/restart"), ("POST", "/restore"), ("DELETE", "/messages/m"), ("DELETE", "/files/a.txt"),
    ]  # fmt: skip
    for method, door in doors:
        body = {"PATCH": {"title": "x"}, "POST": {"message_id": "m"} if door == "/regenerate" else {}}.get(method)
        assert (await rest(method, f"/threads/{thread_id}{door}", body)).status == 404, f"{method} {door}"
    assert tree(jp_root_dir) == set()


async def test_a_deleted_thread_is_gone_for_all_until_it_is_taken_back(
    rest: Rest, live: Connect, chats: Callable[[], Chats], jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    said = await say(rest, thread_id)
    kept = (jp_root_dir / ".chats" / thread_id / "chat.jsonl").read_bytes()
    socket = await live(thread_id)
    await socket.next()
    assert (await rest("DELETE", f"/threads/{thread_id}")).status == 204
    assert await socket.closed() == 4410
    await until(lambda: not (jp_root_dir / ".chats" / thread_id).exists())
    await until(lambda: chats().sessions.find(thread_id) is None)
    for method, door in (("GET", ""), ("DELETE", ""), ("GET", "/messages"), ("POST", "/messages")):
        body = {"content": "x"} if method == "POST" else None
        assert (await rest(method, f"/threads/{thread_id}{door}", body)).refusal == (404, "thread_deleted")
    assert (await rest("POST", "/threads", {"thread_id": thread_id})).refusal == (404, "thread_deleted")
    assert await (await live(thread_id)).refusal() == ("thread_deleted", 4410)
    assert await listed(rest) == []
    (told,) = (await rest("GET", "/deleted", query={"folder": ""})).json["threads"]
    assert (told["thread_id"], told["message_count"], told["folder"]) == (thread_id, 2, "")
    assert (await rest("GET", "/deleted", query={"notebook": "other.ipynb"})).json == {"threads": []}

    back = await rest("POST", f"/threads/{thread_id}/restore")
    assert (back.status, back.json["message_count"]) == (200, 2)
    assert (jp_root_dir / ".chats" / thread_id / "chat.jsonl").read_bytes().startswith(kept)
    assert [row["thread_id"] for row in await listed(rest)] == [thread_id]
    assert (await rest("GET", "/deleted")).json == {"threads": []}
    page = (await rest("GET", f"/threads/{thread_id}/messages")).json
    assert [each["message"]["id"] for each in page["messages"]] == [said["message_id"], said["messages"][0]["id"]]
    await say(rest, thread_id, "again")


async def test_to_take_back_a_thread_that_is_there_disturbs_nothing(
    rest: Rest, live: Connect, agent: Played, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    held = agent.play = Held("a", "b")
    socket = await live(thread_id)
    ack = await socket.answer(await socket.send("go", options={"model": "played"}))
    await held.has_begun.wait()
    back = await rest("POST", f"/threads/{thread_id}/restore")
    assert (back.status, back.json["run"]["run_id"]) == (200, ack["runId"])
    held.let(3)
    assert (await socket.event("RUN_FINISHED"))["outcome"] == {"type": "success"}


async def test_a_thread_deleted_while_it_is_answered_takes_the_sender_along_and_does_not_come_back(
    rest: Rest, agent: Played, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    messages = f"/threads/{thread_id}/messages"
    held = agent.play = Held("a")
    body = {"content": "x", "model": "played"}
    running = asyncio.ensure_future(rest("POST", messages, body, query={"wait": "true"}))
    await held.has_begun.wait()
    waiting = asyncio.ensure_future(rest("POST", messages, body, query={"wait": "true"}))
    await until(lambda: len(lines_of(jp_root_dir, thread_id)) == 4)
    assert (await rest("DELETE", f"/threads/{thread_id}")).status == 204
    assert (await rest("POST", messages, body)).refusal == (404, "thread_deleted")
    held.let()
    for answer in await asyncio.wait_for(asyncio.gather(running, waiting), 30):
        # whoever waits hears either that the run was stopped or, a moment later, that there is no thread any more
        assert answer.status == 404 or answer.json["outcome"] == "cancelled"
        assert answer.status == 200 or answer.refusal == (404, "thread_deleted")
    await until(lambda: not (jp_root_dir / ".chats" / thread_id).exists())
    assert agent.in_flight == 0
    assert (await rest("POST", messages, body)).refusal == (404, "thread_deleted")
    assert not (jp_root_dir / ".chats" / thread_id).exists()


async def test_a_thread_whose_folder_is_removed_by_hand_is_told_and_looked_for_no_more(
    rest: Rest, live: Connect, chats: Callable[[], Chats], jp_root_dir: Path, new_id: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("jupyter_chat_sessions.engine.sessions.QUIET_LOOK_S", 0.05)
    thread_id = new_id()
    await say(rest, thread_id)
    socket = await live(thread_id)
    await socket.next()
    shutil.rmtree(jp_root_dir / ".chats" / thread_id)
    assert await socket.closed() == 4500, "it may be put back: who comes again is told"
    assert await (await live(thread_id)).refusal() == ("thread_deleted", 4410)
    await until(lambda: chats().sessions.find(thread_id) is None)
    assert (await rest("GET", f"/threads/{thread_id}")).refusal == (404, "thread_not_found")


async def test_a_thread_whose_folder_is_away_for_a_while_is_not_begun_anew_and_goes_on_when_it_is_put_back(
    rest: Rest, live: Connect, jp_root_dir: Path, new_id: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jupyter_chat_sessions.engine.sessions.QUIET_LOOK_S", 0.05)
    thread_id = new_id()
    await say(rest, thread_id)
    socket = await live(thread_id)
    lines = (await socket.next())["lines"]
    for _ in range(2):
        (jp_root_dir / ".chats").rename(jp_root_dir / "away")
        assert await socket.closed() == 4500
        messages = f"/threads/{thread_id}/messages"
        assert (await rest("POST", messages, {"content": "/help"})).refusal == (404, "thread_deleted")
        assert not (jp_root_dir / ".chats").exists()
        (jp_root_dir / "away").rename(jp_root_dir / ".chats")
        socket = await live(thread_id)
        assert (await socket.next())["lines"] == lines
    assert (await say(rest, thread_id))["outcome"] == "success"


# --- session keys -----------------------------------------------------------------------------------------------------


async def keyed(rest: Rest, key: str) -> Any:
    return await rest("POST", "/threads", {}, headers={"X-Session-Key": key})


async def test_callers_with_one_key_meet_in_one_thread_and_its_messages_are_all_answered(
    rest: Rest, agent: Played, jp_root_dir: Path
) -> None:
    async def come(n: int) -> str:
        thread_id: str = (await keyed(rest, "  team x ")).json["thread_id"]
        await say(rest, thread_id, f"m{n}")
        return thread_id

    (thread_id,) = set(await asyncio.gather(*(come(n) for n in range(20))))
    assert [each.name for each in (jp_root_dir / ".chats").iterdir() if len(each.name) == 36] == [thread_id]
    assert sum(line["type"] == "run" for line in lines_of(jp_root_dir, thread_id)) == 20
    follow_up = await keyed(rest, "team x")
    assert (follow_up.status, follow_up.json["new"], follow_up.json["thread_id"]) == (200, False, thread_id)

    for none in ("", "   "):
        assert (await keyed(rest, none)).json["thread_id"] != thread_id
    for odd in ("x" * 300, "internal:x", "_x", "chat:x", "é"):
        assert (await keyed(rest, odd)).refusal == (400, "invalid_session_key"), odd
    assert (await keyed(rest, "a\x07b")).status == 400  # no header at all, to the web server
    explicit = await rest("POST", "/threads", {"thread_id": thread_id}, headers={"X-Session-Key": "fresh key"})
    assert explicit.json["thread_id"] == thread_id
    assert len(list((jp_root_dir / ".chats" / "keys").iterdir())) == 1


async def test_without_a_key_each_call_is_a_thread_of_its_own_and_none_is_listed(rest: Rest) -> None:
    made = [(await rest("POST", "/threads", {})).json for _ in range(3)]
    assert len({each["thread_id"] for each in made}) == 3
    assert all(each["new"] for each in made)
    assert (await rest("POST", "/threads", {"user": "constant"})).refusal == (400, "malformed")
    assert await listed(rest) == []


async def test_a_known_key_takes_no_lock(rest: Rest, jp_root_dir: Path) -> None:
    thread_id = (await keyed(rest, "k")).json["thread_id"]
    fd = os.open(jp_root_dir / ".chats" / "keys", os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        assert (await asyncio.wait_for(keyed(rest, "k"), 30)).json["thread_id"] == thread_id
    finally:
        os.close(fd)


async def test_a_key_whose_thread_was_deleted_leads_all_its_callers_to_one_fresh_thread(
    rest: Rest, jp_root_dir: Path
) -> None:
    gone = (await keyed(rest, "k")).json["thread_id"]
    await rest("DELETE", f"/threads/{gone}")
    await until(lambda: not (jp_root_dir / ".chats" / gone).exists())
    answers = await asyncio.gather(*(keyed(rest, "k") for _ in range(5)))
    (fresh,) = {answer.json["thread_id"] for answer in answers}
    assert fresh != gone
    assert (await keyed(rest, "k")).json["thread_id"] == fresh


async def test_a_notebook_has_one_current_thread_whoever_asks_first(rest: Rest) -> None:
    asked = {"notebook": "a.ipynb", "current": True}
    answers = await asyncio.gather(*(rest("POST", "/threads", asked) for _ in range(10)))
    (thread_id,) = {answer.json["thread_id"] for answer in answers}
    assert sorted(answer.status for answer in answers) == [200] * 9 + [201]
    other = (await rest("POST", "/threads", {"notebook": "b.ipynb", "current": True})).json["thread_id"]
    assert other != thread_id
    newer = (await rest("POST", "/threads", {"notebook": "a.ipynb"})).json["thread_id"]
    await say(rest, newer)
    assert (await rest("POST", "/threads", asked)).json["thread_id"] == newer
    await rest("DELETE", f"/threads/{newer}")
    assert (await rest("POST", "/threads", asked)).json["thread_id"] == thread_id


async def test_many_threads_without_a_catalog_are_shown_at_once_and_their_catalog_is_made_after(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chats_folder_module, "_MANY", 4)
    ids = [new_id() for _ in range(6)]
    for number, thread_id in enumerate(ids):
        await say(rest, thread_id, f"words {number}", notebook="a.ipynb")
    before = await listed(rest, folder="")
    assert {row["thread_id"] for row in before} == set(ids)
    (jp_root_dir / ".chats" / "catalog.json").unlink()
    first = (await rest("GET", "/threads", query={"folder": "", "limit": "2"})).json
    assert first["threads"][0] == before[0]
    assert first["version"] == 0

    await until(lambda: (jp_root_dir / ".chats" / "catalog.json").exists())
    assert await listed(rest, folder="") == before
    catalog = json.loads((jp_root_dir / ".chats" / "catalog.json").read_bytes())
    assert {each["guid"] for each in catalog["chats"]} == set(ids)
