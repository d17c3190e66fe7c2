"""`/imports`: chats of other programs become threads."""

from __future__ import annotations

from ..core.errors import TooLarge
from .doors import ChatHandler, door

MOST_BYTES = 20_000_000


class Imports(ChatHandler):
    """`/imports`"""

    @door
    async def post(self) -> None:
        """Makes a thread of the file in the body: 201; 200 with the same thread where it was imported before."""
        from ..chats.importing import import_chat
        from ..chats.pages import thread_record

        given = self.request.body
        if len(given) > MOST_BYTES:
            raise TooLarge(f"A chat to import is at most {MOST_BYTES:,} bytes; this one has {len(given):,}.")
        name = self.get_query_argument("name", "")
        session, is_new = await import_chat(self.chats, given, name, self.hint(), self.subject)
        self.name_ids(session.thread_id)
        record = {**await thread_record(session), "level": self.chats.level}
        self.write_json(record, 201 if is_new else 200)
