"""Users of one server, kept apart where it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth.identity import IdentityProvider, User
from played import Played
from served import Raw, lines_of
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect


class NamedInHeader(IdentityProvider):
    """Believes the name a test gives."""

    def get_user(self, handler: Any) -> User | None:
        name = handler.request.headers.get("X-Test-User")
        return User(username=name) if name else None

    @property
    def auth_enabled(self) -> bool:
        return True


APART = {"ServerApp": {"identity_provider_class": NamedInHeader, "disable_check_xsrf": True}}
KEPT_APART = {**APART, "ChatSessions": {"separate_users": True}}
ANN, BOB = {"X-Test-User": "ann"}, {"X-Test-User": "bob"}


@pytest.mark.parametrize("chat_config", [KEPT_APART])
async def test_anothers_thread_does_not_exist_at_any_door(
    raw: Raw, agent: Played, jp_root_dir: Path, new_id: Callable[[], str], jp_serverapp: Any, jp_base_url: str,
    chats: Callable[[], Any],
) -> None:  # fmt: skip
    thread_id = new_id()
    sent = await raw(
        "POST", f"/threads/{thread_id}/messages?wait=1", b'{"content": "mine", "model": "played"}', headers=ANN
    )
    assert sent.status == 200
    assert lines_of(jp_root_dir, thread_id)[0]["owner"] == "user:ann"
    doors = [
        ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/messages"), ("POST", "/messages"), ("GET", "/events"),
        ("POST", "/cancel"), ("POST", "/regenerate"), ("POST", "/answer"), ("GET", "/files"), ("GET", "/files/x"),
        ("PUT", "/files/x"), ("DELETE", "/files/x"), ("GET", "/export"), ("POST", "/kernel/restart"),
        ("POST", "/restore"),
    ]  # fmt: skip
    bodies = {
        "": b'{"title": "x"}', "/messages": b'{"content": "x"}', "/regenerate": b'{"message_id": "m"}',
        "/answer": b'{"answers": [{}]}',
    }  # fmt: skip
    for is_open in (True, False):
        for method, door in doors:
            body = bodies.get(door, b"{}") if method in ("POST", "PATCH", "PUT") else None
            answer = await raw(method, f"/threads/{thread_id}{door}", body, headers=BOB)
            assert answer.refusal == (404, "thread_not_found"), f"{method} {door}"
        assert (await raw("POST", "/threads", f'{{"thread_id": "{thread_id}"}}'.encode(), headers=BOB)).status == 404
        url = f"ws://127.0.0.1:{jp_serverapp.port}{jp_base_url}chat-sessions/threads/{thread_id}/live"
        connection = await websocket_connect(HTTPRequest(url, headers=BOB))
        assert '"thread_not_found"' in (await connection.read_message() or "")
        assert await connection.read_message() is None
        assert connection.close_code == 4404
        if is_open:
            await chats().sessions.drop(thread_id)
    assert len(lines_of(jp_root_dir, thread_id)) == 5
    assert (await raw("GET", "/threads", headers=BOB)).json["threads"] == []
    assert [each["thread_id"] for each in (await raw("GET", "/threads", headers=ANN)).json["threads"]] == [thread_id]

    assert (await raw("DELETE", f"/threads/{thread_id}", headers=ANN)).status == 204
    for _ in range(2):
        assert (await raw("POST", f"/threads/{thread_id}/restore", b"", headers=BOB)).refusal[0] == 404
        await chats().sessions.drop(thread_id)
    assert (jp_root_dir / ".chats" / ".trash" / thread_id).exists()
    told = {
        name: (await raw("GET", "/deleted", headers=user)).json["threads"]
        for name, user in (("ann", ANN), ("bob", BOB))
    }
    assert ([each["thread_id"] for each in told["ann"]], told["bob"]) == ([thread_id], [])
    assert (await raw("POST", f"/threads/{thread_id}/restore", b"", headers=ANN)).status == 200


@pytest.mark.parametrize("chat_config", [KEPT_APART])
async def test_two_users_with_one_key_have_two_threads_and_two_current_ones(raw: Raw) -> None:
    for body, header in ((b"{}", {"X-Session-Key": "k"}), (b'{"current": true}', {})):
        ids = [
            (await raw("POST", "/threads", body, headers={**user, **header})).json["thread_id"]
            for user in (ANN, BOB, ANN)
        ]
        assert ids[0] == ids[2] != ids[1]


@pytest.mark.parametrize("chat_config", [APART])
async def test_on_a_server_of_one_owner_every_name_is_the_owners(raw: Raw, jp_root_dir: Path) -> None:
    thread_id = (await raw("POST", "/threads", b"{}", headers=ANN)).json["thread_id"]
    assert "owner" not in lines_of(jp_root_dir, thread_id)[0]
    assert (await raw("GET", f"/threads/{thread_id}", headers=BOB)).status == 200
