"""Tools behind the doors: real kernels, each in the folder of the thread that asked."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from played import Played, calls
from served import Connect, Raw, Rest, found, lines_of, until

WAIT = {"wait": "true"}


async def run(rest: Rest, thread_id: str, content: str, **more: Any) -> dict[str, Any]:
    """Sends to whoever answers and gives the run's tool result, or its last message."""
    answer = await rest("POST", f"/threads/{thread_id}/messages", {"content": content, **more}, query=WAIT)
    assert answer.status == 200, answer.body
    messages = answer.json["messages"]
    return next((each for each in messages if each["role"] == "tool"), messages[-1] if messages else {})


async def test_a_call_works_in_the_thread_of_its_request_whichever_is_looked_at(
    rest: Rest, raw: Raw, live: Connect, agent: Played, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    a, b = new_id(), new_id()
    code = "import os, time; open('made.txt', 'w').write(os.getcwd()); time.sleep(0.3); print('cwd', os.getcwd())"
    first = asyncio.ensure_future(run(rest, a, code))
    second = asyncio.ensure_future(run(rest, b, code))
    looking = await live(b)
    await looking.next()
    for thread_id, running in ((a, first), (b, second)):
        result = await running
        folder = jp_root_dir / ".chats" / thread_id / "files"
        assert str(folder) in result["content"]
        (artifact,) = result["metadata"]["jupyter"]["artifacts"]
        assert f"/threads/{thread_id}/files/made.txt" in artifact["url"]
        served = await raw("GET", artifact["url"], base="")
        assert (served.status, served.body.decode()) == (200, str(folder))
    assert len(found(jp_root_dir, "made.txt")) == 2
    await looking.event("RUN_FINISHED")
    assert a not in json.dumps(looking.frames)
    # New chat, and another thread selected before its first call: the call says where it belongs, nothing is remembered
    await rest("POST", "/threads", {"thread_id": new_id()})
    assert str(jp_root_dir / ".chats" / b) in (await run(rest, b, "import os; print(os.getcwd())"))["content"]
    listing = await run(rest, a, "!ls")
    assert "made.txt" in listing["content"]


ALLOWED = {"ChatSessions": {"tool_permissions": {"*": "allow"}}}


@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_a_call_out_of_time_keeps_its_files_and_its_output_is_capped_for_the_model_only(
    rest: Rest, agent: Played, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    agent.play = calls("run_shell", command="printf x > r.csv; sleep 999", timeout_s=1)
    late = await run(rest, thread_id, "go", model="played")
    assert "tim" in late["content"].lower()
    assert late["error"]
    assert [each["path"] for each in late["metadata"]["jupyter"]["artifacts"]] == ["r.csv"]
    assert (await rest("GET", f"/threads/{thread_id}/files/r.csv")).body == b"x"
    agent.play = calls("run_python", code="print('y' * 1_000_000)")
    unseen = await run(rest, thread_id, "go", model="played")
    assert 1000 < len(unseen["content"]) < 40_000
    last = agent.requests[-1].messages[-1]["content"]
    assert last == unseen["content"]


async def test_output_is_the_same_with_and_without_a_viewer_and_the_live_stream_is_capped(
    rest: Rest, live: Connect, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    alone = await run(rest, thread_id, "print('z' * 3_000_000)")
    socket = await live(thread_id)
    await socket.next()
    watched = await run(rest, thread_id, "print('z' * 3_000_000)")
    await socket.event("RUN_FINISHED")
    named = re.compile(r"[0-9a-f-]{36}-\d+\.txt")  # the whole output is a file, named after its call
    assert named.sub("", watched["content"]) == named.sub("", alone["content"])
    streamed = sum(
        len(frame["event"]["value"]["output"].get("text", ""))
        for frame in socket.frames
        if frame.get("event", {}).get("name") == "tool_output"
    )
    assert 10_000 < streamed <= 1.1 * 1024 * 1024


async def test_a_tool_knows_no_secret_of_the_server(
    rest: Rest, monkeypatch: pytest.MonkeyPatch, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    secrets = ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "JUPYTER_TOKEN", "JPY_API_TOKEN", "OPENAI_API_KEY")
    for name in secrets:
        monkeypatch.setenv(name, "secret-of-the-house")
    thread_id = new_id()
    code = "import os, json; print(json.dumps(dict(os.environ)))"
    environment = json.loads((await run(rest, thread_id, code))["content"])
    assert not set(secrets) & set(environment)
    assert "secret-of-the-house" not in str(environment)
    folder = jp_root_dir / ".chats" / thread_id / "files"
    for name in ("HOME", "TMPDIR"):
        assert Path(environment[name]).is_relative_to(folder.parent), name


def alive(marker: str) -> list[str]:
    """The processes whose command line has the marker."""
    lines = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if marker.encode() in command and int(entry.name) != os.getpid():
                lines.append(command.decode(errors="replace"))
    return lines


async def test_stop_leaves_no_process_of_the_call_alive(rest: Rest, live: Connect, new_id: Callable[[], str]) -> None:
    thread_id = new_id()
    number = f"61.{os.getpid()}"
    socket = await live(thread_id)
    await socket.send(f"!sleep {shlex.quote(number)} & sleep {shlex.quote(number)}")
    await until(lambda: sum(command.startswith("sleep") for command in alive(number)) == 2)
    await socket.say(kind="cancel", id="stop")
    assert (await socket.answer("stop"))["cancelled"]
    await until(lambda: not [command for command in alive(number) if command.startswith("sleep")])
    assert (await socket.event("RUN_FINISHED"))["outcome"] == {"type": "cancelled"}
    assert "ok" in (await run(rest, thread_id, "print('ok')"))["content"]


async def test_a_thread_deleted_while_its_tool_runs_goes_when_the_tool_has_finished_and_its_kernel_with_it(
    rest: Rest, live: Connect, chats: Callable[[], Any], jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    socket = await live(thread_id)
    waits = "while not os.path.exists('go'): time.sleep(0.01)"
    code = f"import os, time; open('a', 'w').close()\n{waits}\nopen('b', 'w').close()"
    await socket.send(code)
    folder = jp_root_dir / ".chats" / thread_id / "files"
    await until((folder / "a").exists)
    assert (await rest("DELETE", f"/threads/{thread_id}")).status == 204
    await asyncio.sleep(0.2)
    assert folder.exists()
    assert chats()._sandbox.kernels.find(thread_id) is not None
    (folder / "go").touch()
    await until(lambda: not folder.exists())
    assert await socket.closed() == 4410
    trashed = jp_root_dir / ".chats" / ".trash" / thread_id
    assert (trashed / "files" / "b").exists()
    lines = [json.loads(line) for line in (trashed / "chat.jsonl").read_bytes().splitlines()]
    assert [line["outcome"] for line in lines if line["type"] == "run"] in (["success"], ["cancelled"])
    await until(lambda: chats()._sandbox.kernels.find(thread_id) is None)


async def test_a_restarted_kernel_has_forgotten_its_names_and_kept_its_files(
    rest: Rest, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()
    await run(rest, thread_id, "x = 1; open('kept.txt', 'w').close()")
    answer = await rest("POST", f"/threads/{thread_id}/kernel/restart")
    assert (answer.status, answer.json) == (202, {"restarted": True})
    result = await run(rest, thread_id, "import os; print(os.listdir('.')); x")
    assert "NameError" in result["content"]
    assert "kept.txt" in result["content"]
    kinds = [line["type"] for line in lines_of(jp_root_dir, thread_id)]
    assert kinds.count("run") == 2
