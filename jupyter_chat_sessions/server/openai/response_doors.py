"""`/v1/responses` and `/v1/conversations`. What they do is in the modules beside this one, loaded at need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tornado.iostream import StreamClosedError

from ...core.errors import Conflict, Malformed
from .doors import AskingHandler
from .envelope import HEARTBEAT_S, door, running_door

if TYPE_CHECKING:
    from ...core.ids import RunId
    from ...engine.session import Session
    from .record import Record
    from .responses import Response as Told

MOST_ITEMS = 100


class RespondingHandler(AskingHandler):
    """The base of the doors that tell of responses."""

    async def stream(self, told: Told, record: Record, after: int = -1) -> None:
        """The response's events behind number `after`; its last one in any case."""
        self.begin_stream()
        last: dict[str, Any] = {}
        is_told = False
        for event in told.first():
            last, is_told = event, await self._tell(event, after) or is_told
        async for happening in record.read(HEARTBEAT_S):
            if happening is None:
                await self.send_heartbeat()
                continue
            for event in told.hear(happening):
                last, is_told = event, await self._tell(event, after) or is_told
        if not is_told:
            await self._tell({**last, "sequence_number": after + 1}, after)
        await self.send_event("[DONE]")
        self.finish()

    async def _tell(self, event: dict[str, Any], after: int) -> bool:
        from .responses import behind

        rest = behind(event, after)
        if rest is not None:
            await self.send_event(rest, rest["type"])
        return rest is not None

    async def found(self, given: str) -> tuple[Session, RunId]:
        """The thread and the run of the response in an address."""
        from .resolving import response_of

        session, run_id = await response_of(self.asker(), given)
        self.name_ids(session.thread_id, run_id)
        return session, run_id


class Responses(RespondingHandler):
    """`/v1/responses`"""

    @running_door
    async def post(self) -> None:
        """Answers the input: whole, event by event, or in the background."""
        from . import asking, bodies, given
        from .models import chosen_model
        from .retrieving import about_new

        body = self.body_as(bodies.NewResponse)
        model = chosen_model(self.chats.answering, self.subject, body.model)
        asker = self.asker()
        conversation = body.conversation if isinstance(body.conversation, str | None) else body.conversation.id
        question = asking.Question(
            "responses", self.body, given.of_response(body), model, waits=False,
            conversation=conversation, previous=body.previous_response_id,
        )  # fmt: skip
        answering = await self.ask(asker, question)
        told = about_new(answering, question, body)
        try:
            if body.background:
                if not body.stream:
                    return self.write_json(told.record())
            else:
                self.stop_when_left(answering)
            if body.stream:
                await self.stream(told, answering.record)
            else:
                self._tell_whole(told, await answering.record.whole(), answering.record)
        except StreamClosedError:
            return None
        finally:
            self.settle(answering)

    def _tell_whole(self, told: Told, happenings: Any, record: Record) -> None:
        from .failing import failure_of

        failure = None if record.end is None else failure_of(record.end)
        if failure is not None:
            raise failure
        self.write_json(told.whole(happenings))


class Response(RespondingHandler):
    """`/v1/responses/{response_id}`"""

    @door
    async def get(self, given: str) -> None:
        """The response as it stands, or its events behind the last one the client has."""
        from .retrieving import retrieved

        is_streamed, after = self.flag("stream"), self.number("starting_after", -1, 0, 10**9)
        session, run_id = await self.found(given)
        told, record = await retrieved(self.chats, self.desk, session, run_id)
        if not is_streamed:
            return self.write_json(told.whole(record.happenings))
        try:
            await self.stream(told, record, after)
        except StreamClosedError:
            return None

    @door
    async def delete(self, given: str) -> None:
        """Deletes a response that is all there is in its thread."""
        session, _ = await self.found(given)
        if session.conversation.is_listed or len(session.conversation.runs) > 1:
            raise Conflict("This response is part of a conversation, which is kept whole; delete that.")
        await session.delete()
        self.write_json({"id": given, "object": "response", "deleted": True})


class CancelResponse(RespondingHandler):
    """`/v1/responses/{response_id}/cancel`"""

    @door
    async def post(self, given: str) -> None:
        """Stops the response; one that has ended stays as it is."""
        from .retrieving import retrieved

        session, run_id = await self.found(given)
        await session.cancel(run_id)
        await session.ended(run_id)
        told, record = await retrieved(self.chats, self.desk, session, run_id)
        self.write_json(told.whole(await record.whole()))


class Conversations(AskingHandler):
    """`/v1/conversations`"""

    @door
    async def post(self) -> None:
        """Makes a thread to talk in."""
        from ...core.ids import new_thread_id
        from .bodies import NewConversation
        from .retrieving import conversation_record

        body = self.body_as(NewConversation)
        if body.items:
            raise Malformed("items: a conversation begins empty; the input of its first response may hold them.")
        session, _ = await self.chats.create(new_thread_id(), self.hint(), self.subject)
        self.name_ids(session.thread_id)
        self.write_json(conversation_record(session, body.metadata or {}))


class Conversation(AskingHandler):
    """`/v1/conversations/{conversation_id}`"""

    @door
    async def get(self, given: str) -> None:
        """When it was begun."""
        from .resolving import conversation_of
        from .retrieving import conversation_record

        session = await conversation_of(self.asker(), given)
        self.name_ids(session.thread_id)
        self.write_json(conversation_record(session, {}))

    @door
    async def delete(self, given: str) -> None:
        """Deletes its thread; it stays in the trash for 7 days."""
        from .resolving import conversation_of

        session = await conversation_of(self.asker(), given)
        await session.delete()
        self.write_json({"id": given, "object": "conversation.deleted", "deleted": True})


class ConversationItems(AskingHandler):
    """`/v1/conversations/{conversation_id}/items`"""

    @door
    async def get(self, given: str) -> None:
        """A page of what was said, the newest first unless asked otherwise."""
        from .resolving import conversation_of
        from .retrieving import items_page

        session = await conversation_of(self.asker(), given)
        order = self.get_query_argument("order", "desc")
        if order not in ("asc", "desc"):
            raise Malformed(f"order is asc or desc, not {order[:40]!r}.")
        limit = self.number("limit", 20, 1, MOST_ITEMS)
        self.name_ids(session.thread_id)
        self.write_json(await items_page(self.chats, session, order, limit, self.get_query_argument("after", None)))
