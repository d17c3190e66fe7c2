"""`/imports`: chats of other programs become threads."""

from __future__ import annotations

from .doors import door
from .taking import TakingHandler, taken


class Imports(TakingHandler):
    """`/imports`"""

    @taken
    @door
    async def post(self) -> None:
        """Makes a thread of the file in the body: 201; 200 with the same thread where it was imported before."""
        from ..chats.importing import import_chat
        from ..chats.pages import thread_record

        name = self.get_query_argument("name", "")
        session, is_new = await import_chat(self.chats, self.body, name, self.hint(), self.subject)
        self.name_ids(session.thread_id)
        record = {**await thread_record(session), "level": self.chats.level}
        self.write_json(record, 201 if is_new else 200)
