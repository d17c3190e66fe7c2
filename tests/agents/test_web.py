"""How agents ask: through the proxy the environment names, believing the certificates it names, keeping nothing."""

from __future__ import annotations

import asyncio
import gc
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from jupyter_chat_sessions.agents.web import UnusableProxy, close_session, proxy_for, session, told

CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgKCSs36RbxvTbANrO
grVBE7SdxeOsg7B8pxhCIvfRCb6hRANCAARCwezGkaCs/WxsWBSUbIIYSMoOustn
nqyKxPgVe9dbGXbG3dkWlN4XF8nMM/xBlI0J7Y2cxoNbOtIhc7adaaHj
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBlTCCATugAwIBAgIUBXm1VzZJX+I93eNlAAD9+DPev1MwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTEyMTQzN1oYDzIxMjYxMDI4
MTIxNDM3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARCwezGkaCs/WxsWBSUbIIYSMoOustnnqyKxPgVe9dbGXbG3dkWlN4X
F8nMM/xBlI0J7Y2cxoNbOtIhc7adaaHjo2kwZzAdBgNVHQ4EFgQU/0xEuP7Pnohu
/AfA8FOIfMlEHxMwHwYDVR0jBBgwFoAU/0xEuP7Pnohu/AfA8FOIfMlEHxMwDwYD
VR0TAQH/BAUwAwEB/zAUBgNVHREEDTALgglsb2NhbGhvc3QwCgYIKoZIzj0EAwID
SAAwRQIhAOGg8sToBZy/wUAEUu+K0CbMZyqur76sPNKzEyLdx/w1AiBKkB556j/E
0JNDhdbPqDL/cnpqjTxbDgWZMh7Q2VexeQ==
-----END CERTIFICATE-----
"""
"""Of a server named localhost, believed by nobody else."""

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@asynccontextmanager
async def answering(answer: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[int, list[str]]]:
    """A server that gives everyone this answer: its port, and the first lines of what it was asked."""
    asked: list[str] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n", 1)[0].decode())
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1], asked
    finally:
        server.close()


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body)


async def get(url: str, most_bytes: int = 1000) -> object:
    return await told(url, {}, within_s=20, most_bytes=most_bytes)


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://api.example.org/v1", "http://tls.proxy:1"),
        ("http://api.example.org/v1", "http://jo:word@plain.proxy:2"),
        ("https://inside.example.org/v1", None),
        ("https://deep.inside.example.org:8443/v1", None),
        ("http://127.0.0.1:11434/v1", None),
        ("http://localhost:11434/v1", None),
        ("http://[::1]:11434/v1", None),
    ],
)
def test_the_proxy_is_the_one_the_environment_names_and_never_for_this_computer(
    url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "tls.proxy:1")
    monkeypatch.setenv("http_proxy", "http://jo:word@plain.proxy:2")
    monkeypatch.setenv("no_proxy", "inside.example.org")
    assert proxy_for(url) == proxy


def test_one_proxy_may_be_named_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert proxy_for("https://api.example.org/v1") is None
    monkeypatch.setenv("ALL_PROXY", "http://all.proxy:3")
    assert proxy_for("https://api.example.org/v1") == "http://all.proxy:3"
    monkeypatch.setenv("no_proxy", "*")
    assert proxy_for("https://api.example.org/v1") is None


@pytest.mark.parametrize("named", ["socks5://proxy:1080", "nonsense://x", "http://", "http://[::1"])
def test_a_proxy_of_another_kind_is_never_passed_by(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", named)
    with pytest.raises(UnusableProxy):
        proxy_for("https://api.example.org/v1")


async def test_what_is_asked_for_goes_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with answering(ok(b'{"told": 1}')) as (port, asked):
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        assert await get("http://models.invalid/v1/models") == {"told": 1}
        assert asked == ["GET http://models.invalid/v1/models HTTP/1.1"]
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        assert await get("https://models.invalid/v1/models") is None, "what it sends is no TLS"
        assert asked[1] == "CONNECT models.invalid:443 HTTP/1.1"


async def test_a_certificate_is_believed_where_the_environment_says_so_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.pem"
    own.write_text(CERTIFICATE)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(own)
    async with answering(ok(b"[1]"), tls) as (port, _):
        url = f"https://localhost:{port}/v1/models"
        assert await get(url) is None
        await close_session()
        monkeypatch.setenv("SSL_CERT_FILE", str(own))
        assert await get(url) == [1]


@pytest.mark.parametrize(
    "answer",
    [
        ok(b"[" + b"1," * 1000 + b"1]"),
        b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[1",
        b"no HTTP at all\r\n\r\n",
        b"",
        ok(b"[" * 100_000),
    ],
)
async def test_where_something_else_is_told_nothing_is(answer: bytes) -> None:
    async with answering(answer) as (port, _):
        assert await get(f"http://127.0.0.1:{port}/v1/models") is None


async def test_a_long_header_is_no_failure() -> None:
    header = b"X-Long: " + b"x" * 30_000
    body = b"HTTP/1.1 200 OK\r\n" + header + b"\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]"
    async with answering(body) as (port, _):
        assert await get(f"http://127.0.0.1:{port}/") == []


async def test_no_cookie_is_kept() -> None:
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]"
    async with answering(cookie) as (port, _):
        assert await get(f"http://127.0.0.1:{port}/") == []
    assert len((await session()).cookie_jar) == 0


async def test_many_at_once_share_one_session_and_its_end_leaves_nothing_open() -> None:
    made = await asyncio.gather(*(session() for _ in range(10)))
    assert len({id(each) for each in made}) == 1
    await close_session()
    assert made[0].closed
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        del made
        gc.collect()
    assert isinstance(await session(), aiohttp.ClientSession)
