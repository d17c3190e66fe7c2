"""What the server says of itself: its health, its sandbox, its doors."""

from __future__ import annotations

from .. import __version__
from .doors import ChatHandler, door


class Health(ChatHandler):
    """`/health`"""

    @door
    async def get(self) -> None:
        open_sessions = list(self.chats.sessions)
        self.write_json(
            {
                "version": __version__,
                "status": "ok",
                "open_threads": len(open_sessions),
                "runs_in_flight": sum(session.conversation.running is not None for session in open_sessions),
                "persist": self.chats.is_persisting,
            }
        )


class SandboxReport(ChatHandler):
    """`/sandbox`"""

    @door
    async def get(self) -> None:
        self.write_json(self.chats.sandbox_report())


class OpenApi(ChatHandler):
    """`/openapi.json`"""

    @door
    async def get(self) -> None:
        from .openapi import description

        self.write_json(description(self.chats.address))
