"""The person's own kernel, reached beside whoever else uses it: looked into, and a cell of theirs run in it.

A client of its own, with a session of its own: two clients of one session make the older one deaf. Looking goes through
a subshell where the kernel has them, so that it answers while a cell runs, and leaves no trace in `_`, `Out` or the
history. A run is interrupted only while it is what the kernel is busy with; else the person's own cell would be.
"""

from __future__ import annotations

import ast
import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from queue import Empty
from typing import TYPE_CHECKING, Any

from jupyter_client.session import Session
from jupyter_core.utils import ensure_async
from nbformat.v4 import output_from_msg
from tornado.web import HTTPError

from ...core.errors import Busy, ChatError, NotFound
from ...core.roles import Cell

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_server.serverapp import ServerApp

LOOK_S = 2.0
_POLL_S = 0.1
_ERRANDS: set[asyncio.Task[None]] = set()
_SHOWN = ("stream", "display_data", "execute_result", "error")


class NotebookKernel:
    """The kernel of the notebook at a path."""

    def __init__(self, server: ServerApp, path: str) -> None:
        self._server = server
        self._path = path

    async def look(self, expression: str) -> str:
        """The text a read-only Python expression gives. `Busy` where the kernel does not answer within 2 s."""
        manager = await self._manager()
        async with _client(manager) as client:
            info = await _control(client, "kernel_info_request")
            language = info.get("language_info", {}).get("name")
            if language != "python":
                raise NotFound(f"Variables can be looked at in Python only; this notebook's kernel runs {language}.")
            if "kernel subshells" not in info.get("supported_features", ()):
                await _until_idle(manager)
                return await _told(client, expression, None)
            subshell = (await _control(client, "create_subshell_request")).get("subshell_id")
            try:
                return await _told(client, expression, subshell)
            finally:
                message = client.session.msg("delete_subshell_request", {"subshell_id": subshell})
                client.control_channel.send(message)

    async def run(self, cell: Cell) -> AsyncGenerator[Mapping[str, Any], None]:
        """The cell's outputs as they come, nbformat's; last `{"execution_count": …}`. Closing it interrupts."""
        manager = await self._manager()
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(_client(manager))
            await _listening(client)
            content = {"code": cell.source, "silent": False, "store_history": True, "allow_stdin": False}
            request = client.session.msg("execute_request", {**content, "user_expressions": {}, "stop_on_error": True})
            message_id = request["header"]["msg_id"]
            client.shell_channel.send(request)
            state = "waiting"
            try:
                while state != "idle":
                    message = await _next(client.iopub_channel, _POLL_S)
                    if message is None:
                        if not await ensure_async(manager.is_alive()):
                            raise NotFound("The notebook's kernel died while the cell ran.")
                        continue
                    state = _state_after(message, message_id, state)
                    if message["parent_header"].get("msg_id") == message_id and message["msg_type"] in _SHOWN:
                        yield output_from_msg(message)  # type: ignore[no-untyped-call]
                reply = await _reply(client, message_id, LOOK_S)
                yield {"execution_count": (reply or {}).get("execution_count")}
            finally:
                if state != "idle":
                    self._run_errand(_stop(stack.pop_all(), client, manager, message_id, state))

    def _run_errand(self, errand: Coroutine[None, None, None]) -> None:
        task = asyncio.ensure_future(errand)
        _ERRANDS.add(task)
        task.add_done_callback(_ERRANDS.discard)

    async def _manager(self) -> Any:
        try:
            session = await ensure_async(self._server.session_manager.get_session(path=self._path))
            return self._server.kernel_manager.get_kernel(session["kernel"]["id"])
        except (HTTPError, KeyError):
            raise NotFound("The notebook has no running kernel; the person has to start it first.") from None


async def _stop(held: AsyncExitStack, client: AsyncKernelClient, manager: Any, message_id: str, state: str) -> None:
    """Interrupts a request as soon as it is what the kernel is busy with; one that waits cannot be taken back."""
    async with held:
        while state == "waiting" and await ensure_async(manager.is_alive()):
            message = await _next(client.iopub_channel, _POLL_S)
            state = state if message is None else _state_after(message, message_id, state)
            if await _reply(client, message_id, 0.0) is not None:
                return  # it was aborted, with what failed before it
        if state == "busy":
            await ensure_async(manager.interrupt_kernel())


def _state_after(message: Any, message_id: str, state: str) -> str:
    """Whether a request waits, is what the kernel is `busy` with, or is over: `idle`."""
    is_told = message["parent_header"].get("msg_id") == message_id and message["msg_type"] == "status"
    return str(message["content"]["execution_state"]) if is_told else state


@asynccontextmanager
async def _client(manager: Any) -> AsyncIterator[AsyncKernelClient]:
    session = Session(parent=manager, key=manager.session.key, signature_scheme=manager.session.signature_scheme)
    client = manager.client(session=session)
    client.start_channels(hb=False)
    try:
        yield client
    finally:
        client.stop_channels()


async def _next(channel: Any, timeout_s: float) -> Any:
    """The next message, `None` where none comes in time. Nothing is lost where the caller is cancelled."""
    try:
        return await ensure_async(channel.get_msg(timeout=timeout_s))
    except Empty:
        return None


async def _answer(channel: Any, message_id: str, timeout_s: float) -> Mapping[str, Any] | None:
    deadline = time.monotonic() + timeout_s
    while (message := await _next(channel, max(deadline - time.monotonic(), 0.0))) is not None:
        if message["parent_header"].get("msg_id") == message_id:
            content: Mapping[str, Any] = message["content"]
            return content
    return None


async def _control(client: AsyncKernelClient, kind: str) -> Mapping[str, Any]:
    message = client.session.msg(kind, {})
    client.control_channel.send(message)
    content = await _answer(client.control_channel, message["header"]["msg_id"], LOOK_S)
    if content is None:
        raise Busy("The notebook's kernel is busy and does not answer; try again when its cell has ended.")
    return content


async def _reply(client: AsyncKernelClient, message_id: str, timeout_s: float) -> Mapping[str, Any] | None:
    return await _answer(client.shell_channel, message_id, timeout_s)


async def _told(client: AsyncKernelClient, expression: str, subshell: str | None) -> str:
    content = {"code": "", "silent": True, "store_history": False, "allow_stdin": False, "stop_on_error": False}
    request = client.session.msg("execute_request", {**content, "user_expressions": {"told": expression}})
    if subshell is not None:
        request["header"]["subshell_id"] = subshell
    client.shell_channel.send(request)
    reply = await _reply(client, request["header"]["msg_id"], LOOK_S)
    if reply is None:
        raise Busy("The notebook's kernel is busy and does not answer; try again when its cell has ended.")
    told = (reply.get("user_expressions") or {}).get("told") or {}
    if told.get("status") != "ok":
        raise ChatError(f"The kernel could not tell: {told.get('ename')}: {told.get('evalue')}.")
    return str(ast.literal_eval(told["data"]["text/plain"]))


async def _until_idle(manager: Any) -> None:
    """Returns when no cell runs: a question to a kernel without subshells waits behind it, and cannot be taken back."""
    deadline = time.monotonic() + LOOK_S
    while getattr(manager, "execution_state", "idle") == "busy":
        if time.monotonic() > deadline:
            raise Busy("The notebook's kernel is busy; try again when its cell has ended.")
        await asyncio.sleep(_POLL_S)


async def _listening(client: AsyncKernelClient) -> None:
    """Returns when what the kernel publishes is heard: a subscription takes a moment."""
    deadline = time.monotonic() + LOOK_S
    while time.monotonic() < deadline:
        client.control_channel.send(client.session.msg("kernel_info_request", {}))
        if await _next(client.iopub_channel, _POLL_S) is not None:
            return
    raise Busy("The notebook's kernel does not answer; try again.")
