"""`/v1/models` and `/v1/chat/completions`. What they do is in the modules beside this one, loaded at need."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tornado.iostream import StreamClosedError

from ...core.errors import Malformed
from .envelope import HEARTBEAT_S, OpenAIHandler, door, envelope, running_door

if TYPE_CHECKING:
    from .asking import Answering, Question
    from .completions import Completion
    from .desk import Desk
    from .record import Record
    from .resolving import Asker

DETACHED = "X-Run-Detached"


class Models(OpenAIHandler):
    """`/v1/models`"""

    @door
    async def get(self) -> None:
        """Who can be asked."""
        from .models import model_names, model_record

        data = [model_record(name) for name in model_names(self.chats.answering, self.subject)]
        self.write_json({"object": "list", "data": data})


class Model(OpenAIHandler):
    """`/v1/models/{model}`"""

    @door
    async def get(self, name: str) -> None:
        """One of them."""
        from .models import found_model

        self.write_json(found_model(self.chats.answering, self.subject, name))


class AskingHandler(OpenAIHandler):
    """The base of the doors that have a message answered."""

    @property
    def desk(self) -> Desk:
        """What is kept between requests."""
        desk: Desk = self.app.desk
        return desk

    def asker(self) -> Asker:
        """Who asks, for the modules that know no handler."""
        from .resolving import Asker

        return Asker(self.chats, self.subject, self.hint(), self.header, self.app.list_unnamed)

    async def ask(self, asker: Asker, question: Question) -> Answering:
        """Has the message accepted, and names the ids it got."""
        from .asking import ask

        answering = await ask(asker, self.desk, question, self.accepted)
        self.name_ids(answering.accepted.session.thread_id, answering.accepted.run_id)
        return answering

    def stop_when_left(self, answering: Answering) -> None:
        """A client that leaves stops the run it alone has asked for, unless it said that it would leave."""
        goes_on = answering.is_bound or self.header(DETACHED) not in (None, "0", "false")
        session, record = answering.accepted.session, answering.record

        def leave() -> None:
            answering.attempt.has_left = True
            if not goes_on and not record.is_ended:
                self.desk.send_off(session.cancel(record.run_id))

        self.on_leave = leave
        if self.has_left:
            leave()

    def settle(self, answering: Answering) -> None:
        """The client has its answer, or has left without it."""
        attempts = self.desk.attempts
        if self.has_left:
            attempts.give_up(answering.attempt)
        else:
            attempts.deliver(answering.asked, answering.attempt)


class ChatCompletions(AskingHandler):
    """`/v1/chat/completions`"""

    @running_door
    async def post(self) -> None:
        """Answers the last message, piece by piece or whole."""
        from . import asking, bodies, given
        from .completions import Completion
        from .models import chosen_model
        from .names import DEFAULT_MODEL, completion_id

        body = self.body_as(bodies.ChatCompletion)
        if body.n not in (None, 1):
            raise Malformed("n: one answer is made for each request.")
        asker = self.asker()
        model = chosen_model(self.chats.answering, self.subject, body.model)
        question = asking.Question("chat/completions", self.body, given.of_chat(body), model, waits=True)
        answering = await self.ask(asker, question)
        self.stop_when_left(answering)
        accepted = answering.accepted
        has_usage = body.stream_options is not None and body.stream_options.include_usage
        completion = Completion(
            completion_id(accepted.run_id), int(time.time()), body.model or DEFAULT_MODEL, accepted.session.thread_id,
            has_usage=has_usage,
        )  # fmt: skip
        try:
            if body.stream:
                await self._stream(completion, answering.record)
            else:
                self.write_json(completion.whole(await answering.record.whole()))
        except StreamClosedError:
            return
        finally:
            self.settle(answering)

    async def _stream(self, completion: Completion, record: Record) -> None:
        from .failing import failure_of

        self.begin_stream()
        await self.send_event(completion.first())
        async for happening in record.read(HEARTBEAT_S):
            if happening is None:
                await self.send_heartbeat()
                continue
            for chunk in completion.hear(happening):
                await self.send_event(chunk)
        failure = None if record.end is None else failure_of(record.end)
        if failure is not None:
            await self.send_event(envelope(failure.status, failure.code, failure.message))
        else:
            await self.send_event("[DONE]")
        self.finish()
