"""The bytes below httpx: what came is read whole and in order, encrypted too, by proxies too, and never hoarded."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpcore
import httpx
import pytest
from agent_kit import asking, step, text, until
from upstream import Upstream

from jupyter_chat_sessions.agents.openai_compatible import OpenAICompatible
from jupyter_chat_sessions.agents.openai_compatible import network as network_module
from jupyter_chat_sessions.agents.openai_compatible.endpoint import client_for
from jupyter_chat_sessions.agents.openai_compatible.network import Network, Stream, read_directly

CERTIFICATE = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgeOhF6p+dX317g4nE
s2Bd/HD3zGrdwsRI4caXcI5iEJWhRANCAASgOgwwYPOL2ASyA/iEasCaMN8wk86R
KvPkedJ/b2XkX6PQVAgCI8uJmgJ3WPflhL4Z4KEZeam4crHC5lRpy1hG
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBSDCB7qADAgECAgEBMAoGCCqGSM49BAMCMBYxFDASBgNVBAMMC21vZGVscy50
ZXN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAWMRQwEgYDVQQD
DAttb2RlbHMudGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABKA6DDBg84vY
BLID+IRqwJow3zCTzpEq8+R50n9vZeRfo9BUCAIjy4maAndY9+WEvhngoRl5qbhy
scLmVGnLWEajKzApMBYGA1UdEQQPMA2CC21vZGVscy50ZXN0MA8GA1UdEwEB/wQF
MAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAIMBlCpZq3YrcsSijEhJFKDmXR/mJb5b
IC9zEqZfc4YVAiEApeVrHZEQIbJZ0vlHcQagI8slbv1PJZW7jlsuzXlncJE=
-----END CERTIFICATE-----
"""
"""Of a server named models.test, believed by nobody else."""

Meet = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(meet: Meet, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server on loopback: its port."""

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await meet(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(met, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def all_of(stream: Stream) -> bytes:
    whole = b""
    while block := await stream.read(65536):
        whole += block
    return whole


async def test_the_client_of_a_provider_reads_this_way_and_a_client_of_another_make_is_left_as_it_is(
    clients: None,
) -> None:
    assert read_directly(await client_for("http://127.0.0.1:9/v1"))
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as another:
        assert not read_directly(another)


async def test_what_was_sent_is_read_whole_and_not_much_of_it_before_it_is_wanted() -> None:
    sent = bytes(range(256)) * 2**15
    is_stuck = asyncio.Event()

    async def talks(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(0)
        for start in range(0, len(sent), 2**16):
            writer.write(sent[start : start + 2**16])
            try:
                await asyncio.wait_for(writer.drain(), 0.2)
            except asyncio.TimeoutError:
                is_stuck.set()
                await writer.drain()

    async with listening(talks) as port:
        stream = await Network().connect_tcp("127.0.0.1", port)
        await asyncio.wait_for(is_stuck.wait(), 10)
        assert stream._size <= network_module._MOST_AHEAD + 2**18, "what is not read is left with the sender"
        assert await all_of(stream) == sent
        await stream.aclose()


async def test_who_asks_for_few_bytes_gets_no_more_and_misses_none() -> None:
    async def talks(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"one two three")
        await writer.drain()
        writer.close()

    async with listening(talks) as port:
        stream = await Network().connect_tcp("127.0.0.1", port)
        pieces = []
        while piece := await stream.read(4):
            pieces.append(piece)
        assert b"".join(pieces) == b"one two three"
        assert max(map(len, pieces)) <= 4


async def test_a_large_request_waits_for_whoever_reads_it() -> None:
    sent, came = b"w" * 2**23, bytearray()
    is_whole = asyncio.Event()

    async def listens(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        while block := await reader.read(2**16):
            came.extend(block)
            if len(came) == len(sent):
                is_whole.set()

    async with listening(listens) as port:
        stream = await Network().connect_tcp("127.0.0.1", port)
        await asyncio.wait_for(stream.write(sent), 20)
        await asyncio.wait_for(is_whole.wait(), 20)
        await stream.aclose()
    assert came == sent


async def test_a_connection_that_breaks_is_an_error_and_not_an_end() -> None:
    async def breaks(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        import socket
        import struct

        writer.write(b"half")
        await writer.drain()
        own = writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing it resets it

    async with listening(breaks) as port:
        stream = await Network().connect_tcp("127.0.0.1", port)
        with pytest.raises(httpcore.ReadError):
            await all_of(stream)
        with pytest.raises(httpcore.WriteError):
            await stream.write(b"more")


async def test_a_wait_has_an_end_where_one_was_asked_for() -> None:
    async def is_silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(is_silent) as port:
        stream = await Network().connect_tcp("127.0.0.1", port)
        with pytest.raises(httpcore.ReadTimeout):
            await stream.read(1, timeout=0.01)
        await stream.aclose()


async def test_an_encrypted_connection_carries_the_same_and_an_unknown_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "certificate.pem").write_text(CERTIFICATE)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "certificate.pem")
    sent = b"".join(b"data: %d\n\n" % number for number in range(50_000))

    async def answers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(sent) + sent)
            await writer.drain()

    believing = ssl.create_default_context(cafile=str(tmp_path / "certificate.pem"))
    async with listening(answers, tls) as port:
        url, name = f"https://127.0.0.1:{port}/", {"sni_hostname": "models.test"}
        async with httpcore.AsyncConnectionPool(ssl_context=believing, network_backend=Network()) as pool:
            for _ in range(2):
                answer = await pool.request("GET", url, extensions=name)
                assert answer.content == sent
            assert len(pool.connections) == 1, "it is used again"
        async with httpcore.AsyncConnectionPool(network_backend=Network()) as doubting:
            with pytest.raises(httpcore.ConnectError):
                await doubting.request("GET", url, extensions=name)


async def test_a_connection_that_the_other_end_closed_while_it_rested_is_not_used_again() -> None:
    met = list[int]()

    async def answers_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(1)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()
        writer.close()

    async with listening(answers_once) as port, httpcore.AsyncConnectionPool(network_backend=Network()) as pool:
        for _ in range(3):
            assert (await pool.request("GET", f"http://127.0.0.1:{port}/")).content == b"ok"
            await until(lambda: all(each.has_expired() or each.is_closed() for each in pool.connections))
    assert len(met) == 3


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 9), ("127.0.0.1", 99_999), ("x" * 64 + ".invalid", 80)])
async def test_where_nothing_can_be_connected_to_httpcore_is_told_in_its_words(host: str, port: int) -> None:
    with pytest.raises(httpcore.ConnectError):
        await Network().connect_tcp(host, port)


@pytest.mark.usefixtures("clients")
async def test_a_proxy_that_the_environment_names_is_asked(
    agent: Callable[..., OpenAICompatible], upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[bytes]()

    async def passes_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """To the provider, whatever the name of the host is."""
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b"\r\n")[0])
        there, on = await asyncio.open_connection("127.0.0.1", upstream.port)
        on.write(head.replace(b"http://models.invalid", b"", 1))
        forward = asyncio.ensure_future(_pour(reader, on))
        await _pour(there, writer)
        forward.cancel()
        on.transport.abort()

    async with listening(passes_on) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        said = await step(agent("echo-40", OPENAI_BASE_URL="http://models.invalid/v1"), asking("go"))
    assert text(said) == "word " * 40
    assert asked == [b"POST http://models.invalid/v1/chat/completions HTTP/1.1"]


async def _pour(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
    while block := await source.read(2**16):
        to.write(block)
        await to.drain()
