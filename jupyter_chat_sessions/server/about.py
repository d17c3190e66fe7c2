"""What the server says of itself: its health, its sandbox, its doors."""

from __future__ import annotations

import dataclasses

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


class Commands(ChatHandler):
    """`/commands`"""

    @door
    async def get(self) -> None:
        """What can be typed after `/`, and whether every agent hears it or only direct mode."""
        from ..agents.slash import known_commands

        commands = [dataclasses.asdict(each) for each in known_commands()]
        self.write_json({"commands": commands})


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
