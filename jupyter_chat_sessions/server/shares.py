"""REST: the shares of a thread, made and taken back by whose thread it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .doors import ChatHandler, door, running_door

if TYPE_CHECKING:
    from ..core.grants import Share


def share_record(share: Share) -> dict[str, Any]:
    """A share as its owner sees it; its token is told once, when it is made."""
    return {
        "share_id": share.share_id,
        "thread_id": share.thread_id,
        "rights": share.level,
        "created": share.created,
        "expires": share.expires,
    }


class Shares(ChatHandler):
    """`/threads/{thread_id}/shares`"""

    @door
    async def get(self, given: str) -> None:
        """Those that still open the thread, the oldest first."""
        session = await self.session_of(given)
        shares = await self.app.grants.shares_of(session.thread_id)
        self.name_ids(session.thread_id)
        self.write_json({"shares": [share_record(each) for each in shares]})

    @running_door
    async def post(self, given: str) -> None:
        """Makes one. Who gives others the right to run code here must have it: `execute`, whatever the share allows."""
        from .bodies import NewShare

        asked = self.body_as(NewShare)
        session = await self.session_of(given, must_exist=False)
        await session.create()
        share, token = await self.app.grants.share(
            session.thread_id, session.home.folder, self.subject, asked.rights, asked.expires_in
        )
        self.name_ids(session.thread_id)
        # After the #: what a browser sends to no server, writes into no log and names to no other page.
        url = f"{self.chats.address}/threads/{session.thread_id}/shared#{token}"
        self.write_json({**share_record(share), "token": token, "url": url}, 201)


class OneShare(ChatHandler):
    """`/threads/{thread_id}/shares/{share_id}`"""

    @running_door
    async def delete(self, given: str, share_id: str) -> None:
        """Takes it back. Whoever watches with it is sent home before this answers."""
        session = await self.session_of(given)
        await self.app.grants.revoke(share_id, session.thread_id)
        self.set_status(204)
        self.finish()
