"""A notebook's kernel finds its server, and opens the notebook's threads there and nothing else."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from played import Played
from served import Raw, Rest
from tornado.httpclient import HTTPResponse

from jupyter_chat_sessions.core.grants import KernelGrant
from jupyter_chat_sessions.core.ids import OWNER
from jupyter_chat_sessions.server.kernel_tokens import TOKEN, URL, notebook_in

Fetch = Callable[..., Awaitable[HTTPResponse]]

ASK = f"""
import json, os, urllib.request
def asked(path, body=None):
    headers = {{"Authorization": "Bearer " + os.environ["{TOKEN}"]}}
    request = urllib.request.Request(os.environ["{URL}"] + path, body and json.dumps(body).encode(), headers)
    return json.load(urllib.request.urlopen(request, timeout=10))
thread = asked("/threads", {{"current": True}})
print(json.dumps({{"thread": thread, "token": os.environ["{TOKEN}"]}}))
"""

WHERE = """
%load_ext jupyter_chat_sessions
from IPython.utils.capture import capture_output
with capture_output() as shown:
    get_ipython().run_line_magic("chat", "where")
print(shown.outputs[0].data["text/plain"])
"""


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def kernel_token(jp_serverapp: Any) -> Callable[..., str]:
    """A token as the kernel of a notebook gets it."""
    grants = jp_serverapp.web_app.settings["jupyter_chat_sessions"].grants
    return lambda folder="", notebook="report.ipynb": str(grants.admit_kernel(KernelGrant(OWNER, folder, notebook)))


async def said_by(kernel: Any, code: str) -> str:
    """What a running kernel prints."""
    client = kernel.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=30)
        printed: list[str] = []

        def hear(message: Any) -> None:
            if message["msg_type"] in ("stream", "error"):
                printed.append(message["content"].get("text") or "\n".join(message["content"]["traceback"]))

        await client.execute_interactive(code, timeout=30, output_hook=hear)
        return "".join(printed)
    finally:
        client.stop_channels()


async def test_a_notebooks_kernel_talks_to_its_server_until_it_ends_and_also_after_a_rename(
    raw: Raw, rest: Rest, jp_fetch: Fetch, jp_serverapp: Any, jp_root_dir: Path
) -> None:
    (jp_root_dir / "analysis").mkdir()
    (jp_root_dir / "analysis" / "report.ipynb").touch()
    session = {"path": "analysis/report.ipynb", "name": "report.ipynb", "type": "notebook", "kernel": {"name": ""}}
    made = json.loads((await jp_fetch("api", "sessions", method="POST", body=json.dumps(session))).body)
    kernel = jp_serverapp.kernel_manager.get_kernel(made["kernel"]["id"])
    said = json.loads(await said_by(kernel, ASK))
    assert (said["thread"]["folder"], said["thread"]["notebook"]) == ("analysis", "report.ipynb")
    assert jp_serverapp.identity_provider.token not in said["token"]
    assert "- beside: analysis/report.ipynb\n" in await said_by(kernel, WHERE)

    await jp_fetch("api", "contents", "analysis", "report.ipynb", method="PATCH", body='{"path": "moved.ipynb"}')
    moved = json.dumps({"path": "moved.ipynb"})
    await jp_fetch("api", "sessions", made["id"], method="PATCH", body=moved)
    current = await raw("POST", "/threads", b'{"current": true}', headers=bearer(said["token"]), is_known=False)
    assert (current.json["folder"], current.json["notebook"]) == ("", "moved.ipynb")

    await jp_fetch("api", "sessions", made["id"], method="DELETE")
    gone = await raw("GET", "/threads", headers=bearer(said["token"]), is_known=False)
    assert gone.refusal == (401, "unauthorized")


async def test_a_kernels_token_opens_its_notebooks_threads_and_no_others(
    raw: Raw, rest: Rest, kernel_token: Callable[..., str], agent: Played, new_id: Callable[[], str]
) -> None:
    theirs = (await rest("POST", "/threads", {"notebook": "other.ipynb", "title": "theirs"})).json["thread_id"]
    shown = {"headers": bearer(kernel_token()), "is_known": False}
    mine = new_id()
    body = json.dumps({"content": "hello", "model": "played"}).encode()
    sent = await raw("POST", f"/threads/{mine}/messages?wait=1", body, **shown)
    assert (sent.status, sent.json["outcome"]) == (200, "success")
    assert (await rest("GET", f"/threads/{mine}")).json["notebook"] == "report.ipynb"
    assert [row["thread_id"] for row in (await raw("GET", "/threads", **shown)).json["threads"]] == [mine]
    assert (await raw("PATCH", f"/threads/{mine}", b'{"title": "Mine"}', **shown)).json["title"] == "Mine"

    for method, door in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/messages"), ("GET", "/files/x")):
        answer = await raw(
            method, f"/threads/{theirs}{door}", b'{"title": "x"}' if method == "PATCH" else None, **shown
        )
        assert answer.refusal == (404, "thread_not_found"), f"{method} {door}"
    found = await raw("POST", "/threads", json.dumps({"thread_id": theirs}).encode(), **shown)
    assert found.refusal == (404, "thread_not_found")
    other = await raw("POST", "/threads", b'{"notebook": "other.ipynb", "current": true}', **shown)
    assert other.refusal == (403, "forbidden")
    answered = await raw("POST", f"/threads/{mine}/answer", b'{"answers": [{}]}', **shown)
    assert answered.refusal == (403, "forbidden")
    assert (await raw("DELETE", f"/threads/{mine}", **shown)).status == 204


async def test_what_names_no_notebook_below_the_root_gets_no_token(tmp_path: Path) -> None:
    root = str(tmp_path)
    (tmp_path / "script.py").touch()
    named = {"JPY_SESSION_NAME": f"{root}/analysis/report.ipynb"}
    assert notebook_in(named, root) == ("analysis", "report.ipynb")
    assert notebook_in({"JPY_SESSION_NAME": "script.py"}, root) == ("", "script.py")
    for other in ("", "Console 1", f"{root}/../report.ipynb", "/elsewhere/report.ipynb", "../report.ipynb"):
        assert notebook_in({"JPY_SESSION_NAME": other}, root) is None
    assert notebook_in({}, root) is None


class NoChats(Authorizer):
    """Allows everything but to run code in chats."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return (action, resource) != ("execute", "chat-sessions")


@pytest.mark.parametrize("chat_config", [{"ServerApp": {"authorizer_class": NoChats}}])
async def test_the_kernel_of_one_who_may_not_chat_gets_no_token(
    jp_fetch: Fetch, jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch, jp_root_dir: Path
) -> None:
    started: list[dict[str, str]] = []

    async def start(**asked: Any) -> str:
        started.append(asked["env"])
        raise RuntimeError("not today")

    extension = jp_serverapp.web_app.settings["jupyter_chat_sessions"]
    monkeypatch.setattr(jp_serverapp.kernel_manager, "start_kernel", start)
    extension.kernel_tokens.watch()
    body = json.dumps({"path": "report.ipynb", "name": "report.ipynb", "type": "notebook", "kernel": {"name": ""}})
    await jp_fetch("api", "sessions", method="POST", body=body, raise_error=False)
    assert [TOKEN in env or URL in env for env in started] == [False]
    assert "grants" not in extension.__dict__, "nothing was made for it"


async def test_a_kernel_that_does_not_start_leaves_no_token(jp_serverapp: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens: list[str] = []

    async def start(**asked: Any) -> str:
        tokens.append(asked["env"][TOKEN])
        raise RuntimeError("not today")

    extension = jp_serverapp.web_app.settings["jupyter_chat_sessions"]
    monkeypatch.setattr(jp_serverapp.kernel_manager, "start_kernel", start)
    extension.kernel_tokens.watch()
    env = {"JPY_SESSION_NAME": f"{jp_serverapp.root_dir}/report.ipynb"}
    with pytest.raises(RuntimeError):
        await jp_serverapp.kernel_manager.start_kernel(env=env)
    assert tokens
    assert not extension.grants._kernels
