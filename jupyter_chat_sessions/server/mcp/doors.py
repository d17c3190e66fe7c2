"""`/mcp/{thread_id}` and `/mcp`: one JSON-RPC message a request, answered with JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...core.errors import ChatError
from ..doors import MOST_BODY_BYTES, door_for, running_door, status_of
from ..taking import TakingHandler, taken

if TYPE_CHECKING:
    from ...engine.session import Session
    from .calls import Called
    from .clients import Clients, Key
    from .speech import Spoken

SESSION = "Mcp-Session-Id"
VERSION = "MCP-Protocol-Version"


class McpHandler(TakingHandler):
    """The base of both doors."""

    most_bytes = MOST_BODY_BYTES

    def initialize(self) -> None:
        super().initialize()
        self._stop: Callable[[], None] | None = None

    async def meet(self, given: str | None) -> None:
        """Answers one message. `given` is the thread that the address names."""
        from .speech import Refused, heard

        spoken = None
        try:
            spoken = heard(self.body, self.request.headers.get(VERSION))
            spoken.check_headers(self.request.headers)
            if spoken.id is None:
                self._hear(spoken, given)
                self.set_status(202)
                self.finish()
                return
            self._answer(spoken.answer(await self._result(spoken, given)))
        except Refused as refused:
            self._answer(refused.record(spoken.id if spoken is not None else None), refused.status)

    def _answer(self, body: dict[str, Any], status: int = 200) -> None:
        if not self._finished:
            self.write_json(body, status)

    async def _result(self, spoken: Spoken, given: str | None) -> dict[str, Any]:
        from . import calls, speech

        about = calls.OF_NONE if given is None else calls.OF_A_THREAD
        if spoken.method == "initialize":
            self.set_header(SESSION, self._clients.welcome(spoken.client))
            return speech.initialized(spoken, about)
        if spoken.method == "ping":
            return {}
        if spoken.method == "server/discover":
            return speech.discovered(about)
        if spoken.method == "tools/list":
            specs = self.chats.tool_specs()
            return speech.tool_list(spoken, calls.specs_alone(specs) if given is None else specs)
        if spoken.method == "tools/call":
            return await self._called(spoken, given)
        status = 404 if spoken.is_stateless else 200
        raise speech.Refused(speech.METHOD_NOT_FOUND, f"There is no method {spoken.method[:80]!r} here.", status)

    # --- calls ----------------------------------------------------------------------------------------------------

    async def _called(self, spoken: Spoken, given: str | None) -> dict[str, Any]:
        from . import speech

        name, arguments = speech.asked_call(spoken)
        assert spoken.id is not None, "a notification has no result"
        key = self._key(given, spoken.id)
        try:
            if given is None:
                called = await self._called_alone(key, name, arguments)
            else:
                called = await self._called_in(await self.session_of(given, must_exist=False), key, spoken)
        except ChatError as error:
            raise speech.Refused(speech.INVALID_PARAMS, error.message, status_of(error), {"code": error.code}) from None
        finally:
            self._clients.ended(key)
        origin = f"{self.request.protocol}://{self.request.host}"
        return called.record(origin, has_links=spoken.version >= "2025-06-18")

    async def _called_in(self, session: Session, key: Key, spoken: Spoken) -> Called:
        from ...core.transcript import Options
        from ..asking import heeded
        from . import calls, speech

        name, arguments = speech.asked_call(spoken)
        if all(spec.name != name for spec in self.chats.tool_specs()):
            raise speech.Refused(speech.INVALID_PARAMS, f"There is no tool {name[:80]!r}; see tools/list.")
        client = spoken.client or self._clients.name(self.request.headers.get(SESSION))
        asked = Options(permissions=heeded(None, self.rights), visitor=self.visitor, door="mcp")
        record = await calls.begin_call(session, name, arguments, client, asked)
        self.name_ids(session.thread_id, record.run_id)

        def stop() -> None:
            self.app.desk.send_off(session.cancel(record.run_id))

        self._clients.began(key, stop)
        if spoken.is_stateless:  # who closes such a request wants no answer any more
            self._stop = stop
        called = await calls.ended_call(record)
        if self.token_shown is not None:
            await self.app.granted(self.token_shown)  # it may have ended while they waited
        return called

    async def _called_alone(self, key: Key, name: str, arguments: Any) -> Called:
        from ...core.ids import new_run_id
        from .calls import ALONE, Called, with_run_urls
        from .speech import INVALID_PARAMS, Refused

        if name not in ALONE:
            raise Refused(INVALID_PARAMS, f"Without a thread there is no tool {name[:80]!r}; see tools/list.")
        run_id = new_run_id()
        self.set_header("X-Run-Id", run_id)
        task = asyncio.ensure_future(self.chats.call_alone(run_id, self.subject, name, arguments))

        def stop() -> None:
            task.cancel()

        self._clients.began(key, stop)
        self._stop = stop
        await asyncio.wait({task})
        if task.cancelled():
            return Called(run_id, None, "cancelled")
        return Called(run_id, with_run_urls(task.result(), self.app.address, run_id))

    def _key(self, given: str | None, message_id: str | int) -> Key:
        parts = (self.subject, given or "", self.request.headers.get(SESSION, ""))
        return "\n".join(parts), message_id

    def _hear(self, spoken: Spoken, given: str | None) -> None:
        request_id = spoken.params.get("requestId")
        is_named = SESSION in self.request.headers  # without one, another client's request may have that id
        if spoken.method == "notifications/cancelled" and is_named and isinstance(request_id, (str, int)):
            self._clients.stop(self._key(given, request_id))

    def on_connection_close(self) -> None:
        """The client has left."""
        super().on_connection_close()
        if self._stop is not None:
            self._stop()

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
