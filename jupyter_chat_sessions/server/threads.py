"""REST: the list of threads, and one thread. Rules of order and disk are not made here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import Malformed, Stale, ThreadNotFound
from ..core.ids import ThreadId, new_thread_id, parse_session_key, parse_thread_id
from .doors import ChatHandler, door, door_for

if TYPE_CHECKING:  # the engine is imported at the first request, never at the server's start
    from ..engine.session import Session

SESSION_KEY = "X-Session-Key"
EVERYTHING = 10**9


class Threads(ChatHandler):
    """`/threads`"""

    @door_for("read")
    async def get(self) -> None:
        """The threads of a notebook, of a folder, or all that this server knows; the newest first."""
        from ..chats.listing import Wanted

        wanted = Wanted(
            words=self.get_query_argument("q", ""),
            limit=self.number("limit", 100, 1, 1000),
            before=self.get_query_argument("before", None),
        )
        listing = await self.chats.listing(self.hint(), self.subject, wanted)
        self.write_json({"threads": listing.threads, "version": listing.version})

    @door_for("send")
    async def post(self) -> None:
        """Makes a thread, or finds it: by its id, as the notebook's current one, or by a session key."""
        from ..chats.pages import thread_record
        from .bodies import NewThread  # pydantic: not before the first request

        asked = self.body_as(NewThread)
        place = self.hint(asked.notebook, asked.folder)
        key = parse_session_key(self.request.headers.get(SESSION_KEY))
        thread_id = _named(asked.thread_id)
        if thread_id is not None:
            await self.session_of(thread_id, must_exist=False, place=place)
            session, is_new = await self.chats.create(thread_id, place, self.subject)
        elif key is not None:
            session, is_new = await self.chats.keyed(key, place, self.subject)
        elif asked.current:
            session, is_new = await self.chats.current(place, self.subject)
        else:
            session, is_new = await self.chats.create(new_thread_id(), place, self.subject)
        self.opened(session)
        if is_new and asked.title is not None:
            await session.rename(_folded(asked.title))
        self.name_ids(session.thread_id)
        record = await thread_record(session)
        self.write_json({**record, "level": self.chats.level, "new": is_new}, 201 if is_new else 200)


def _named(given: str | None) -> ThreadId | None:
    """The thread id in a body; a blank one names nothing."""
    return parse_thread_id(given) if given is not None and given.strip() else None


def _folded(title: str) -> str:
    """A title is one line."""
    return " ".join(title.split())


class Thread(ChatHandler):
    """`/threads/{thread_id}`"""

    @door_for("read")
    async def get(self, given: str) -> None:
        await self._show(await self.session_of(given))

    @door_for("manage")
    async def patch(self, given: str) -> None:
        """Renames. With `If-Match`, only if nobody else has since it was read."""
        from .bodies import Rename

        asked = self.body_as(Rename)
        session = await self.session_of(given)
        await session.whole()
        seen = self.request.headers.get("If-Match")
        await session.rename(_folded(asked.title), None if seen is None else _seen_at(seen, session))
        await self._show(session)

    @door_for("manage")
    async def delete(self, given: str) -> None:
        session = await self.session_of(given)
        await session.delete()
        self.set_status(204)
        self.finish()

    async def _show(self, session: Session) -> None:
        from ..chats.pages import thread_record

        record = await thread_record(session)
        self.name_ids(session.thread_id)
        self.set_header("Etag", _etag(session))
        self.write_json({**record, "level": self.chats.level})

    def compute_etag(self) -> str | None:
        """The tag set above names the title's version; a run that goes on does not make it stale."""
        return None


def _etag(session: Session) -> str:
    """Names the line the title is from. The title that first words gave is of line 0, before and after them."""
    return f'"title-{session.conversation.titled_at}"'


def _seen_at(given: str, session: Session) -> int | None:
    """The title's line that an `If-Match` names; `None` for any. `Stale` where it names none that could be ours."""
    tags = [tag.strip() for tag in given.split(",")]
    if "*" in tags:
        return None
    if _etag(session) not in tags:
        raise Stale(f"The thread has another title since you read it ({_etag(session)}, not {given[:40]}).")
    return session.conversation.titled_at


class Restore(ChatHandler):
    """`/threads/{thread_id}/restore`"""

    @door
    async def post(self, given: str) -> None:
        from ..chats.pages import thread_record

        session = await self.chats.restore(parse_thread_id(given), self.subject, self.hint())
        self.name_ids(session.thread_id)
        self.write_json({**await thread_record(session), "level": self.chats.level})


class Deleted(ChatHandler):
    """`/deleted`"""

    @door
    async def get(self) -> None:
        """The deleted threads that can be taken back, of a notebook, a folder or all; the latest deletion first."""
        from ..chats.deleted import list_deleted

        limit = self.number("limit", 100, 1, 1000)
        self.write_json({"threads": await list_deleted(self.chats, self.hint(), self.subject, limit)})


class Tools(ChatHandler):
    """`/threads/{thread_id}/tools`"""

    @door_for("read")
    async def get(self, given: str) -> None:
        """The tools there are, what holds for each when a model calls it in this thread, and the sandbox's level."""
        from ..chats.tool_list import tool_records

        session = await self.session_of(given, must_exist=False)
        records = tool_records(self.chats.tools, self.chats.policy, session, self.visitor)
        self.name_ids(session.thread_id)
        self.write_json({"level": self.chats.level, "tools": records})


class RestartKernel(ChatHandler):
    """`/threads/{thread_id}/kernel/restart`"""

    @door_for("manage", "execute")
    async def post(self, given: str) -> None:
        session = await self.session_of(given)
        await self.chats.restart_kernel(session.thread_id)
        self.name_ids(session.thread_id)
        self.write_json({"restarted": True}, 202)


class Export(ChatHandler):
    """`/threads/{thread_id}/export`"""

    @door_for("read")
    async def get(self, given: str) -> None:
        from ..chats.export import FORMATS, exported

        wanted = self.get_query_argument("format", "md")
        if wanted not in FORMATS:
            raise Malformed(f"format is one of {', '.join(FORMATS)}, not {wanted[:40]!r}.")
        session = await self.session_of(given)
        if session.header is None:
            raise ThreadNotFound(f"There is no thread {session.thread_id}.")
        await session.whole()
        page = await self.chats.disk(session.journal.before, None, EVERYTHING)
        file = await self.chats.disk(exported, wanted, session.conversation, page.lines, session.home.files)
        self.name_ids(session.thread_id)
        self.set_header("Content-Type", file.media_type)
        self.set_header("Content-Disposition", f'attachment; filename="{file.name}"')
        self.finish(file.content)
