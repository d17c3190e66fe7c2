"""`/ag-ui` and `/ag-ui/{thread_id}`: `RunAgentInput` in, AG-UI events out, as server-sent events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tornado.iostream import StreamClosedError

from ...core.errors import ChatError, InvalidThreadId, Malformed
from ..doors import ThreadDoor
from ..openai.envelope import HEARTBEAT_S, OpenAIHandler, running_door, sending_door
from ..taking import TakingHandler

if TYPE_CHECKING:
    from ...engine.session import Session
    from .bodies import RunAgentInput
    from .running import Told


class AgUiHandler(OpenAIHandler):
    """The base of both doors. Bodies come in as at OpenAI's doors; refusals have this server's own shape."""

    def refuse(self, error: ChatError) -> None:
        """Answers with an error's status, code and words."""
        ThreadDoor.refuse(self, error)

    def write_error(self, status_code: int, **details: object) -> None:
        """Errors that are not ours."""
        TakingHandler.write_error(self, status_code, **details)

    async def run(self, session: Session, body: RunAgentInput) -> None:
        """Tells the run that answers a request, to its end. The run goes on where the client leaves."""
        from .running import Caller, begin

        may_approve = self.grant is None or "approve" in self.grant.rights
        told = await begin(session, body, Caller(self.subject, may_approve, self.visitor, self.chats.disk))
        self.name_ids(session.thread_id, None if told is None else told.run_id)
        self.begin_stream()
        try:
            if told is None:
                await self._show(session, body)
            else:
                await self._tell(told, body)
            self.finish()
        except StreamClosedError:
            return
        except ChatError as lost:  # a token that was taken back, while its holder listened
            await self.send_event({"type": "RUN_ERROR", "message": lost.message, "code": lost.code})
            self.finish()
        finally:
            if told is not None:
                told.record.leave()

    async def _tell(self, told: Told, body: RunAgentInput) -> None:
        from .telling import Events

        events = Events(body.thread_id, body.run_id, told.heard, told.run_id)
        events.know(told.known)
        await self.send_event(events.first())
        async for happening in told.record.read(HEARTBEAT_S):
            if self.token_shown is not None:
                await self.app.granted(self.token_shown)
            if happening is None:
                await self.send_heartbeat()
                continue
            for event in events.hear(happening):
                await self.send_event(event)

    async def _show(self, session: Session, body: RunAgentInput) -> None:
        """What a request without anything new is answered with: what the thread says so far."""
        from .shown import messages_of
        from .telling import started

        ids = {"threadId": body.thread_id, "runId": body.run_id}
        await self.send_event(started(body.thread_id, body.run_id))
        await self.send_event({"type": "MESSAGES_SNAPSHOT", "messages": await messages_of(session, self.chats.disk)})
        await self.send_event({"type": "RUN_FINISHED", **ids, "outcome": {"type": "success"}})

    def read(self) -> RunAgentInput:
        """The request."""
        from .bodies import RunAgentInput

        return self.body_as(RunAgentInput)


class AgUi(AgUiHandler):
    """`/ag-ui`"""

    @running_door
    async def post(self) -> None:
        """Answers in the thread that `threadId` names: by its id, or by any name of the client's own."""
        from ...core.ids import parse_session_key, parse_thread_id

        body = self.read()
        try:
            session = await self.session_of(parse_thread_id(body.thread_id), must_exist=False)
        except InvalidThreadId:
            key = parse_session_key(body.thread_id)
            if key is None:
                raise Malformed("threadId: a UUID, or any name of your own.") from None
            session, _ = await self.chats.keyed(key, self.hint(), self.subject)
        await self.run(session, body)


class AgUiOfThread(AgUiHandler):
    """`/ag-ui/{thread_id}`"""

    @sending_door
    async def post(self, given: str) -> None:
        """Answers in this thread, however the client calls it."""
        body = self.read()
        await self.run(await self.session_of(given, must_exist=False), body)
