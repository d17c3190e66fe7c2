"""The kernels of threads: one each, started by the first call, ended when idle for long, never restarted in silence.

Every kernel has an `epoch`, counted per thread from 1, and a reason: why the one before it has gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from threading import Thread

import zmq
import zmq.asyncio
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.multikernelmanager import AsyncMultiKernelManager

from ..core.errors import Busy
from .backends import Report, report_on
from .beside import Beside
from .connection import Connection
from .folder import make_folder
from .policy import SandboxPolicy
from .provisioner import SandboxKernelSpecs, SandboxProvisioner, register_provisioner
from .room import Room
from .slot import Kernel, Slot, noticed
from .sockets import sweep_stale
from .spare import Spare
from .watch import Watch

_RECONNECT_MS = 10
_CULL_CHECKS = 4
_PATIENCE_S = 2.0


class SandboxKernels:
    """Starts, lends and ends kernels. Use it from one event loop; `shutdown` leaves no process."""

    def __init__(self, policy: SandboxPolicy | None = None, *, kernel_name: str = "python3") -> None:
        self.policy = policy or SandboxPolicy()
        self._kernel_name = kernel_name
        self._slots: dict[str, Slot] = {}
        self._running: AsyncMultiKernelManager | None = None
        self._context: zmq.asyncio.Context | None = None
        self._starts = asyncio.Semaphore(self.policy.starts_at_once)
        self.room = Room(self.policy.max_kernels)
        self._culler: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()
        self._endings: set[asyncio.Task[None]] = set()
        self._probing: Future[Report] = Future()
        Thread(target=self._probe, name="chat-sandbox-probe", daemon=True).start()
        self.spare = Spare(self)
        self._watch = Watch(self.policy, self._slots.values, self.end)

    def _probe(self) -> None:
        try:
            self._probing.set_result(report_on(self.policy.backend))
        except BaseException as error:
            self._probing.set_exception(error)

    @property
    def report(self) -> Report:
        """How far kernels are kept inside their folders here, and what is not kept out. It is being found out from the
        beginning; whoever asks earlier waits a moment."""
        return self._probing.result()

    # --- slots -------------------------------------------------------------------------------------------------------

    def slot(self, key: str) -> Slot:
        """The thread's slot, made if there is none."""
        return self._slots.setdefault(key, Slot(key))

    def find(self, key: str) -> Slot | None:
        return self._slots.get(key)

    def alive(self) -> frozenset[str]:
        """The keys of slots with a kernel that runs."""
        return frozenset(key for key, slot in self._slots.items() if self.is_running(slot))

    @asynccontextmanager
    async def turn(self, slot: Slot) -> AsyncIterator[None]:
        """The slot for one call alone, in the order of asking. `Busy` where too many wait."""
        if slot.waiting >= self.policy.waiting_calls:
            raise Busy(f"{slot.waiting} calls are already waiting for this chat's Python; try again later.")
        slot.waiting += 1
        try:
            await slot.turn.acquire()
        finally:
            slot.waiting -= 1
        try:
            if slot.stopping is not None:
                await asyncio.shield(slot.stopping)
            yield
        finally:
            slot.used = time.monotonic()
            slot.turn.release()
            self.room.note()

    @contextmanager
    def lent(self, slot: Slot, kernel: Kernel) -> Iterator[None]:
        """The kernel for one call to talk to. It may be ended meanwhile; its sockets stay until the call is over."""
        kernel.is_lent = True
        try:
            yield
        finally:
            kernel.is_lent = False
            if slot.kernel is not kernel:
                kernel.connection.close()

    # --- starting ----------------------------------------------------------------------------------------------------

    def is_running(self, slot: Slot) -> bool:
        """Whether the slot's kernel is there and alive."""
        return slot.kernel is not None and slot.kernel.is_alive

    async def kernel(self, slot: Slot, folder: Path, beside: Beside | None = None) -> Kernel:
        """The slot's kernel, started in `folder` if there is none. The caller holds the slot's turn.

        `beside` is what a new one may read of the notebook's folder.

        A caller who gives up does not stop the start: the kernel is there for the next call.
        """
        if slot.kernel is not None:
            if slot.kernel.is_alive:
                return slot.kernel
            await self.end(slot, "crash")
        if slot.starting is None:
            slot.starting = asyncio.create_task(self._start(slot, folder, beside))
            slot.starting.add_done_callback(noticed)
        return await asyncio.shield(slot.starting)

    async def _start(self, slot: Slot, folder: Path, beside: Beside | None) -> Kernel:
        try:
            kernel = await self.spare.taken(folder) if beside is None else None
            slot.kernel = kernel or await self._start_cold(folder, beside)
        finally:
            slot.starting = None
        slot.epoch = slot.kernel.epoch = slot.epoch + 1
        slot.kernel.reason = slot.reason
        slot.is_fresh = True
        return slot.kernel

    async def _start_cold(self, folder: Path, beside: Beside | None) -> Kernel:
        await asyncio.to_thread(make_folder, folder)  # a place that is refused is told as what it is
        await self._take_room()
        try:
            async with self._starts:
                return await self.launch(folder, beside)
        except BaseException:
            self.room.give()
            raise

    async def launch(self, folder: Path, beside: Beside | None = None, *, is_spare: bool = False) -> Kernel:
        """A kernel of nobody's, in `folder`, that has answered. The room for it is the caller's."""
        running = await self._manager()
        how = {"beside": beside if beside and not beside.refusal else None, "is_spare": is_spare}
        kernel_id = await running.start_kernel(kernel_name=self._kernel_name, cwd=str(folder), **how)
        manager = running.get_kernel(kernel_id)
        provisioner = manager.provisioner
        assert isinstance(manager, AsyncKernelManager)
        assert isinstance(provisioner, SandboxProvisioner)
        kernel = Kernel(kernel_id, manager, provisioner, Connection(manager), folder, beside=beside)
        try:
            await kernel.connection.ready(lambda: kernel.is_alive, self.policy.ready_s)
        except (ChildProcessError, TimeoutError) as error:
            log = provisioner.log_tail()
            await self._remove(kernel)
            raise type(error)(f"{error}:\n{log}" if log else str(error)) from error
        except BaseException:
            await self._remove(kernel)
            raise
        await asyncio.to_thread(provisioner.settle)
        return kernel

    async def _manager(self) -> AsyncMultiKernelManager:
        if self._running is None:
            register_provisioner()
            self._context = zmq.asyncio.Context()
            # Set before any socket connects: what is larger never enters this process.
            self._context.setsockopt(zmq.MAXMSGSIZE, self.policy.message_bytes)
            self._context.setsockopt(zmq.RCVHWM, self.policy.message_count)
            self._context.setsockopt(zmq.RECONNECT_IVL, _RECONNECT_MS)
            specs = SandboxKernelSpecs(self.policy)
            self._running = AsyncMultiKernelManager(
                kernel_manager_class="jupyter_client.manager.AsyncKernelManager",  # no restarter
                kernel_spec_manager=specs,
                context=self._context,
            )
            self._closing = asyncio.Event()
            self._culler = asyncio.create_task(self._cull(self._closing))
            self._watch.begin()
            await asyncio.to_thread(specs.look_around, self._kernel_name)
            await asyncio.to_thread(sweep_stale)
        return self._running

    async def _take_room(self) -> None:
        """A place among the kernels that may run at once; the one idle for longest gives way."""
        while not self.room.take():
            if await self.spare.end():
                continue
            idle = self._idle()
            if idle:
                await self._let_go(min(idle, key=lambda slot: slot.used), "culled")
            else:
                await self.room.change()

    def _idle(self) -> list[Slot]:
        return [slot for slot in self._slots.values() if slot.kernel is not None and not slot.turn.locked()]

    # --- ending ------------------------------------------------------------------------------------------------------

    async def end(self, slot: Slot, reason: str) -> None:
        """Kills the slot's kernel with all it has started; the next call gets a new one, and is told the reason."""
        if slot.starting is not None:
            with contextlib.suppress(Exception):
                await asyncio.shield(slot.starting)
        await self._let_go(slot, reason)

    async def _let_go(self, slot: Slot, reason: str) -> None:
        kernel, slot.kernel = slot.kernel, None
        if kernel is not None:
            kernel.ended = slot.reason = reason
            slot.names = frozenset()
            await self.surely(self.bury(kernel))

    async def surely(self, ending: Coroutine[None, None, None]) -> None:
        """Does it to its end, also when its caller is cancelled on the way."""
        task = asyncio.create_task(ending)
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
        await asyncio.shield(task)

    async def bury(self, kernel: Kernel) -> None:
        """Ends the kernel and gives its room to another."""
        try:
            await self._remove(kernel)
        finally:
            self.room.give()

    async def _remove(self, kernel: Kernel) -> None:
        if not kernel.is_lent:
            kernel.connection.close()
        await kernel.provisioner.kill()  # the manager's own way does nothing for a process that has already ended
        if self._running is not None and kernel.id in self._running:
            await self._running.shutdown_kernel(kernel.id, now=True)

    async def forget(self, key: str) -> None:
        """Ends the kernel once the call under way has, and forgets there ever was one."""
        slot = self._slots.get(key)
        if slot is not None:
            await self.surely(self._forget(key, slot))

    async def _forget(self, key: str, slot: Slot) -> None:
        async with self.turn(slot):
            await self.end(slot, "closed")
            self._slots.pop(key, None)

    async def _cull(self, closing: asyncio.Event) -> None:
        """Ends idle kernels until told to stop: never cancelled, so never between a kernel's death and its burial."""
        while not closing.is_set():
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(closing.wait(), self.policy.idle_s / _CULL_CHECKS)
            for slot in self._idle():
                if time.monotonic() - slot.used >= self.policy.idle_s and not slot.turn.locked():
                    await self._let_go(slot, "culled")

    async def shutdown(self) -> None:
        """Ends every kernel, at once."""
        await self.spare.close()
        await self._watch.stop()
        if self._culler is not None:
            self._closing.set()
            await self._culler
            self._culler = None
        await asyncio.gather(*(self._end_and_wait(slot) for slot in self._slots.values()))
        if self._endings:
            await asyncio.wait(self._endings, timeout=_PATIENCE_S)
        self._running = None
        if self._context is not None:
            self._context.destroy(linger=0)
            self._context = None

    async def _end_and_wait(self, slot: Slot) -> None:
        await self.end(slot, "shutdown")
        with contextlib.suppress(asyncio.TimeoutError):  # a call that nobody reads on never gives its turn back
            await asyncio.wait_for(slot.turn.acquire(), _PATIENCE_S)
            slot.turn.release()
