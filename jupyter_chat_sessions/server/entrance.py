"""Who is at a door: a user of the server's identity provider, or whoever shows a scoped token.

A scoped token is looked for first, and whoever shows one is known by it alone. It comes in a header, which no page can
add to another's requests, or in a cookie that speaks only where the address names its share and the origin is ours.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jupyter_server.auth.identity import User
from jupyter_server.base.call_context import CallContext
from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from ..core.errors import Forbidden, Unauthorized
from ..core.ids import OWNER, Subject

if TYPE_CHECKING:
    from ..core.grants import Grant, Right
    from .extension import ChatSessions

SHARE_COOKIE = "chat-share-{}"
"""What the browser of a share's visitor keeps, by the share's id. It speaks only where `?share=` names it."""

_BEARER = re.compile(r"(?:bearer|token)\s+(jcs_\S*)", re.IGNORECASE)
_SHARE_ID = re.compile(r"[0-9a-f]{16}")


class Entrance(JupyterHandler):
    """What doors know of who asks."""

    grant: Grant | None = None
    """What whoever came with a scoped token may do."""

    token_shown: str | None = None

    async def enter_by_token(self) -> bool:
        """Lets in whoever shows a scoped token; whether one was shown. `Unauthorized` where it opens nothing."""
        token = self.token_shown = self._scoped_token()
        if token is None:
            return False
        CallContext.set(CallContext.JUPYTER_HANDLER, self)
        self.current_user = self._jupyter_current_user = None
        if not self.check_host():
            raise web.HTTPError(403)
        self.set_cors_headers()
        if not self.check_origin():
            raise web.HTTPError(404)
        self.grant = await self.app.granted(token)
        self.current_user = self._jupyter_current_user = User(username=str(self.grant.subject))
        return True

    def _scoped_token(self) -> str | None:
        """The token of ours in the request: as a bearer's, or in the cookie of the share that the address names."""
        bearer = _BEARER.fullmatch(self.request.headers.get("Authorization", "").strip())
        if bearer:
            return bearer[1]
        share_id = self.get_query_argument("share", None)
        if share_id is None:
            return None
        cookie = self.get_cookie(SHARE_COOKIE.format(share_id)) if _SHARE_ID.fullmatch(share_id) else None
        if cookie is None:
            raise Unauthorized("Open the share's link again: this browser does not know it.")
        return cookie

    def admit(self, right: Right | None, arguments: tuple[Any, ...]) -> None:
        """Stops whoever came with a scoped token at a door that is not theirs. `arguments`: what the address names."""
        if self.grant is None:
            return
        if right is None or right not in self.grant.rights:
            raise Forbidden("Your token does not allow this.")
        if not self.grant.opens_address(arguments[0] if arguments else None):
            raise Forbidden("Your token is for another thread.")

    @property
    def rights(self) -> frozenset[Right]:
        """What whoever asks may do with the threads they can reach."""
        from ..core.grants import EVERY_RIGHT

        return EVERY_RIGHT if self.grant is None else self.grant.rights

    @property
    def visitor(self) -> str | None:
        """Which share they came by; `None` for the thread's own people and their kernels."""
        from ..core.grants import Share

        return self.grant.share_id if isinstance(self.grant, Share) else None

    @property
    def can_be_asked(self) -> bool:
        """Whether they could decide what a run asks a person. Before a notebook's kernel sits its person."""
        return self.visitor is None or "approve" in self.rights

    @property
    def app(self) -> ChatSessions:
        """The extension these doors are of."""
        app: ChatSessions = self.settings["jupyter_chat_sessions"]
        return app

    @property
    def subject(self) -> Subject:
        """Who asks: `owner`, the identity provider's user where users are kept apart, or who holds a scoped token."""
        if self.grant is not None:
            return self.grant.subject
        return Subject(f"user:{self.current_user.username}") if self.app.separate_users else OWNER
