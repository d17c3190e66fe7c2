"""A run being made: the task behind it, its way to the session, and how it is stopped."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from ..core.conversation import Conversation, Decided
from ..core.errors import ChatError, StorageFailed, Unreadable
from ..core.ids import RunId, ThreadId
from ..core.roles import ToolSpec
from ..core.transcript import Message, Outcome
from .pieces import Pieces
from .stage import Ending, Perform

log = logging.getLogger(__name__)

HARD_STOP_S = 5.0
DISK_RETRY_S = 1.0


class Host(Protocol):
    """What a performance needs of its session."""

    @property
    def thread_id(self) -> ThreadId: ...

    @property
    def conversation(self) -> Conversation: ...

    @property
    def is_watched(self) -> bool: ...

    @property
    def sees_folder(self) -> bool: ...

    def hear(self, run_id: RunId, event: Mapping[str, Any]) -> None: ...

    async def keep(self, run_id: RunId, message: Message) -> None: ...

    async def path_to(self, run_id: RunId) -> Sequence[Message]: ...

    async def end(self, run_id: RunId, ending: Ending) -> None: ...


class Performance:
    """One run from its start to its last line. It is a `Stage` to whoever makes the answer.

    Stopping cancels the answer; one that swallows this is left behind after 5 s, and what it still says is not heard.
    """

    def __init__(self, host: Host, run_id: RunId, model: str | None, perform: Perform) -> None:
        self._host = host
        self._run_id = run_id
        self._model = model
        self._pieces = Pieces(lambda event: host.hear(run_id, event))
        self._stopped_as: Outcome | None = None
        self._given_up = asyncio.get_running_loop().create_future()
        self._answer = asyncio.ensure_future(perform(self))
        self._task = asyncio.get_running_loop().create_task(self._see_through(), name=f"run {run_id}")

    # --- what the answer sees: a Stage --------------------------------------------------------------------------------

    @property
    def thread_id(self) -> ThreadId:
        return self._host.thread_id

    @property
    def run_id(self) -> RunId:
        return self._run_id

    @property
    def model(self) -> str | None:
        return self._model

    @property
    def client_tools(self) -> Sequence[ToolSpec]:
        offered = self._host.conversation.wishes.tools
        return [ToolSpec(each["name"], each.get("description", ""), each.get("parameters", {})) for each in offered]

    @property
    def tool_names(self) -> Collection[str] | None:
        return self._host.conversation.wishes.tool_names

    @property
    def asks_first(self) -> bool:
        return self._host.conversation.wishes.asks_first

    @property
    def is_visitors(self) -> bool:
        return self._host.conversation.wishes.visitor is not None

    @property
    def sees_folder(self) -> bool:
        return self._host.sees_folder

    @property
    def granted(self) -> Collection[str]:
        return self._host.conversation.granted

    @property
    def wanted(self) -> Mapping[str, str]:
        now = self._host.conversation
        return now.wishes.permissions or {} if self.is_visitors else now.wanted

    @property
    def answers(self) -> Mapping[str, Mapping[str, Any]]:
        decided = self._decided()
        return decided.by_call if decided else {}

    @property
    def shown(self) -> Mapping[str, Mapping[str, Any]]:
        decided = self._decided()
        return decided.shown if decided else {}

    def _decided(self) -> Decided | None:
        now = self._host.conversation
        parent = now.runs[self._run_id].parent_run_id
        return now.decided if now.decided is not None and now.decided.run_id == parent else None

    @property
    def is_watched(self) -> bool:
        return self._host.is_watched

    async def path(self) -> Sequence[Message]:
        path = await self._host.path_to(self._run_id)
        instructions = self._host.conversation.wishes.instructions
        if not instructions:
            return path
        return [{"id": f"{self._run_id}:instructions", "role": "system", "content": instructions}, *path]

    def say(self, event: Mapping[str, Any]) -> None:
        self._pieces.add(event)

    async def contribute(self, message: Message) -> None:
        self._pieces.flush()
        await self._host.keep(self._run_id, message)

    # --- what the session sees ----------------------------------------------------------------------------------------

    def stop(self, outcome: Outcome = "cancelled") -> None:
        """Makes the answer end; the run then ends with this outcome."""
        if self._stopped_as is None:
            self._stopped_as = outcome
            self._answer.cancel()
            asyncio.get_running_loop().call_later(HARD_STOP_S, self._give_up)

    async def finished(self) -> None:
        """Waits until the run's last line is on disk; not for ever where the disk refuses it."""
        await asyncio.wait({self._task}, timeout=HARD_STOP_S + DISK_RETRY_S)

    def _give_up(self) -> None:
        if not self._given_up.done():
            self._given_up.set_result(None)

    async def _see_through(self) -> None:
        await asyncio.wait({self._answer, self._given_up}, return_when=asyncio.FIRST_COMPLETED)
        self._pieces.flush()
        ending = self._ending()
        self._give_up()
        while True:
            try:
                return await self._host.end(self._run_id, ending)
            except (StorageFailed, Unreadable) as refused:
                log.warning("The end of run %s is not on disk yet: %s", self._run_id, refused)
                await asyncio.sleep(DISK_RETRY_S)
            except ChatError as refused:
                return log.warning("Run %s ended in a thread that is no more: %s", self._run_id, refused)

    def _ending(self) -> Ending:
        answer = self._answer
        if not answer.done():
            log.error("Run %s did not stop within %s s and is left behind.", self._run_id, HARD_STOP_S)
            answer.add_done_callback(_forget)
            return Ending(self._stopped_as or "error")
        if answer.cancelled():
            return Ending(self._stopped_as or "cancelled")
        failure = answer.exception()
        if failure is None:
            ending = answer.result()
            return ending if self._stopped_as is None else Ending(self._stopped_as, ending.usage)
        if isinstance(failure, ChatError):
            return Ending("error", error={"code": failure.code, "message": failure.message})
        log.error("Run %s failed.", self._run_id, exc_info=failure)
        message = f"The answer could not be made ({type(failure).__name__}); the server's log says more."
        return Ending("error", error={"code": "agent_failed", "message": message})


def _forget(answer: asyncio.Future[Ending]) -> None:
    if not answer.cancelled():
        answer.exception()
