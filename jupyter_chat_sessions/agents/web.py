"""How agents ask over HTTP: by one session of aiohttp a loop, through the proxy that the server's environment names.

aiohttp is imported at the first request, in a worker thread: that takes the time of many pieces of an answer.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from .providers import is_loopback

if TYPE_CHECKING:
    import aiohttp

_KEPT_S = 60.0
"""How long a connection is kept that nobody uses."""
_LONGEST_HEADER = 2**16

_sessions: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession] = weakref.WeakKeyDictionary()
"""By loop, since a connection belongs to the loop it was opened in."""


class UnusableProxy(Exception):
    """The environment names a proxy that cannot be used."""


async def session() -> aiohttp.ClientSession:
    """The session of this loop, made at its first use."""
    loop = asyncio.get_running_loop()
    if loop not in _sessions:
        trusted = await asyncio.to_thread(_load)
        if loop not in _sessions:  # by another, meanwhile
            _sessions[loop] = _made(trusted)
    return _sessions[loop]


def _load() -> ssl.SSLContext:
    """In a worker thread: what takes long. Certificates: the system's and Mozilla's, or those a variable names."""
    import aiohttp  # noqa: F401
    import certifi

    trusted = ssl.create_default_context()
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        trusted.load_verify_locations(certifi.where())
    return trusted


def _made(trusted: ssl.SSLContext) -> aiohttp.ClientSession:
    import aiohttp

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trusted, limit=0, keepalive_timeout=_KEPT_S),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        max_line_size=_LONGEST_HEADER,
        max_field_size=_LONGEST_HEADER,
    )


async def close_session() -> None:
    """Closes the session of this loop, as when its server ends."""
    made = _sessions.pop(asyncio.get_running_loop(), None)
    if made is not None:
        await made.close()


def proxy_for(url: str) -> str | None:
    """The proxy that an address is asked through. None for what is on this computer. Raises `UnusableProxy`."""
    if is_loopback(url):
        return None
    parts, proxies = urlsplit(url), getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    if "://" not in proxy:
        proxy = f"http://{proxy}"
    try:
        if urlsplit(proxy).scheme in ("http", "https") and urlsplit(proxy).hostname:
            return proxy
    except ValueError:
        pass
    raise UnusableProxy


async def told(
    url: str, headers: Mapping[str, str], *, within_s: float, most_bytes: int, connect_s: float | None = None
) -> Any:
    """The JSON that is told at an address; `None` where nothing, or something else, or too much is.

    No redirect is followed.
    """
    made = await session()
    import aiohttp

    async def read() -> bytes:
        """The body; empty, which is no JSON, where it is too long. Read whole, so that its connection is used again."""
        body = bytearray()
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_s)
        asked = made.get(url, headers=headers, proxy=proxy_for(url), allow_redirects=False, timeout=timeout)
        async with asked as response:
            async for block in response.content.iter_any():
                body += block
                if len(body) > most_bytes:
                    return b""
        return bytes(body) if response.status == 200 else b""

    try:
        return await asyncio.to_thread(json.loads, await asyncio.wait_for(read(), within_s))
    except (aiohttp.ClientError, asyncio.TimeoutError, OSError, ValueError, RecursionError, UnusableProxy):
        return None
