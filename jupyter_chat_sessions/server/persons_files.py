"""Doors between a thread's folder and the person's: a file copied in, an artifact saved beside the notebook.

Who enters must be allowed to read, or to write, contents as well: a chat is no way round what Jupyter would refuse.
"""

from __future__ import annotations

from typing import Any

from jupyter_core.utils import ensure_async

from ..core.errors import Forbidden
from .doors import ChatHandler, door, running_door

CONTENTS = "contents"


class PersonsFilesDoor(ChatHandler):
    """What both doors ask beside their own permission."""

    async def must_be_allowed(self, action: str) -> None:
        """`Forbidden` for those whom the server does not let do this with its contents."""
        allowed: Any = self.authorizer.is_authorized(self, self.current_user, action, CONTENTS)
        if not await ensure_async(allowed):
            raise Forbidden(f"You may not {action} files on this server.")


class CopyIn(PersonsFilesDoor):
    """`/threads/{thread_id}/import`"""

    @door
    async def post(self, given: str) -> None:
        from ..chats.copies import bring_in
        from .bodies import CopyIn as Asked

        asked = self.body_as(Asked)
        await self.must_be_allowed("read")
        session = await self.session_of(given, must_exist=False)
        await session.create()
        copied = await self.chats.disk(
            lambda: bring_in(session.home, asked.path, asked.name, overwrites=asked.overwrite)
        )
        self.name_ids(session.thread_id)
        url = session.home.file_url(copied.path)
        self.write_json({"path": copied.path, "size": copied.size, "media_type": copied.media_type, "url": url}, 201)


class Consent(PersonsFilesDoor):
    """`/threads/{thread_id}/consent`"""

    @running_door
    async def put(self, given: str) -> None:
        """Lets the thread's tools read the notebook's folder when their Python starts next, or no longer."""
        from ..chats.consent import let_read, must_be_showable, reads_notebook
        from .bodies import Consent as Asked

        asked = self.body_as(Asked)
        await self.must_be_allowed("read")
        session = await self.session_of(given, must_exist=False)
        if asked.notebook_folder:
            await self.chats.disk(lambda: must_be_showable(session, self.chats.level))
        await session.create()
        await let_read(session, self.subject, is_given=asked.notebook_folder)
        self.name_ids(session.thread_id)
        self.write_json({"notebook_folder": reads_notebook(session)})


class SaveOut(PersonsFilesDoor):
    """`/threads/{thread_id}/save`"""

    @door
    async def post(self, given: str) -> None:
        from ..chats.copies import save_out
        from .bodies import SaveOut as Asked

        asked = self.body_as(Asked)
        await self.must_be_allowed("write")
        session = await self.session_of(given)
        saved = await self.chats.disk(save_out, session.home, asked.path, asked.name)
        self.contents_manager.emit(data={"action": "save", "path": saved.path})  # type: ignore[no-untyped-call]
        self.name_ids(session.thread_id)
        self.write_json({"path": saved.path, "size": saved.size}, 201)
