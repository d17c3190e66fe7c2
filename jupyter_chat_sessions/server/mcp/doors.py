"""`/mcp/{thread_id}` and `/mcp`: JSON-RPC messages, answered with JSON or, where it takes time, a stream of events."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from tornado import web

from ...core.errors import ChatError
from ..doors import MOST_BODY_BYTES, door_for, running_door, status_of
from ..taking import TakingHandler, taken

if TYPE_CHECKING:
    from .calls import Called
    from .clients import Clients, Key, Wish
    from .progress import Progress
    from .reply import Reply
    from .speech import Refused, Spoken

SESSION = "Mcp-Session-Id"
VERSION = "MCP-Protocol-Version"

log = logging.getLogger(__name__)


class McpHandler(TakingHandler):
    """The base of both doors."""

    most_bytes = MOST_BODY_BYTES

    def initialize(self) -> None:
        super().initialize()
        self._ends_with_client: list[Wish] = []

    async def meet(self, given: str | None) -> None:
        """Answers a request's messages, one after the other. `given` is the thread that the address names."""
        from .reply import Reply
        from .speech import ASSUMED, Refused, heard

        session_id = self.request.headers.get(SESSION)
        version = self.request.headers.get(VERSION) or self._clients.version(session_id) or ASSUMED
        try:
            post = heard(self.body, version)
        except Refused as refused:
            self.write_json(refused.record(None), refused.status)
            return
        reply = Reply(self, is_batch=post.is_batch)
        with contextlib.ExitStack() as waited_for:
            asked = [(each, self._wish(each, given, waited_for)) for each in post.messages]
            self._hear(post.messages, given)
            for each, wish in asked:
                if isinstance(each, Refused) or each.id is not None:
                    await reply.respond(*await self._answer(each, given, reply, wish))
        reply.end()

    def _wish(self, message: Spoken | Refused, given: str | None, waited_for: contextlib.ExitStack) -> Wish | None:
        """Whether what a message asks for is still wanted, as long as it is waited for.

        `None` where its client waits for another call with this id.
        """
        from .clients import Wish
        from .speech import Refused

        wish = Wish()
        if isinstance(message, Refused) or message.method != "tools/call" or message.id is None:
            return wish
        if given is None or message.is_stateless:  # who closes such a request wants no answer any more
            self._ends_with_client.append(wish)
            if self.has_left:
                wish.take_back()
        key = None if message.is_stateless else self._key(given, message.id)
        if key is not None:
            if not self._clients.began(key, wish):
                return None
            waited_for.callback(self._clients.ended, key)
        return wish

    async def _answer(
        self, message: Spoken | Refused, given: str | None, reply: Reply, wish: Wish | None
    ) -> tuple[dict[str, Any], int]:
        """The JSON-RPC answer to one message, and the HTTP status that goes with it."""
        from . import speech

        if isinstance(message, speech.Refused):
            return message.record(None), message.status
        try:
            if wish is None:
                in_use = "A call with this id is still running; each request has an id of its own."
                raise speech.Refused(speech.INVALID_REQUEST, in_use, 400)
            message.check_headers(self.request.headers)
            return message.answer(await self._result(message, given, reply, wish)), 200
        except speech.Refused as refused:
            return refused.record(message.id), refused.status
        except ChatError as error:
            told = speech.of_error(error, status_of(error))
            return told.record(message.id), told.status
        except web.HTTPError:
            raise
        except Exception:
            log.exception("A message of an MCP client could not be answered.")
            return speech.FAILED.record(message.id), speech.FAILED.status

    async def _result(self, spoken: Spoken, given: str | None, reply: Reply, wish: Wish) -> dict[str, Any]:
        from . import calls, speech

        about = calls.OF_NONE if given is None else calls.OF_A_THREAD
        if spoken.method == "initialize":
            result = speech.initialized(spoken, about)
            self.set_header(SESSION, self._clients.welcome(spoken.client, result["protocolVersion"]))
            return result
        if spoken.method == "ping":
            return {}
        if spoken.method == "server/discover":
            return speech.discovered(about)
        if spoken.method == "tools/list":
            specs = self.chats.tool_specs()
            return speech.tool_list(spoken, calls.specs_alone(specs) if given is None else specs)
        if spoken.method == "tools/call":
            return await self._called(spoken, given, reply, wish)
        status = 404 if spoken.is_stateless else 200
        raise speech.Refused(speech.METHOD_NOT_FOUND, f"There is no method {spoken.method[:80]!r} here.", status)

    # --- calls ----------------------------------------------------------------------------------------------------

    async def _called(self, spoken: Spoken, given: str | None, reply: Reply, wish: Wish) -> dict[str, Any]:
        from ...core.ids import new_run_id
        from .calls import Called
        from .progress import Progress

        if wish.is_taken_back:
            called = Called(new_run_id(), None, "cancelled")
        else:
            progress = Progress(spoken.progress_token if reply.is_stream else None)
            calling = self._called_alone if given is None else functools.partial(self._called_in, given)
            called = await self._seen_through(calling(spoken, progress, wish), progress, reply)
        origin = f"{self.request.protocol}://{self.request.host}"
        return called.record(origin, has_links=spoken.version >= "2025-06-18")

    async def _seen_through(self, calling: Coroutine[Any, Any, Called], progress: Progress, reply: Reply) -> Called:
        """What the call gave; its client is told of it meanwhile, as long as their token holds."""
        task = asyncio.ensure_future(calling)
        try:
            async with contextlib.aclosing(progress.until(task)) as news:
                async for each in news:
                    await self._check_token()
                    await reply.tell(each)
        finally:
            if not task.done():  # nobody hears how it ends; in a thread it goes on
                task.cancel()
                await asyncio.wait([task])
        called = task.result()
        await self._check_token()
        return called

    async def _check_token(self) -> None:
        if self.token_shown is not None:
            await self.app.granted(self.token_shown)  # it may have ended while they waited

    async def _called_in(self, given: str, spoken: Spoken, progress: Progress, wish: Wish) -> Called:
        from ...core.transcript import Options
        from ..asking import heeded
        from . import calls, speech

        name, arguments = speech.asked_call(spoken)
        session = await self.session_of(given, must_exist=False)
        if all(spec.name != name for spec in self.chats.tool_specs()):
            raise speech.Refused(speech.INVALID_PARAMS, f"There is no tool {name[:80]!r}; see tools/list.")
        client = spoken.client or self._clients.name(self.request.headers.get(SESSION))
        asked = Options(permissions=heeded(None, self.rights), visitor=self.visitor, door="mcp")
        record = await calls.begin_call(session, name, arguments, client, asked, progress)
        self.name_ids(session.thread_id, record.run_id)
        wish.stops(lambda: self.app.desk.send_off(session.cancel(record.run_id)))
        return await calls.ended_call(record)

    async def _called_alone(self, spoken: Spoken, progress: Progress, wish: Wish) -> Called:
        from ...core.ids import new_run_id
        from ...core.roles import ToolCall
        from . import calls, speech

        name, arguments = speech.asked_call(spoken)
        if name not in calls.ALONE:
            there_is_none = f"Without a thread there is no tool {name[:80]!r}; see tools/list."
            raise speech.Refused(speech.INVALID_PARAMS, there_is_none)
        run_id = new_run_id()
        self.set_header("X-Run-Id", run_id)
        call = ToolCall(f"call_{run_id}", name, arguments)
        task = asyncio.ensure_future(self.chats.call_alone(run_id, self.subject, call, progress.hear))

        def stop() -> None:
            task.cancel()

        wish.stops(stop)
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
        if task.cancelled():
            return calls.Called(run_id, None, "cancelled")
        return calls.Called(run_id, calls.with_run_urls(task.result(), self.app.address, run_id))

    def _key(self, given: str | None, message_id: str | int) -> Key | None:
        """Whose message it is; `None` for a client without a name, as another's may have that id as well."""
        session_id = self.request.headers.get(SESSION)
        return None if session_id is None else ("\n".join((self.subject, given or "", session_id)), message_id)

    def _hear(self, messages: Sequence[Spoken | Refused], given: str | None) -> None:
        from .speech import Refused, is_id

        for each in messages:
            if not isinstance(each, Refused) and each.id is None and each.method == "notifications/cancelled":
                request_id = each.params.get("requestId")
                key = self._key(given, request_id) if is_id(request_id) else None
                if key is not None:
                    self._clients.take_back(key)

    def on_connection_close(self) -> None:
        """The client has left."""
        super().on_connection_close()
        for wish in self._ends_with_client:
            wish.take_back()

    @property
    def _clients(self) -> Clients:
        clients: Clients = self.app.mcp_clients
        return clients


class McpOfThread(McpHandler):
    """`/mcp/{thread_id}`"""

    @taken
    @door_for("send", "execute")
    async def post(self, given: str) -> None:
        """A message of a client that works in this thread."""
        from ...core.ids import parse_thread_id

        parse_thread_id(given)
        await self.meet(given)


class Mcp(McpHandler):
    """`/mcp`"""

    @taken
    @running_door
    async def post(self) -> None:
        """A message of a client that works in no thread."""
        await self.meet(None)
