"""Runs code in the kernel of a thread and tells what happens: the sandbox as tools see it.

A call belongs to the thread its context names, from its first step to its last. However it ends (its code ends, its
time is up, its caller closes the iterator, its kernel dies), nothing it has started as part of an unfinished call
lives on.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing, suppress
from pathlib import Path

from ..core.errors import ChatError, NotFound
from ..core.ids import RunId, ThreadId
from ..core.roles import Artifact, Level, ToolContext, ToolEvent, ToolOutput, ToolResult, ToolStatus
from .beside import Beside, seen_beside, why_outdated
from .call import Call, Ending
from .epochs import read_epoch, write_epoch
from .folder import Seen, changed, look, make_folder
from .kernels import SandboxKernels
from .names import NAMES, names_in
from .outputs import Outputs
from .owners import settle_owner
from .policy import SandboxPolicy
from .result import refused, result
from .saying import Saying
from .slot import Kernel, Slot
from .watch import Allowance, allowance

_LOOK_S = 0.1
"""How often a silent kernel is checked to be alive."""
_NAMES_S = 1.0
_ENDED = {ending.value: ending for ending in (Ending.MEMORY, Ending.DISK, Ending.DISK_FULL)}
"""The limits a kernel may have been ended at."""


BringIn = Callable[[ThreadId, str, bool], Artifact]
"""Copies a file of the person's into a thread's folder, by its path; the last says whether over one that is there."""


class SandboxRunner:
    """The `Sandbox` of a server: a folder and a kernel for each thread.

    `folder_of` names the thread's `files` folder, `default_folder` that of a call without a thread; `bring_in` copies
    a file from beside the thread's notebook, and may block; `beside_of` names the notebook's folder where a person
    lets the thread's tools read it.
    """

    def __init__(
        self,
        folder_of: Callable[[ThreadId], Path],
        default_folder: Callable[[RunId], Path],
        policy: SandboxPolicy | None = None,
        kernels: SandboxKernels | None = None,
        *,
        bring_in: BringIn | None = None,
        beside_of: Callable[[ThreadId], Path | None] = lambda thread_id: None,
    ) -> None:
        self._bring_in, self._beside_of = bring_in, beside_of
        self._folder_of, self._default_folder = folder_of, default_folder
        self.kernels = kernels or SandboxKernels(policy)
        self._policy = self.kernels.policy
        self._numbers = itertools.count(1)

    @property
    def level(self) -> Level:
        return self.kernels.report.level

    def folder(self, context: ToolContext) -> Path:
        """The folder its tools work in; made if there is none. `Forbidden` where a symlink stands in its place."""
        folder = self._where(context)
        make_folder(folder)
        return folder

    def _where(self, context: ToolContext) -> Path:
        return self._default_folder(context.run_id) if context.thread_id is None else self._folder_of(context.thread_id)

    def prepare(self, thread_id: ThreadId) -> None:
        """Begins to have a kernel ready for a thread without a folder, where memory allows. Returns at once."""
        if self._beside_of(thread_id) is None:
            self.kernels.spare.prepare(self._folder_of(thread_id))

    async def bring_in(self, path: str, context: ToolContext, *, overwrites: bool = False) -> Artifact:
        """Copies a file of the person's into the folder of the call's thread."""
        if self._bring_in is None or context.thread_id is None:
            raise NotFound("This call has no notebook beside it whose files could be copied.")
        self.folder(context)
        return await asyncio.to_thread(self._bring_in, context.thread_id, path, overwrites)

    def alive(self) -> frozenset[str]:
        """The threads whose kernel is there."""
        return self.kernels.alive()

    def names(self, thread_id: ThreadId) -> frozenset[str]:
        slot = self.kernels.find(thread_id)
        return slot.names if slot else frozenset()

    async def restart(self, thread_id: ThreadId) -> None:
        """Ends the thread's kernel, and the call it is busy with; its files remain. The next call starts a new one."""
        slot = self.kernels.find(thread_id)
        if slot is not None:
            await self.kernels.end(slot, "user")

    async def close_thread(self, thread_id: ThreadId) -> None:
        """Ends the thread's kernel once the call under way has ended."""
        await self.kernels.forget(thread_id)

    async def shutdown(self) -> None:
        """Ends every kernel; no process of theirs is left."""
        await self.kernels.shutdown()

    async def run(
        self, code: str, context: ToolContext, *, timeout_s: float | None = None
    ) -> AsyncGenerator[ToolEvent, None]:
        """Runs code in the thread's kernel. Its last event is its only `ToolResult`; it raises nothing of its own."""
        key: str = context.thread_id or f"_default/{context.run_id}/{next(self._numbers)}"
        slot = self.kernels.slot(key)
        try:
            async with self.kernels.turn(slot), aclosing(self._run(slot, code, context, timeout_s)) as events:
                async for event in events:
                    if isinstance(event, ToolResult) and context.thread_id is None:
                        await self.kernels.end(slot, "closed")
                    yield event
        except ChatError as error:
            yield refused(error.message, self.level)
        finally:
            if context.thread_id is None:
                await self.kernels.forget(key)

    def _survey(self, folder: Path, new_epoch: int | None) -> tuple[Mapping[str, Seen], Allowance]:
        """What the folder holds as a call begins, and what it may hold in the end. A kernel's first call has its number
        remembered there. Blocks."""
        make_folder(folder)
        settle_owner(folder)
        if new_epoch is not None:
            write_epoch(folder, new_epoch)
        return look(folder, self._policy.snapshot_entries), allowance(folder, self._policy)

    def _found(self, slot: Slot, folder: Path, context: ToolContext) -> tuple[Beside | None, int]:
        """What a kernel may read beside its folder, and the number of the last one of an earlier server. Blocks."""
        return self._beside(context), read_epoch(folder) if slot.epoch == 0 else 0

    def _beside(self, context: ToolContext) -> Beside | None:
        """What a kernel of this thread may read of the notebook's folder. Blocks."""
        folder = self._beside_of(context.thread_id) if context.thread_id else None
        return None if folder is None or self.level == "unconfined" else seen_beside(folder)

    async def _kernel(self, slot: Slot, folder: Path, beside: Beside | None) -> Kernel:
        """The slot's kernel. What was to be hidden may have gone before it could be: then it is looked for again."""
        try:
            return await self.kernels.kernel(slot, folder, beside)
        except ChildProcessError:
            if beside is None or beside.refusal:
                raise
            return await self.kernels.kernel(slot, folder, await asyncio.to_thread(seen_beside, beside.folder))

    async def _run(
        self, slot: Slot, code: str, context: ToolContext, timeout_s: float | None
    ) -> AsyncGenerator[ToolEvent, None]:
        asked = time.monotonic()
        folder = self._where(context)
        beside, last = await asyncio.to_thread(self._found, slot, folder, context)
        if slot.kernel is not None and (why := why_outdated(slot.kernel.beside, beside)):
            await self.kernels.end(slot, why)
        if not self.kernels.is_running(slot):
            yield ToolStatus("Starting Python")
            if slot.epoch == 0 and last:
                slot.epoch, slot.reason = last, "server_restart"
        try:
            kernel = await self._kernel(slot, folder, beside)
        except (OSError, RuntimeError, LookupError) as error:
            yield refused(f"Python could not be started: {error}", self.level)
            return
        is_fresh = slot.is_fresh
        before, slot.allowance = await asyncio.to_thread(self._survey, folder, kernel.epoch if is_fresh else None)
        with self.kernels.lent(slot, kernel):
            name = f"{context.run_id}-{next(self._numbers)}"
            outputs = Outputs(self._policy, folder, Saying(self._policy, folder, name), slot.image_number)
            limit = self._policy.wall_s if timeout_s is None else timeout_s
            slot.is_fresh = False
            request = await kernel.connection.execute(code, expressions={"names": NAMES})
            call = Call(slot, kernel, request, outputs, before, is_fresh, limit, asked)
            try:
                async with aclosing(self._listen(call)) as events:
                    async for event in events:
                        yield event
                for output in outputs.due(is_last=True):
                    yield ToolOutput(output)
                yield await self._conclude(call, folder)
            finally:
                slot.image_number, slot.allowance = outputs.image_number, None
                outputs.saying.close()
                if not call.has_ended:
                    await self._stop_for_good(call)

    # --- while it runs -----------------------------------------------------------------------------------------------

    async def _listen(self, call: Call) -> AsyncGenerator[ToolEvent, None]:
        """What the call puts out, until it has ended or its time is up."""
        while not call.request.has_ended and (left := call.left_s) > 0:
            due = call.outputs.wait_s()
            pause = min(_LOOK_S if due is None else due, _LOOK_S, left)
            messages = await call.kernel.connection.messages(call.request, pause)
            for message in messages:
                await call.outputs.add(message)
            for output in call.outputs.due():
                yield ToolOutput(output)
            if not messages and not call.kernel.is_alive:
                return

    async def _conclude(self, call: Call, folder: Path) -> ToolResult:
        """Ends what has not ended by itself, then tells how it went."""
        ending = await self._ending(call)
        call.has_ended = True
        if call.has_its_kernel:
            await self._learn_names(call)
        after = await asyncio.to_thread(look, folder, self._policy.snapshot_entries)
        return result(call, ending, changed(call.before, after), self.level, self._policy)

    async def _ending(self, call: Call) -> Ending:
        if call.request.has_ended:
            return Ending.DONE
        if call.kernel.is_alive:
            await self._stop(call, "timeout")
            return Ending.TIMEOUT
        if not call.has_its_kernel:
            return _ENDED.get(call.kernel.ended or "", Ending.RESTARTED)
        await self.kernels.end(call.slot, "crash")
        return Ending.DIED

    async def _learn_names(self, call: Call) -> None:
        reply = call.request.reply or {}
        names = names_in(reply, self._policy.name_count)
        if names is None and call.kernel.is_alive:
            # A reply to code that failed has no expressions in it.
            told = await call.kernel.connection.told("", expressions={"names": NAMES}, within_s=_NAMES_S)
            names = names_in(told, self._policy.name_count)
        if names is not None:
            call.slot.names = names

    # --- stopping ----------------------------------------------------------------------------------------------------

    async def _stop_for_good(self, call: Call) -> None:
        """Stops a call whose caller has gone. The next call waits for it, even when this one is cancelled again."""
        call.slot.stopping = asyncio.create_task(self._stop(call, "cancelled"))
        await asyncio.shield(call.slot.stopping)

    async def _stop(self, call: Call, reason: str) -> None:
        """Interrupts; after the grace time, kills the kernel. Either way what the call has started is gone."""
        try:
            if await self._interrupted(call):
                await call.kernel.provisioner.kill_since(call.began_boot)
            elif call.has_its_kernel:
                await self.kernels.end(call.slot, reason)
        finally:
            call.slot.stopping = None

    async def _interrupted(self, call: Call) -> bool:
        """Whether the code has ended after an interrupt, within the grace time."""
        if call.request.has_ended:
            return True
        deadline = time.monotonic() + self._policy.grace_s
        with suppress(RuntimeError):  # it died just now
            await call.kernel.manager.interrupt_kernel()
        while call.kernel.is_alive and (left := deadline - time.monotonic()) > 0:
            for message in await call.kernel.connection.messages(call.request, min(_LOOK_S, left)):
                await call.outputs.add(message)
            if call.request.has_ended:
                break
        return call.kernel.is_alive and call.request.reply is not None
