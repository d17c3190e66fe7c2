"""REST: what can be chosen to answer, the keys it needs, and what was sent to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.ids import parse_run_id
from .doors import ChatHandler, door

if TYPE_CHECKING:
    from ..chats.chats import Chats


class Models(ChatHandler):
    """`/models`"""

    @door
    async def get(self) -> None:
        """What can be chosen and why, what answers by default, which providers have a key."""
        self.write_json(await self.chats.answering.listing(self.subject))
        introduce(self.chats)


class ProviderKey(ChatHandler):
    """`/keys/{provider}`"""

    @door
    async def put(self, provider: str) -> None:
        """Takes a key that was typed. It is never answered, written down or logged."""
        from .bodies import TypedKey

        asked = self.body_as(TypedKey)
        await self.chats.answering.hold_key(self.subject, provider, asked.key.get_secret_value())
        self._show(provider)

    @door
    async def delete(self, provider: str) -> None:
        """Lets go of a key that was typed; what the server's environment says counts again."""
        await self.chats.answering.forget_key(self.subject, provider)
        self._show(provider)

    def _show(self, provider: str) -> None:
        self.write_json(self.chats.answering.key_record(self.subject, provider))
        introduce(self.chats)


def introduce(chats: Chats) -> None:
    """Tells all who watch who answers by default now: a key, or what was found, may have changed that."""
    for session in chats.sessions:
        session.introduce()


class Requests(ChatHandler):
    """`/threads/{thread_id}/runs/{run_id}/requests`"""

    @door
    async def get(self, given: str, run: str) -> None:
        """What was sent to a provider in a run, step by step, as far as it is still kept."""
        from ..files.requests import requests_of

        run_id = parse_run_id(run)
        session = await self.session_of(given)
        self.name_ids(session.thread_id, run_id)
        found = await self.chats.disk(requests_of, session.home.files.parent, run_id)
        self.write_json({"run_id": run_id, "requests": found})
