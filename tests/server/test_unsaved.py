"""Where nothing is kept, nothing can be written, or there is no room."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from played import Held, Played
from served import Connect, Rest, lines_of, tree, until

PLAYED = {"model": "played"}
WAIT = {"wait": "true"}


@pytest.mark.parametrize("chat_config", [{"ChatSessions": {"persist": False}}])
async def test_a_server_that_keeps_nothing_never_touches_the_folder_and_still_has_its_chats(
    rest: Rest, live: Connect, chats: Callable[[], Any], jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    socket = await live(thread_id, notebook="a.ipynb")
    hello = await socket.next()
    assert hello["thread"]["saved"] is False
    chats().sessions._idle_close_s = 0.0
    await socket.send("one", options=PLAYED)
    await socket.event("RUN_FINISHED")
    socket.connection.close()
    session = chats().sessions.find(thread_id)
    await until(lambda: not session.is_watched)
    put = await rest("PUT", f"/threads/{thread_id}/files/a.txt", b"x")
    assert put.status == 201
    assert (await rest("GET", f"/threads/{thread_id}/files/a.txt")).body == b"x"
    key = {"X-Session-Key": "k"}
    keyed = [(await rest("POST", "/threads", {}, headers=key)).json["thread_id"] for _ in range(2)]
    assert keyed[0] == keyed[1]
    current = await rest("POST", "/threads", {"notebook": "a.ipynb", "current": True})
    assert current.json["thread_id"] == thread_id
    (row,) = (await rest("GET", "/threads", query={"notebook": "a.ipynb"})).json["threads"]
    assert (row["thread_id"], row["message_count"]) == (thread_id, 2)
    page = (await rest("GET", f"/threads/{thread_id}/messages")).json
    assert [each["message"]["content"] for each in page["messages"]] == ["one", "You said one"]
    assert (await rest("DELETE", f"/threads/{thread_id}")).status == 204
    assert (await rest("GET", "/threads")).json["threads"] == []
    assert (await rest("POST", f"/threads/{thread_id}/restore")).status == 404
    assert tree(jp_root_dir) == set()


def mounted(folder: Path, options: str) -> None:
    """Mounts a file system of its own there, or skips the test where that is not allowed."""
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip(f"a file system of its own cannot be mounted here: {done.stderr.decode().strip()}")


def make_read_only(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


@pytest.fixture
def small_root(jp_root_dir: Path) -> Iterator[Path]:
    """The server's root as a file system of 256 kB."""
    mounted(jp_root_dir, "size=256k")
    yield jp_root_dir
    subprocess.run(["umount", "-l", str(jp_root_dir)], check=True)


async def test_a_folder_that_is_only_read_shows_its_threads_and_new_chats_go_on_unsaved(
    small_root: Path, rest: Rest, live: Connect, chats: Callable[[], Any], new_id: Callable[[], str]
) -> None:
    old, new = new_id(), new_id()
    sent = await rest("POST", f"/threads/{old}/messages", {"content": "kept", **PLAYED}, query=WAIT)
    assert sent.status == 200
    await chats().sessions.drop(old)
    make_read_only(small_root)

    page = (await rest("GET", f"/threads/{old}/messages")).json
    assert [each["message"]["content"] for each in page["messages"]] == ["kept", "You said kept"]
    (row,) = (await rest("GET", "/threads")).json["threads"]
    assert row["thread_id"] == old
    refused = await rest("POST", f"/threads/{old}/messages", {"content": "more"})
    assert refused.refusal == (403, "read_only")
    assert (await rest("PATCH", f"/threads/{old}", {"title": "x"})).refusal == (403, "read_only")
    assert (await rest("PUT", f"/threads/{old}/files/a", b"x")).refusal == (403, "read_only")
    assert (await rest("DELETE", f"/threads/{old}")).refusal == (403, "read_only")
    socket = await live(old)
    assert len((await socket.next())["lines"]) == 4
    assert (await socket.answer(await socket.send("more")))["code"] == "read_only"

    socket = await live(new)
    assert (await socket.next())["thread"]["saved"] is False
    await socket.send("goes on", options=PLAYED)
    assert (await socket.event("RUN_FINISHED"))["outcome"] == {"type": "success"}
    listed = {each["thread_id"] for each in (await rest("GET", "/threads")).json["threads"]}
    assert listed == {old, new}
    assert (await rest("POST", "/threads", {}, headers={"X-Session-Key": "k"})).status == 201


async def test_a_full_disk_is_told_changes_nothing_and_the_same_message_is_taken_when_there_is_room(
    small_root: Path, rest: Rest, live: Connect, agent: Played, new_id: Callable[[], str]
) -> None:
    thread_id, message_id, other = new_id(), new_id(), new_id()
    socket = await live(thread_id)
    await socket.send("first", options=PLAYED)
    await socket.event("RUN_FINISHED")
    held = agent.play = Held("words")
    before = lines_of(small_root, thread_id)
    blob = small_root / "blob"
    with blob.open("wb", buffering=0) as filling, contextlib.suppress(OSError):
        while filling.write(bytes(4096)):
            pass
    big = "x" * 20_000
    nack = await socket.answer(await socket.send(big, id=message_id, options=PLAYED))
    assert nack["code"] == "disk_full"
    refused = await rest("POST", f"/threads/{thread_id}/messages", {"content": big, "message_id": message_id, **PLAYED})
    assert refused.refusal == (507, "disk_full")
    assert (await rest("PUT", f"/threads/{thread_id}/files/a", b"x" * 50_000)).refusal == (507, "disk_full")
    assert (await rest("POST", f"/threads/{other}/messages", {"content": big})).refusal == (507, "disk_full")
    assert lines_of(small_root, thread_id) == before
    assert not agent.in_flight
    shown = (await rest("GET", f"/threads/{thread_id}")).json
    assert (shown["running"], shown["message_count"]) == (False, 2)
    assert len((await rest("GET", f"/threads/{thread_id}/messages")).json["messages"]) == 2
    assert (await rest("GET", f"/threads/{other}")).refusal == (404, "thread_not_found")

    blob.unlink()
    ack = await socket.answer(await socket.send(big, id=message_id, options=PLAYED))
    assert ack["kind"] == "ack"
    held.let(2)
    assert (await socket.event("RUN_FINISHED"))["outcome"] == {"type": "success"}
    assert [line["seq"] for line in lines_of(small_root, thread_id)[1:]] == list(range(1, 9))
