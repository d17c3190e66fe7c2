"""REST: messages of a thread, and what is done about the runs that answer them."""

from __future__ import annotations

import uuid

from ..core.ids import new_run_id, parse_message_id, parse_run_id, regenerating_run_id
from .doors import ChatHandler, door_for

PAGE = 50
MOST_OF_A_PAGE = 500


class Messages(ChatHandler):
    """`/threads/{thread_id}/messages`"""

    @door_for("read")
    async def get(self, given: str) -> None:
        """A page of the path that ends at the head, oldest first; the last page without `before`."""
        from ..chats.pages import page_record

        before = self.number("before", 0, 0, 10**18) or None
        limit = self.number("limit", PAGE, 1, MOST_OF_A_PAGE)
        session = await self.session_of(given)
        await session.whole()
        page = await self.chats.disk(session.journal.before, before, limit)
        self.name_ids(session.thread_id)
        self.write_json(page_record(page, session.conversation.runs, session.home.file_url))

    @door_for("send", "execute")
    async def post(self, given: str) -> None:
        """Sends a message: 202 when it is on disk; with `?wait=true`, 200 when its run has ended."""
        from ..chats.pages import said_in
        from . import asking, bodies
        from .sender import sender_at

        asked = self.body_as(bodies.NewMessage)
        place = self.hint(asked.notebook, asked.folder)
        session = await self.session_of(given, must_exist=False, place=place)
        message_id = asked.message_id or str(uuid.uuid4())
        sent = await asking.sent(message_id, asked.content, asked, session, sender_at(self))
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
        if self.token_shown is not None:
            await self.app.granted(self.token_shown)  # it may have ended while they waited
        page = await self.chats.disk(session.journal.before, None, MOST_OF_A_PAGE)
        said = said_in(page, receipt.run_id, session.home.file_url)
        self.write_json({**answer, "outcome": outcome, "messages": said})


class WaitingMessage(ChatHandler):
    """`/threads/{thread_id}/messages/{message_id}`"""

    @door_for("send")
    async def delete(self, given: str, message_id: str) -> None:
        """Takes back a message that is still waiting."""
        parsed_id = parse_message_id(message_id)
        session = await self.session_of(given)
        await session.withdraw(parsed_id)
        self.set_status(204)
        self.finish()


class Cancel(ChatHandler):
    """`/threads/{thread_id}/cancel`"""

    @door_for("send")
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

    @door_for("send", "execute")
    async def post(self, given: str) -> None:
        """Answers a message again, beside its earlier answers."""
        from .bodies import Regenerate as Body

        asked = self.body_as(Body)
        message_id = parse_message_id(asked.message_id)
        session = await self.session_of(given)
        run_id = regenerating_run_id(session.thread_id, asked.request_id) if asked.request_id else new_run_id()
        receipt = await session.regenerate(message_id, run_id, self.visitor)
        self.name_ids(session.thread_id, receipt.run_id)
        self.write_json({"thread_id": session.thread_id, "message_id": message_id, "run_id": receipt.run_id}, 202)


class Head(ChatHandler):
    """`/threads/{thread_id}/head`"""

    @door_for("send")
    async def post(self, given: str) -> None:
        """Turns to the branch through a run; the conversation then ends where that branch does."""
        from .bodies import Head as Body

        run_id = parse_run_id(self.body_as(Body).run_id)
        session = await self.session_of(given)
        head = await session.switch(run_id)
        self.name_ids(session.thread_id, head)
        self.write_json({"thread_id": session.thread_id, "head": head})


class Answer(ChatHandler):
    """`/threads/{thread_id}/answer`"""

    @door_for("approve", "execute")
    async def post(self, given: str) -> None:
        """Decides what a waiting run asks a person; a run goes on from there."""
        from .asking import answering_run_id, maybe_run_id
        from .bodies import Answer as Body

        asked = self.body_as(Body)
        waiting = maybe_run_id(asked.run_id)
        session = await self.session_of(given)
        going_on = answering_run_id(session.thread_id, asked.request_id) if asked.request_id else new_run_id()
        receipt = await session.answer(asked.answers, going_on, waiting, self.subject)
        self.name_ids(session.thread_id, receipt.run_id)
        answer = {"thread_id": session.thread_id, "message_id": receipt.message_id, "run_id": receipt.run_id}
        self.write_json(answer, 202)
