"""REST: the list of threads, and one thread. Rules of order and disk are not made here."""

from __future__ import annotations

from typing import Any

from ..core.conversation import Conversation
from ..core.errors import Malformed, Stale, ThreadNotFound
from ..core.ids import new_thread_id, parse_session_key, parse_thread_id
from ..engine.session import Session
from .doors import ChatHandler, door

SESSION_KEY = "X-Session-Key"
EVERYTHING = 10**9


def thread_record(session: Session) -> dict[str, Any]:
    """One thread as the REST doors show it."""
    now = session.conversation
    return {
        "thread_id": session.thread_id,
        "title": now.title,
        "created": session.header.created if session.header else None,
        "updated": now.updated or (session.header.created if session.header else None),
        "message_count": now.message_count,
        "preview": now.last_words,
        "notebook": now.notebook,
        "folder": session.home.folder,
        "running": now.is_busy,
        "run": _run_record(now),
        "queue_depth": len(now.queue),
    }


def _run_record(now: Conversation) -> dict[str, str] | None:
    return {"run_id": now.running.run_id, "status": "running"} if now.running else None


class Threads(ChatHandler):
    """`/threads`"""

    @door
    async def get(self) -> None:
        """The threads of a notebook, of a folder, or all that this server knows; the newest first."""
        listing = await self.chats.listing(
            self.hint(),
            self.subject,
            words=self.get_query_argument("q", ""),
            limit=self.number("limit", 100, 1, 1000),
            before=self.get_query_argument("before", None),
        )
        self.write_json({"threads": listing.threads, "version": listing.version})

    @door
    async def post(self) -> None:
        """Makes a thread, or finds it: by its id, as the notebook's current one, or by a session key."""
        from .bodies import NewThread  # pydantic: not before the first request

        asked = self.body_as(NewThread)
        place = self.chats.place(asked.notebook, asked.folder)
        key = parse_session_key(self.request.headers.get(SESSION_KEY))
        thread_id = None if asked.thread_id is None else parse_thread_id(asked.thread_id)
        if thread_id is not None:
            session, is_new = await self.chats.create(thread_id, place, self.subject)
        elif key is not None:
            session, is_new = await self.chats.keyed(key, place, self.subject)
        elif asked.current:
            session, is_new = await self.chats.current(place, self.subject)
        else:
            session, is_new = await self.chats.create(new_thread_id(), place, self.subject)
        if is_new and asked.title is not None:
            await session.rename(asked.title.strip())
        self.name_ids(session.thread_id)
        self.write_json({**thread_record(session), "level": self.chats.level, "new": is_new}, 201 if is_new else 200)


class Thread(ChatHandler):
    """`/threads/{thread_id}`"""

    @door
    async def get(self, given: str) -> None:
        session = await self.session_of(given)
        self._show(session)

    @door
    async def patch(self, given: str) -> None:
        """Renames. With `If-Match`, only if nobody else has since it was read."""
        from .bodies import Rename

        asked = self.body_as(Rename)
        session = await self.session_of(given)
        wanted = self.request.headers.get("If-Match")
        if wanted is not None and wanted.strip() not in ("*", _etag(session)):
            raise Stale(
                f"The thread has another title since you read it ({_etag(session)}, not {wanted.strip()[:40]})."
            )
        await session.rename(asked.title.strip())
        self._show(session)

    @door
    async def delete(self, given: str) -> None:
        session = await self.session_of(given)
        await session.delete()
        self.set_status(204)
        self.finish()

    def _show(self, session: Session) -> None:
        self.name_ids(session.thread_id)
        self.set_header("Etag", _etag(session))
        self.write_json({**thread_record(session), "level": self.chats.level})

    def compute_etag(self) -> str | None:
        """The tag set above names the title's version; a run that goes on does not make it stale."""
        return None


def _etag(session: Session) -> str:
    return f'"title-{session.conversation.titled_at}"'


class Restore(ChatHandler):
    """`/threads/{thread_id}/restore`"""

    @door
    async def post(self, given: str) -> None:
        session = await self.chats.restore(parse_thread_id(given), self.subject, self.hint())
        self.name_ids(session.thread_id)
        self.write_json({**thread_record(session), "level": self.chats.level})


class RestartKernel(ChatHandler):
    """`/threads/{thread_id}/kernel/restart`"""

    @door
    async def post(self, given: str) -> None:
        session = await self.session_of(given)
        await self.chats.restart_kernel(session.thread_id)
        self.name_ids(session.thread_id)
        self.write_json({"restarted": True}, 202)


class Export(ChatHandler):
    """`/threads/{thread_id}/export`"""

    @door
    async def get(self, given: str) -> None:
        from .export import FORMATS, exported

        wanted = self.get_query_argument("format", "md")
        if wanted not in FORMATS:
            raise Malformed(f"format is one of {', '.join(FORMATS)}, not {wanted[:40]!r}.")
        session = await self.session_of(given)
        if session.header is None:
            raise ThreadNotFound(f"There is no thread {session.thread_id}.")
        page = await self.chats.disk(session.journal.before, None, EVERYTHING)
        file = exported(wanted, session.conversation, page.lines)
        self.name_ids(session.thread_id)
        self.set_header("Content-Type", file.media_type)
        self.set_header("Content-Disposition", f'attachment; filename="{file.name}"')
        self.finish(file.content)
