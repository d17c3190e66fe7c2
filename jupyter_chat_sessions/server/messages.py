"""REST: messages of a thread, and what is done about the runs that answer them."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from ..core.errors import Conflict
from ..core.frames import line_record
from ..core.ids import RunId, new_run_id, parse_message_id, parse_run_id, parse_thread_id, regenerating_run_id
from ..core.roles import Page
from ..core.transcript import MessageLine, RunLine, StartLine
from . import asking
from .doors import ChatHandler, door, running_door

if TYPE_CHECKING:  # the engine is imported at the first request, never at the server's start
    from ..engine.session import Session

PAGE = 50


class Messages(ChatHandler):
    """`/threads/{thread_id}/messages`"""

    @door
    async def get(self, given: str) -> None:
        """A page of the path that ends at the head, oldest first; the last page without `before`."""
        session = await self.session_of(given)
        before = self.number("before", 0, 0, 10**18) or None
        page: Page = await self.chats.disk(session.journal.before, before, self.number("limit", PAGE, 1, 500))
        self.name_ids(session.thread_id)
        self.write_json(self._page_record(session, page))

    def _page_record(self, session: Session, page: Page) -> dict[str, Any]:
        models = {line.run_id: line.model for line in page.lines if isinstance(line, StartLine)}
        return {
            "messages": [
                {
                    "seq": line.seq,
                    "created": line.created,
                    "run_id": line.run_id,
                    "message": line_record(line, session.home.file_url)["message"],
                }
                for line in page.lines
                if isinstance(line, MessageLine)
            ],
            "runs": [
                {"run_id": line.run_id, "outcome": line.outcome, "model": models.get(line.run_id), "usage": line.usage}
                for line in page.lines
                if isinstance(line, RunLine)
            ],
            "more": page.more,
        }

    @running_door
    async def post(self, given: str) -> None:
        """Sends a message: 202 when it is on disk; with `?wait=true`, 200 when its run has ended."""
        from . import bodies  # pydantic: not before the first request

        asked = self.body_as(bodies.NewMessage)
        sent = asking.sent(
            asked.message_id or str(uuid.uuid4()), bodies.plain(asked.content), asked.mode, asked.model,
            asked.parent_run_id, is_branch="parent_run_id" in asked.model_fields_set,
        )  # fmt: skip
        place = self.hint(asked.notebook, asked.folder)
        session = await self.chats.session(parse_thread_id(given), self.subject, place, must_exist=False)
        receipt = await session.send(sent)
        self.name_ids(session.thread_id, receipt.run_id)
        answer = {
            "thread_id": session.thread_id,
            "message_id": receipt.message_id,
            "run_id": receipt.run_id,
            "seq": receipt.seq,
            "queued": receipt.is_queued,
            "queue_depth": receipt.queue_depth,
        }
        if self.get_query_argument("wait", "false").lower() not in ("true", "1"):
            self.write_json(answer, 202)
            return
        outcome = await session.ended(receipt.run_id)
        self.write_json({**answer, "outcome": outcome, "messages": await self._said_in(session, receipt.run_id)})

    async def _said_in(self, session: Session, run_id: RunId) -> list[Any]:
        page: Page = await self.chats.disk(session.journal.before, None, 500)
        return [
            line_record(line, session.home.file_url)["message"]
            for line in page.lines
            if isinstance(line, MessageLine) and line.run_id == run_id and line.message["role"] != "user"
        ]


class WaitingMessage(ChatHandler):
    """`/threads/{thread_id}/messages/{message_id}`"""

    @door
    async def delete(self, given: str, message_id: str) -> None:
        """Takes back a message that is still waiting."""
        parsed_id = parse_message_id(message_id)
        session = await self.session_of(given)
        await session.withdraw(parsed_id)
        self.set_status(204)
        self.finish()


class Cancel(ChatHandler):
    """`/threads/{thread_id}/cancel`"""

    @door
    async def post(self, given: str) -> None:
        """Stops one run, or all that is running and waiting."""
        from .bodies import Cancel as Body

        asked = self.body_as(Body)
        run_id = None if asked.run_id is None else parse_run_id(asked.run_id)
        session = await self.session_of(given)
        run_ids = await session.cancel(run_id)
        self.name_ids(session.thread_id, run_ids[0] if run_ids else None)
        self.write_json({"cancelled": bool(run_ids), "run_ids": list(run_ids)})


class Regenerate(ChatHandler):
    """`/threads/{thread_id}/regenerate`"""

    @running_door
    async def post(self, given: str) -> None:
        """Answers a message again, beside its earlier answers."""
        from .bodies import Regenerate as Body

        asked = self.body_as(Body)
        message_id = parse_message_id(asked.message_id)
        session = await self.session_of(given)
        run_id = regenerating_run_id(session.thread_id, asked.request_id) if asked.request_id else new_run_id()
        receipt = await session.regenerate(message_id, run_id)
        self.name_ids(session.thread_id, receipt.run_id)
        self.write_json({"thread_id": session.thread_id, "message_id": message_id, "run_id": receipt.run_id}, 202)


class Answer(ChatHandler):
    """`/threads/{thread_id}/answer`"""

    @running_door
    async def post(self, given: str) -> None:
        """Answers what a run asks a person. No agent of this version asks, so nothing ever waits."""
        from .bodies import Answer as Body

        self.body_as(Body)
        await self.session_of(given)
        raise Conflict("Nothing in this thread waits for an answer.")
