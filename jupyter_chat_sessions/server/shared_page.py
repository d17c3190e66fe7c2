"""The page of a shared thread, for people without a login here: what a link opens.

The page itself is the same for every thread and tells nothing. It trades the token, which stands in its address after
the `#`, for a cookie that no script can read and no other address gets, and forgets the token. Everything else it asks
at the ordinary doors, as the visitor of that share.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.decorator import allow_unauthenticated
from tornado import web

from ..core.errors import ChatError, Forbidden, NotFound, Unauthorized
from ..core.ids import parse_thread_id
from .doors import ChatHandler
from .entrance import SHARE_COOKIE

if TYPE_CHECKING:
    from ..core.grants import Share

ASSETS = {"shared.js": "text/javascript; charset=UTF-8", "shared.css": "text/css; charset=UTF-8"}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<title>Shared chat</title>
<link rel="stylesheet" href="../../shared/shared.css?{version}">
<link rel="icon" href="data:,">
</head>
<body>
<main id="chat"><p class="jcs-Share-word">Opening the chat…</p></main>
<noscript><p class="jcs-Share-word">This page needs JavaScript.</p></noscript>
<script type="module" src="../../shared/shared.js?{version}"></script>
</body>
</html>
"""


class PublicDoor(ChatHandler):
    """A door without a lock. Nobody is asked who they are, so nothing behind it may depend on it."""

    async def prepare(self, **more: Any) -> None:
        self.current_user = self._jupyter_current_user = None
        if not self.check_host():
            raise web.HTTPError(403)
        if not self.check_origin():
            raise web.HTTPError(404)

    def set_default_headers(self) -> None:
        """Nothing but our own script and style, nothing sent elsewhere, nothing told of where one came from."""
        policy = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        self.set_header("Content-Security-Policy", policy)
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Cache-Control", "private, no-store")


class SharedPage(PublicDoor):
    """`/threads/{thread_id}/shared`"""

    @allow_unauthenticated
    async def get(self, given: str) -> None:
        """The page. The same whether there is such a thread or not."""
        try:
            version = hashlib.sha256(b"".join(asset(name) for name in ASSETS)).hexdigest()[:16]
        except ChatError as error:
            self.refuse(error)
            return
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.finish(_PAGE.format(version=version))

    @allow_unauthenticated
    async def post(self, given: str) -> None:
        """Trades a share's token for a cookie. With `share` in place of the token: who one is by the cookie."""
        from .bodies import Entering

        try:
            asked = self.body_as(Entering)
            token = asked.token or self.get_cookie(SHARE_COOKIE.format(asked.share)) or ""
            share = await self._share_of(token, given)
        except ChatError as error:
            self.refuse(error)
            return
        self._remember(share, token)
        self.write_json({"share_id": share.share_id, "rights": share.level, "expires": share.expires})

    async def _share_of(self, token: str, given: str) -> Share:
        from ..core.grants import Share, is_token

        if not is_token(token):
            raise Unauthorized("The link is not whole, or this browser does not know it any more: open it again.")
        grant = await self.app.granted(token)
        if not isinstance(grant, Share) or grant.thread_id != parse_thread_id(given):
            raise Forbidden("This token is for something else.")
        return grant

    def _remember(self, share: Share, token: str) -> None:
        from datetime import datetime

        self.set_cookie(
            SHARE_COOKIE.format(share.share_id),
            token,
            path=self.request.path.rsplit("/", 1)[0],  # as this browser writes it, whatever stands before the server
            expires=datetime.fromisoformat(share.expires.replace("Z", "+00:00")),
            httponly=True,
            secure=self.request.protocol == "https",
            samesite="Strict",
        )


class SharedAsset(PublicDoor):
    """`/shared/{name}`: the page's script and style."""

    @allow_unauthenticated
    async def get(self, name: str) -> None:
        try:
            content = asset(name)
        except ChatError as error:
            self.refuse(error)
            return
        self.set_header("Content-Type", ASSETS[name])
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
        self.finish(content)


@lru_cache(maxsize=len(ASSETS))
def asset(name: str) -> bytes:
    """A file of the built front end."""
    from jupyter_core.paths import jupyter_path

    if name not in ASSETS:
        raise NotFound(f"There is no {name[:40]!r}.")
    built = [Path(__file__).parents[1] / "labextension", *_installed(jupyter_path("labextensions"))]
    for folder in built:
        if (folder / "share" / name).is_file():
            return (folder / "share" / name).read_bytes()
    raise NotFound("The page for shared chats has not been built: `cd labextension && jlpm build`.")


def _installed(paths: list[str]) -> list[Path]:
    return [Path(path) / "jupyter_chat_sessions" for path in paths]
