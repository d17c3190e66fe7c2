"""Every door asks who is there, and whether they may."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jupyter_server.auth import Authorizer
from served import Connect, Raw, Rest, tree
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.web import RequestHandler
from tornado.websocket import websocket_connect

from jupyter_chat_sessions.server.addresses import DOORS
from jupyter_chat_sessions.server.live import Live
from jupyter_chat_sessions.server.shared_page import PublicDoor

ID = "3b0c5a52-6a1e-4a36-9d4e-0c8a4a1f2b3c"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def filled(pattern: str) -> str:
    """An address that a door's pattern fits."""
    return re.sub(r"\([^)]*\)", ID, pattern).replace("\\", "")


def methods_of(handler: type[RequestHandler]) -> list[str]:
    absent = RequestHandler._unimplemented_method
    return [method for method in METHODS if getattr(handler, method.lower()) is not absent]


ADDRESSES = [
    (method, filled(pattern))
    for pattern, handler in DOORS
    for method in methods_of(handler)
    if not issubclass(handler, PublicDoor)
]


class DenyingAuthorizer(Authorizer):
    """Allows nobody anything."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return False


class ReadOnlyAuthorizer(Authorizer):
    """Allows everything but what may run code."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return action != "execute"


def test_every_method_of_every_door_is_guarded() -> None:
    assert len(ADDRESSES) >= 25
    for pattern, handler in DOORS:
        for method in methods_of(handler):
            guarded = getattr(handler, method.lower())
            is_public = issubclass(handler, PublicDoor) and guarded.__dict__.get("__allow_unauthenticated")
            is_live = handler is Live and guarded.__dict__.get("__allow_unauthenticated") is False
            assert getattr(guarded, "is_door", False) or is_live or is_public, f"{method} {pattern}"


async def test_nobody_without_credentials_comes_in(raw: Raw, jp_root_dir: Path) -> None:
    for method, address in ADDRESSES:
        answer = await raw(method, address, b"{}" if method in ("POST", "PUT", "PATCH") else None, is_known=False)
        assert answer.status in (401, 403), f"{method} {address}"
        wrong = await raw(method, address, headers={"Authorization": "token nonsense"}, is_known=False)
        assert wrong.status in (401, 403), f"{method} {address}"
    assert tree(jp_root_dir) == set()


@pytest.mark.parametrize("chat_config", [{"ServerApp": {"authorizer_class": DenyingAuthorizer}}])
async def test_an_authorizer_that_denies_closes_every_door(raw: Raw, jp_root_dir: Path) -> None:
    for method, address in ADDRESSES:
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
        headers = {**upgrade, "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="} if address.endswith("live") else {}
        answer = await raw(method, address, b"{}" if method in ("POST", "PUT", "PATCH") else None, headers=headers)
        assert answer.status == 403, f"{method} {address}"
        if method != "HEAD":
            assert answer.refusal == (403, "forbidden")
    assert tree(jp_root_dir) == set()


@pytest.mark.parametrize("chat_config", [{"ServerApp": {"authorizer_class": ReadOnlyAuthorizer}}])
async def test_who_may_not_execute_may_read_and_not_run_code(
    raw: Raw, rest: Rest, live: Connect, new_id: Callable[[], str]
) -> None:
    thread_id = (await rest("POST", "/threads", {})).json["thread_id"]
    assert (await rest("GET", f"/threads/{thread_id}")).status == 200
    for door in ("messages", "regenerate", "answer", "kernel/restart"):
        assert (await rest("POST", f"/threads/{thread_id}/{door}", {})).refusal == (403, "forbidden")
    consent = await rest("PUT", f"/threads/{thread_id}/consent", {"notebook_folder": True})
    assert consent.refusal == (403, "forbidden")
    with pytest.raises(HTTPClientError) as refused:
        await live(thread_id)
    assert refused.value.code == 403


async def test_a_browsers_cookie_alone_changes_nothing_without_the_xsrf_token(
    raw: Raw, jp_base_url: str, jp_serverapp: Any, jp_root_dir: Path
) -> None:
    token = jp_serverapp.identity_provider.token
    cookies: dict[str, str] = {}
    for page in ("login", f"login?token={token}"):
        entered = await raw("GET", page, is_known=False, base=jp_base_url)
        cookies |= dict(each.split(";")[0].split("=", 1) for each in entered.headers.get_list("Set-Cookie"))
    assert len(cookies) == 2
    cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
    assert (await raw("GET", "/threads", headers=cookie, is_known=False)).status == 200

    for method, address in ADDRESSES:
        if method not in ("GET", "HEAD"):
            assert (await raw(method, address, b"{}", headers=cookie, is_known=False)).refusal == (403, "forbidden")
    assert tree(jp_root_dir) == set()
    with_token = {**cookie, "X-XSRFToken": cookies["_xsrf"]}
    assert (await raw("POST", "/threads", b"{}", headers=with_token, is_known=False)).status == 201

    url = f"ws://127.0.0.1:{jp_serverapp.port}{jp_base_url}chat-sessions/threads/{ID}/live"
    home = {**cookie, "Origin": f"http://{urlsplit(url).netloc}"}
    (await websocket_connect(HTTPRequest(url, headers=home))).close()
    with pytest.raises(HTTPClientError) as refused:
        await websocket_connect(HTTPRequest(url, headers={**cookie, "Origin": "http://elsewhere.example"}))
    assert refused.value.code == 403
    foreign = {**with_token, "Origin": "http://elsewhere.example"}
    assert (await raw("POST", "/threads", b"{}", headers=foreign, is_known=False)).status in (403, 404)


async def test_a_method_that_a_door_does_not_have_is_405_and_says_which_it_has(raw: Raw) -> None:
    for method, address in (("PUT", "/threads"), ("DELETE", "/health"), ("PATCH", f"/threads/{ID}/cancel")):
        answer = await raw(method, address, b"{}")
        assert answer.refusal == (405, "method_not_allowed")
        has = [known for known, where in ADDRESSES if where == address]
        assert set(answer.headers["Allow"].split(", ")) == {*has, "OPTIONS"}
