"""Model servers on this computer, and whose they are."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from upstream import Upstream

from jupyter_chat_sessions.agents import detect
from jupyter_chat_sessions.agents.detect import LocalServers, models_in
from jupyter_chat_sessions.agents.listeners import is_trusted, listeners
from jupyter_chat_sessions.agents.providers import PROVIDERS

MODELS = {"object": "list", "data": [{"id": "nomic-embed-text"}, {"id": "llama3.2:3b"}, {"id": "qwen3"}]}


def looking(upstream: Upstream, **more: Any) -> LocalServers:
    """A look at two kinds of server, one of which is where the test's provider is."""
    environment = {"OLLAMA_BASE_URL": upstream.base_url, **more.pop("environment", {})}
    return LocalServers(environment, (PROVIDERS["ollama"], PROVIDERS["openai"]), **more)


async def test_a_server_of_this_user_is_found_with_its_models_for_chats(upstream: Upstream) -> None:
    upstream.models = MODELS
    servers = looking(upstream)
    (found,) = await servers.found()
    assert str(found.model_id) == "ollama:llama3.2:3b"
    assert found.models == ("llama3.2:3b", "qwen3")
    assert found.is_trusted
    assert servers.known == (found,)
    assert upstream.looked == ["/v1/models"]
    assert upstream.asked == []


@pytest.mark.parametrize("models", [None, [], "x", {"data": [{"id": "bge-small"}]}, {"data": {"id": 1}}])
async def test_what_answers_otherwise_is_no_model_server(upstream: Upstream, models: Any) -> None:
    upstream.models = models
    assert await looking(upstream).found() == ()


async def test_a_port_of_somebody_else_is_told_but_not_trusted(upstream: Upstream) -> None:
    upstream.models = MODELS
    (found,) = await looking(upstream, whose=lambda: {upstream.port: frozenset({os.getuid(), 4242})}).found()
    assert not found.is_trusted
    (found,) = await looking(upstream, whose=lambda: None).found()
    assert not found.is_trusted, "nothing is known about it"


async def test_where_nobody_listens_nothing_is_sent(upstream: Upstream) -> None:
    upstream.models = MODELS
    assert await looking(upstream, whose=lambda: {}).found() == ()
    assert upstream.looked == []


@pytest.mark.parametrize("url", ["http://example.org:11434/v1", "http://10.0.0.1:11434/v1", "nonsense"])
async def test_no_other_computer_is_ever_asked(upstream: Upstream, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("somebody was asked")

    monkeypatch.setattr(detect, "told", refuse)
    servers = LocalServers({"OLLAMA_BASE_URL": url}, (PROVIDERS["ollama"], PROVIDERS["openai"]), whose=lambda: None)
    assert await servers.found() == ()


async def test_looks_at_once_are_one_look_and_it_is_kept_for_half_a_minute(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream.models = MODELS
    servers = looking(upstream)
    await asyncio.gather(*(servers.found() for _ in range(5)))
    await servers.found()
    assert len(upstream.looked) == 1
    monkeypatch.setattr(detect, "CACHED_S", -1.0)
    await servers.found()
    assert len(upstream.looked) == 2


async def test_a_proxy_and_a_redirect_are_not_followed(upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    upstream.models = MODELS
    assert len(await looking(upstream).found()) == 1

    async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: {upstream.base_url}/models\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(redirect, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    provider = replace(PROVIDERS["ollama"], base_url=f"http://127.0.0.1:{port}/v1")
    assert await LocalServers({}, (provider,)).found() == ()
    server.close()


async def test_a_server_that_never_answers_costs_two_seconds_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detect, "_ANSWER_S", 0.2)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        provider = replace(PROVIDERS["ollama"], base_url=f"http://127.0.0.1:{deaf.getsockname()[1]}/v1")
        assert await asyncio.wait_for(LocalServers({}, (provider,)).found(), 30) == ()


def test_loaded_models_come_first() -> None:
    rows = [{"id": "big", "state": "not-loaded"}, {"id": "small", "state": "loaded"}, {"id": "e", "type": "embeddings"}]
    assert models_in({"data": rows}) == ("small", "big")


# --- whose a port is -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
@pytest.mark.parametrize(
    ("family", "address", "is_seen"),
    [
        (socket.AF_INET, "127.0.0.1", True),
        (socket.AF_INET, "0.0.0.0", True),
        (socket.AF_INET, "127.0.0.2", False),
        (socket.AF_INET6, "::", True),
        (socket.AF_INET6, "::1", False),
    ],
)
def test_a_listener_that_a_connection_to_this_computer_may_reach_is_seen(
    family: int, address: str, is_seen: bool
) -> None:
    with socket.socket(family) as listening:
        try:
            listening.bind((address, 0))
        except OSError:
            pytest.skip("no such address here")
        port = listening.getsockname()[1]
        assert port not in (listeners() or {}), "it does not listen yet"
        listening.listen()
        found = listeners()
    assert found is not None
    assert found.get(port) == (frozenset({os.getuid()}) if is_seen else None)


def test_a_table_of_two_users_names_both(tmp_path: Path) -> None:
    row = "{}: {}:2CAA 00000000:0000 0A 00000000:00000000 00:00000000 00000000  {}        0 1 1 0 100 0 0 10 0"
    words = {"big": "7F000001", "little": "0100007F"}[sys.byteorder]
    (tmp_path / "net").mkdir()
    rows = ["head", row.format(0, words, 1000), row.format(1, "00000000", 1001)]
    (tmp_path / "net" / "tcp").write_text("\n".join(rows))
    assert listeners(tmp_path) == {11434: frozenset({1000, 1001})}
    assert listeners(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("uids", "is_shared_host", "expected"),
    [
        ([1000], False, True),
        ([1000], True, True),
        ([998], False, True),
        ([998], True, False),
        ([0], True, False),
        ([1001], False, False),
        ([1000, 1001], False, False),
        ([], False, False),
    ],
)
def test_a_listener_is_trusted_where_it_is_ours_or_the_systems(
    uids: list[int], is_shared_host: bool, expected: bool
) -> None:
    assert is_trusted(uids, 1000, is_shared_host=is_shared_host) is expected
