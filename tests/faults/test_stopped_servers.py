"""A real server that is stopped in mid-run and goes on later, beside another one that works in the same folder."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_server import Servers, serving, transcript
from served import Socket, until

pytestmark = pytest.mark.slow


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    with serving(tmp_path) as begun:
        begun.start(2)
        yield begun


def _outcomes(servers: Servers, thread_id: str) -> list[str]:
    return [line["outcome"] for line in transcript(servers.root, thread_id) if line["type"] == "run"]


def _is_whole(servers: Servers, thread_id: str) -> None:
    numbers = [line["seq"] for line in transcript(servers.root, thread_id)]
    assert numbers == list(range(1, len(numbers) + 1))


async def _running(socket: Socket) -> str:
    """Begins an answer of half a minute; its run, once some words are there."""
    run_id: str = (await socket.answer(await socket.send("say 3000")))["runId"]
    while len(socket.text(run_id).split()) < 30:
        await socket.next()
    return run_id


async def test_what_is_asked_of_another_server_while_one_is_stopped_is_done_when_it_goes_on(servers: Servers) -> None:
    stopped, other = servers.started
    thread_id = str(uuid.uuid4())
    socket = await stopped.live(thread_id)
    run_id = await _running(socket)
    stopped.stop()
    status, _ = await other.rest("POST", f"/threads/{thread_id}/messages", {"content": "say 2"})
    assert status == 202
    assert (await other.rest("POST", f"/threads/{thread_id}/cancel", {"run_id": run_id}))[1]["run_ids"] == [run_id]
    assert (await other.rest("GET", "/threads"))[0] == 200
    assert _outcomes(servers, thread_id) == []
    stopped.go_on()
    await until(lambda: len(_outcomes(servers, thread_id)) == 2)
    assert _outcomes(servers, thread_id) == ["cancelled", "success"]
    _is_whole(servers, thread_id)


async def test_a_server_that_lost_its_lane_while_it_was_stopped_writes_nothing_into_it(servers: Servers) -> None:
    stopped, other = servers.started
    thread_id = str(uuid.uuid4())
    socket, _ = await stopped.live(thread_id), await other.live(thread_id)
    await _running(socket)
    draft = servers.root / ".chats" / thread_id / "draft.jsonl"
    await until(draft.exists)
    stopped.stop()
    draft.with_name("lane").unlink()
    await until(lambda: _outcomes(servers, thread_id) == ["interrupted"])
    answer = await other.rest("POST", f"/threads/{thread_id}/messages?wait=true", {"content": "say 3"})
    assert answer[1]["outcome"] == "success"
    before = transcript(servers.root, thread_id)
    stopped.go_on()
    assert (await socket.event("RUN_ERROR"))["code"] == "interrupted"
    await socket.until(lambda _: socket.lines()[-1]["seq"] == before[-1]["seq"])
    assert transcript(servers.root, thread_id) == before
    answer = await stopped.rest("POST", f"/threads/{thread_id}/messages?wait=true", {"content": "say 3"})
    assert answer[1]["outcome"] == "success"
    _is_whole(servers, thread_id)
