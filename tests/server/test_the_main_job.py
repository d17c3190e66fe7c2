"""One message there and back, through the real server, kernel and disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from served import Connect, Rest, found


async def test_a_message_runs_a_tool_in_the_threads_own_folder_and_is_found_again(
    rest: Rest, live: Connect, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    socket = await live(thread_id)
    hello = await socket.next()
    assert (hello["kind"], hello["seq"], hello["lines"]) == ("hello", 0, [])
    assert not (jp_root_dir / ".chats").exists()

    await socket.send("open('tmp.txt', 'w').write('x'); print(6 * 7)")
    ack = await socket.until(lambda frame: frame["kind"] == "ack")
    finished = await socket.event("RUN_FINISHED")
    assert finished["outcome"] == {"type": "success"}
    assert finished["runId"] == ack["runId"]

    folder = jp_root_dir / ".chats" / thread_id
    assert (folder / "files" / "tmp.txt").read_text() == "x"
    assert found(jp_root_dir, "tmp.txt") == [folder / "files" / "tmp.txt"]
    lines = [json.loads(line) for line in (folder / "chat.jsonl").read_bytes().splitlines()]
    assert [line["type"] for line in lines] == ["header", "message", "start", "message", "message", "run"]
    assert [line["seq"] for line in lines[1:]] == [1, 2, 3, 4, 5]
    result = lines[4]["message"]
    assert result["role"] == "tool"
    assert "42" in result["content"]
    assert socket.lines() == [{**line} for line in lines[1:]] or len(socket.lines()) == 5

    url = next(
        each
        for line in socket.lines()
        for each in line.get("message", {}).get("metadata", {}).get("jupyter", {}).get("artifacts", [])
    )["url"]
    served = await rest("GET", url.split("/chat-sessions/")[1])
    assert (served.status, served.body) == (200, b"x")
