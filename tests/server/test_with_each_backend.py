"""What is promised of a thread and its folder, through the server's doors, with each backend that works here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import pytest
from played import Held, Played
from served import Connect, Raw, Rest, found, until

from jupyter_chat_sessions.core.roles import AgentEvent, Done, Request, TextDelta, ToolCallDelta
from jupyter_chat_sessions.sandbox.backends import BACKENDS

WAIT = {"wait": "true"}
IN_FORCE = [
    pytest.param({"ChatSessions": {"sandbox": backend.name, "tool_permissions": {"*": "allow"}}}, id=backend.name)
    for backend in BACKENDS
    if backend.name != "plain" and backend.probe().ok
]
with_each_backend = pytest.mark.parametrize(
    "chat_config", IN_FORCE or [pytest.param({}, marks=pytest.mark.skip(reason="nothing confines tools here"))]
)

MAKES_FILES = """
import os
for name, content in {"plot.png": b"\\x89PNG", "data.csv": b"a,b", "x.svg": b"<svg/>", "x.html": b"<p>"}.items():
    with open(name, "wb") as file:
        file.write(content)
print(os.getcwd())
"""


async def ran(rest: Rest, thread_id: str, content: str, **more: Any) -> dict[str, Any]:
    """The result of the tool call that answers this."""
    body = {"content": content, **more}
    answer = await rest("POST", f"/threads/{thread_id}/messages", body, query=WAIT)
    assert answer.status == 200, answer.body
    return next(each for each in answer.json["messages"] if each["role"] == "tool")


@with_each_backend
async def test_what_calls_make_is_in_their_threads_folder_alone_and_is_served_as_what_cannot_run(
    rest: Rest, raw: Raw, jp_root_dir: Path, new_id: Callable[[], str], chat_config: dict[str, Any]
) -> None:
    thread_id = new_id()
    folder = jp_root_dir / ".chats" / thread_id / "files"
    level = {"bubblewrap": "isolated", "landlock": "confined"}[chat_config["ChatSessions"]["sandbox"]]
    assert (await rest("GET", "/sandbox")).json["level"] == level
    await ran(rest, thread_id, "!touch tmp.txt")
    assert found(jp_root_dir, "tmp.txt") == [folder / "tmp.txt"]
    made = await ran(rest, thread_id, f"```python{MAKES_FILES}```")
    assert str(folder) in made["content"]
    assert "tmp.txt" in (await ran(rest, thread_id, "!ls"))["content"]
    urls = {each["path"]: each["url"] for each in made["metadata"]["jupyter"]["artifacts"]}
    assert set(urls) == {"plot.png", "data.csv", "x.svg", "x.html"}
    for name, url in urls.items():
        served = await raw("GET", url, base="")
        assert (served.status, served.body) == (200, (folder / name).read_bytes())
        kind = "image/png" if name == "plot.png" else "application/octet-stream"
        how = "inline" if name == "plot.png" else "attachment"
        assert (served.headers["Content-Type"], served.headers["Content-Disposition"].split(";")[0]) == (kind, how)
        assert served.headers["X-Content-Type-Options"] == "nosniff"
        assert "no-store" in served.headers["Cache-Control"]


@with_each_backend
async def test_a_folder_replaced_by_a_link_runs_nothing_serves_nothing_and_what_it_leads_to_is_untouched(
    rest: Rest, jp_root_dir: Path, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    thread_id = (await rest("POST", "/threads", {})).json["thread_id"]
    etc = tmp_path / "another_etc"
    etc.mkdir()
    (etc / "passwd").write_text("secret")
    (jp_root_dir / ".chats" / thread_id / "files").symlink_to(etc)
    refused = await ran(rest, thread_id, "open('made', 'w').close()")
    assert "symbolic link" in str(refused["error"])
    assert (await rest("GET", f"/threads/{thread_id}/files/passwd")).refusal[0] == 404
    assert (await rest("PUT", f"/threads/{thread_id}/files/made", b"x")).status >= 400
    assert {each.name: each.read_text() for each in etc.iterdir()} == {"passwd": "secret"}


@with_each_backend
async def test_a_call_belongs_to_the_thread_that_asked_however_late_the_provider_answers(
    rest: Rest, raw: Raw, live: Connect, agent: Played, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    asking, looked_at = new_id(), new_id()
    held = Held("thinking")

    async def late(request: Request) -> AsyncGenerator[AgentEvent, None]:
        if request.messages[-1]["role"] == "tool":
            yield TextDelta("done")
        else:
            async for event in held(request):
                yield event
            code = {"code": "import os; open('made.txt', 'w').close(); print(os.getcwd())"}
            yield ToolCallDelta(0, "call_1", "run_python", json.dumps(code))
        yield Done()

    agent.play = late
    running = asyncio.ensure_future(ran(rest, asking, "go", model="played"))
    await asyncio.wait_for(held.has_begun.wait(), 30)
    socket = await live(looked_at)  # another thread is opened, and written in, while the provider is silent
    await socket.send("open('other.txt', 'w').close()")
    await socket.event("RUN_FINISHED")
    held.let(2)
    made = await running
    assert {request.thread_id for request in agent.requests} == {asking}
    assert str(jp_root_dir / ".chats" / asking / "files") in made["content"]
    (artifact,) = made["metadata"]["jupyter"]["artifacts"]
    assert f"/threads/{asking}/files/made.txt" in artifact["url"]
    assert (await raw("GET", artifact["url"], base="")).status == 200
    assert found(jp_root_dir, "made.txt") == [jp_root_dir / ".chats" / asking / "files" / "made.txt"]


@with_each_backend
async def test_a_call_learns_no_secret_from_its_own_surroundings_or_its_parents(
    rest: Rest, monkeypatch: pytest.MonkeyPatch, new_id: Callable[[], str]
) -> None:
    for name in ("HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "JUPYTER_TOKEN", "JPY_API_TOKEN", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "secret-of-the-house")
    code = """
import glob, os
seen = [str(dict(os.environ))]
for place in {f"/proc/{os.getppid()}/environ", *glob.glob("/proc/[0-9]*/environ")}:
    try:
        with open(place, errors="replace") as file:
            seen.append(file.read())
    except OSError:
        pass
print(len(seen) > 0, "secret" + "-of-the-house" in "".join(seen), os.environ["HOME"] == os.getcwd())
"""
    told = await ran(rest, new_id(), f"```python{code}```")
    assert told["content"].strip() == "True False True"


@pytest.mark.slow
@with_each_backend
async def test_stop_and_the_time_limit_end_all_a_call_began_and_keep_what_it_wrote(
    rest: Rest, live: Connect, agent: Played, jp_root_dir: Path, new_id: Callable[[], str]
) -> None:
    thread_id = new_id()

    async def shell(request: Request) -> AsyncGenerator[AgentEvent, None]:
        if request.messages[-1]["role"] != "tool":
            command = {"command": "printf x > r.csv; sleep 999", "timeout_s": 1}
            yield ToolCallDelta(0, "call_1", "run_shell", json.dumps(command))
        yield Done()

    agent.play = shell
    late = await ran(rest, thread_id, "go", model="played")
    assert "tim" in str(late["error"]).lower()
    assert [each["path"] for each in late["metadata"]["jupyter"]["artifacts"]] == ["r.csv"]
    socket = await live(thread_id)
    await socket.send("!(while :; do date +%N > beat; sleep 0.05; done) & touch began; sleep 60")
    folder = jp_root_dir / ".chats" / thread_id / "files"
    await until(lambda: (folder / "began").exists() and (folder / "beat").exists())
    await socket.say(kind="cancel", id="stop")
    await socket.event("RUN_FINISHED")
    await asyncio.sleep(0.2)
    last = (folder / "beat").stat().st_mtime_ns
    await asyncio.sleep(0.3)
    assert (folder / "beat").stat().st_mtime_ns == last
