"""Three real servers on one folder: nothing is lost, doubled or answered twice, whoever of them is asked or dies."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from real_server import Server, Servers, serving, transcript
from served import Socket, until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with serving(tmp_path_factory.mktemp("three")) as begun:
        begun.start(3)
        yield begun


@pytest.fixture
def three(servers: Servers) -> list[Server]:
    """Three that live: whoever was killed is replaced."""
    alive = [each for each in servers.started if each.is_alive]
    return [*alive, *servers.start(3 - len(alive))] if len(alive) < 3 else alive[:3]


@pytest.fixture
def thread_id() -> str:
    return str(uuid.uuid4())


def _of(lines: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["type"] == kind]


def _asked(lines: list[dict[str, Any]]) -> list[str]:
    return [line["message"]["id"] for line in _of(lines, "message") if line["message"]["role"] == "user"]


def _outcomes(root: Path, thread_id: str) -> dict[str, str]:
    """How each run ended, in the order they did."""
    return {line["run_id"]: line["outcome"] for line in _of(transcript(root, thread_id), "run")}


def _said(root: Path, thread_id: str, run_id: str) -> str:
    messages = [line for line in _of(transcript(root, thread_id), "message") if line.get("run_id") == run_id]
    return "".join(line["message"]["content"] for line in messages if line["message"]["role"] == "assistant")


def _is_whole(root: Path, thread_id: str) -> None:
    numbers = [line["seq"] for line in transcript(root, thread_id)]
    assert numbers == list(range(1, len(numbers) + 1))


async def _words(socket: Socket, run_id: str, count: int) -> str:
    while len(socket.text(run_id).split()) < count:
        await socket.next()
    return socket.text(run_id)


def _ended(lines: Callable[[], list[dict[str, Any]]], run_id: str) -> Callable[[dict[str, Any]], bool]:
    return lambda _: any(line["run_id"] == run_id for line in _of(lines(), "run"))


async def test_what_is_sent_through_any_of_them_is_answered_once_in_the_order_it_was_accepted(
    three: list[Server], servers: Servers, thread_id: str
) -> None:
    async def send(number: int) -> dict[str, Any]:
        server, body = three[number % 3], {"content": f"say {number % 4}", "message_id": f"m{number}"}
        status, accepted = await server.rest("POST", f"/threads/{thread_id}/messages", body)
        assert status == 202, accepted
        again = await three[(number + 1) % 3].rest("POST", f"/threads/{thread_id}/messages", body)
        assert again[1]["run_id"] == accepted["run_id"], "the same message through another server is the same message"
        return dict(accepted)

    accepted = await asyncio.gather(*(send(number) for number in range(30)))
    await until(lambda: len(_outcomes(servers.root, thread_id)) == 30, 30)
    lines = transcript(servers.root, thread_id)
    _is_whole(servers.root, thread_id)
    in_order = [each["message_id"] for each in sorted(accepted, key=lambda each: int(each["seq"]))]
    assert _asked(lines) == in_order
    assert [line["message_id"] for line in _of(lines, "start")] == in_order
    assert set(_outcomes(servers.root, thread_id).values()) == {"success"}


async def test_a_run_on_one_is_seen_and_stopped_from_another(
    three: list[Server], servers: Servers, thread_id: str
) -> None:
    ours, theirs = await three[0].live(thread_id), await three[2].live(thread_id)
    run_id = (await ours.answer(await ours.send("say 3000")))["runId"]
    await _words(ours, run_id, 5)
    await theirs.until(lambda _: any(line["run_id"] == run_id for line in _of(theirs.lines(), "start")))
    pressed = time.monotonic()
    await theirs.say(kind="cancel", id="stop")
    assert (await theirs.answer("stop"))["runIds"] == [run_id]
    event = await ours.event("RUN_FINISHED")
    took = time.monotonic() - pressed
    assert event["outcome"] == {"type": "cancelled"}
    await theirs.until(_ended(theirs.lines, run_id))
    assert _outcomes(servers.root, thread_id) == {run_id: "cancelled"}
    assert _said(servers.root, thread_id, run_id) == ours.text(run_id)
    print(f"stopped after {took:.2f} s")
    assert took < 10, "a tenth of a second, and what a busy machine adds; the answer itself takes half a minute"


async def test_when_one_is_killed_in_mid_run_another_keeps_its_words_and_goes_on_within_a_second(
    three: list[Server], servers: Servers, thread_id: str
) -> None:
    sockets = [await each.live(thread_id) for each in three]
    run_id = (await sockets[0].answer(await sockets[0].send("say 5000")))["runId"]
    queued = [(await each.answer(await each.send("say 3")))["runId"] for each in sockets[1:]]
    told = await _words(sockets[0], run_id, 100)
    draft = servers.root / ".chats" / thread_id / "draft.jsonl"
    await until(lambda: draft.exists() and draft.read_text().count("TEXT_MESSAGE_CONTENT") >= 50)
    killed_at = three[0].kill()
    await until(lambda: run_id in _outcomes(servers.root, thread_id))
    took = time.monotonic() - killed_at
    await until(lambda: len(_outcomes(servers.root, thread_id)) == 3)
    assert list(_outcomes(servers.root, thread_id).items()) == [
        (run_id, "interrupted"), (queued[0], "success"), (queued[1], "success")
    ]  # fmt: skip
    _is_whole(servers.root, thread_id)
    kept = _said(servers.root, thread_id, run_id)
    assert kept.startswith(told) or told.startswith(kept)
    assert len(kept.split()) >= 50, "words that a draft held are missing"
    for socket in sockets[1:]:
        await socket.until(_ended(socket.lines, queued[1]))
        assert [line["seq"] for line in socket.lines()] == [line["seq"] for line in transcript(servers.root, thread_id)]
    print(f"taken up after {took:.2f} s")
    assert took < 10, "a tenth of a second, and what a busy machine adds; the answer itself takes most of a minute"


async def test_a_title_given_on_one_is_the_title_on_all(three: list[Server], thread_id: str) -> None:
    await three[0].rest("POST", f"/threads/{thread_id}/messages?wait=true", {"content": "say 1"})
    for server in three:
        assert (await server.rest("GET", f"/threads/{thread_id}"))[1]["title"] == "say 1"
    assert (await three[1].rest("PATCH", f"/threads/{thread_id}", {"title": "Sales"}))[0] == 200
    for server in three:
        listed = (await server.rest("GET", "/threads"))[1]["threads"]
        assert [row["title"] for row in listed if row["thread_id"] == thread_id] == ["Sales"]
        assert (await server.rest("GET", f"/threads/{thread_id}"))[1]["title"] == "Sales"


async def test_a_thread_deleted_on_one_while_another_answers_is_gone_on_all(
    three: list[Server], servers: Servers, thread_id: str
) -> None:
    ours = await three[0].live(thread_id)
    run_id = (await ours.answer(await ours.send("say 3000")))["runId"]
    await _words(ours, run_id, 5)
    assert (await three[1].rest("DELETE", f"/threads/{thread_id}"))[0] == 204
    assert await ours.closed() == 4410
    await until(lambda: not (servers.root / ".chats" / thread_id).exists())
    for server in three:
        status, refusal = await server.rest("POST", f"/threads/{thread_id}/messages", {"content": "say 1"})
        assert (status, refusal["code"]) in ((404, "thread_deleted"), (410, "thread_deleted"))
        assert thread_id not in {row["thread_id"] for row in (await server.rest("GET", "/threads"))[1]["threads"]}
    assert not (servers.root / ".chats" / thread_id).exists()


async def test_a_copy_of_a_folder_takes_ids_of_its_own_and_both_go_on(
    three: list[Server], servers: Servers, thread_id: str
) -> None:
    await three[0].rest("POST", f"/threads/{thread_id}/messages?wait=true", {"content": "say 1"})
    copy = servers.root / "copy"
    copy.mkdir()
    shutil.copytree(servers.root / ".chats", copy / ".chats")
    listings = await asyncio.gather(*(each.rest("GET", "/threads?folder=copy") for each in three))
    listings.append(await three[2].rest("GET", "/threads?folder=copy"))
    ids = {row["thread_id"] for row in listings[-1][1]["threads"]}
    assert ids
    assert thread_id not in ids
    assert not ids & {each.name for each in (servers.root / ".chats").iterdir()}
    await three[1].rest("POST", f"/threads/{thread_id}/messages?wait=true", {"content": "say 2"})
    (ours,) = (each for each in ids if any(
        line["type"] == "copied" and line["from"] == thread_id for line in transcript(copy, each)
    ))  # fmt: skip
    await three[2].rest("POST", f"/threads/{ours}/messages?wait=true", {"content": "say 3"})
    assert len(_outcomes(servers.root, thread_id)) == len(_outcomes(copy, ours)) == 2
    for root, each in ((servers.root, thread_id), (copy, ours)):
        _is_whole(root, each)


@pytest.fixture
def only_read(servers: Servers, tmp_path: Path) -> Iterator[Path]:
    """The servers' folder at another place, where it can only be read."""
    place = tmp_path / "only-read"
    place.mkdir()
    mounted = subprocess.run(["mount", "--bind", servers.root, place], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a folder cannot be mounted twice here: {mounted.stderr.strip()}")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", place], check=True)
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


async def test_a_server_that_may_only_read_shows_what_the_others_do_and_says_that_it_cannot_write(
    three: list[Server], servers: Servers, thread_id: str, only_read: Path
) -> None:
    ours = await three[0].live(thread_id)
    first = (await ours.answer(await ours.send("say 100")))["runId"]
    (reader,) = servers.start(1, root=only_read)
    try:
        theirs = await reader.live(thread_id)
        second = (await ours.answer(await ours.send("say 100")))["runId"]
        await theirs.until(_ended(theirs.lines, second))
        assert [line["seq"] for line in theirs.lines()] == [line["seq"] for line in transcript(servers.root, thread_id)]
        refused = await theirs.answer(await theirs.send("say 1"))
        assert (refused["kind"], refused["code"]) == ("nack", "read_only")
        listed = (await reader.rest("GET", "/threads"))[1]["threads"]
        assert thread_id in {row["thread_id"] for row in listed}
        assert _outcomes(servers.root, thread_id) == {first: "success", second: "success"}
    finally:
        reader.kill()
