"""A kernel that is started before anyone asks, for the next new chat: what people wait for is the first call.

It lives in a folder that is nobody's yet, confined to it as any other, and has run no code but our own. A chat without
a folder gets this one, by a rename, and the kernel with it. What already has a folder starts cold: a kernel cannot be
let into another one afterwards. There is one at most, for a while, and only where there is memory for it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .environment import kept
from .memory import has_memory_to_spare
from .names import NAMES
from .pauses import Pauses
from .policy import SandboxPolicy
from .room import Room
from .slot import Kernel, noticed
from .spare_folder import SpareFolder, sweep_spares

_PATIENCE_S = 10.0
_FOLLOWS = """
import os, tempfile
alias, shell = os.environ["HOME"], variables["get_ipython"]()
first = os.readlink(alias)

def moved(path):
    return folder + path[len(alias):] if path == alias or path.startswith(alias + "/") else path

def follow():
    global folder
    folder = os.readlink(alias)
    if folder == first:
        return
    shell.events.unregister("pre_execute", follow)
    os.environ.update({name: moved(value) for name, value in os.environ.items()})
    if "PWD" in os.environ:
        os.environ["PWD"] = folder
    tempfile.tempdir = tempfile.tempdir and moved(tempfile.tempdir)
    shell.home_dir, shell.starting_dir = folder, folder
    variables["_dh"][:] = [type(each)(folder) for each in variables["_dh"][:1]]

shell.events.register("pre_execute", follow)
"""
"""Has the kernel, before it runs a chat's first code, forget the path it was started under. What the folder is called
by then stands in its alias; IPython itself keeps to that. A request to tell it would take as long as the code."""
_FOLLOWING = f"__import__('builtins').exec({_FOLLOWS!r}, {{'variables': globals()}})"
"""The same without a name left behind. The first code a kernel runs is slow, so it is also well that there is some."""


class Starter(Protocol):
    """What starts and ends kernels, and knows how many there may be."""

    policy: SandboxPolicy
    room: Room

    async def launch(self, folder: Path, *, is_spare: bool = False) -> Kernel: ...

    async def bury(self, kernel: Kernel) -> None: ...

    async def surely(self, ending: Coroutine[None, None, None]) -> None: ...


@dataclass
class _Waiting:
    folder: SpareFolder
    start: asyncio.Task[Kernel]
    surroundings: Mapping[str, str]
    """The environment it was started in."""
    expiry: asyncio.TimerHandle | None = None

    def is_for(self, folder: Path) -> bool:
        return self.folder.place == _place(folder) and self.surroundings == kept(os.environ)

    @property
    def has_ended(self) -> bool:
        return self.start.done() and (self.start.exception() is not None or not self.start.result().is_alive)


class Spare:
    """The kernel that waits, if there is one."""

    def __init__(self, kernels: Starter) -> None:
        self._kernels = kernels
        self._waiting: _Waiting | None = None
        self._preparing: asyncio.Task[None] | None = None
        self._expiring: asyncio.Task[bool] | None = None
        self.pauses = Pauses()
        """Where it did not work: a place that cannot hold one, such as NFS, is asked again, but seldom."""
        self._swept: set[Path] = set()
        self._is_closed = False

    # --- getting one ready -------------------------------------------------------------------------------------------

    def prepare(self, folder: Path) -> None:
        """Begins to have one for a chat whose folder will be `folder`, where that makes sense. Returns at once."""
        is_at_it = self._preparing is not None and not self._preparing.done()
        if self._kernels.policy.spare_s > 0 and not is_at_it and not self._is_closed:
            self._preparing = asyncio.create_task(self._prepare(folder))

    async def settled(self) -> None:
        """Waits until the one that was begun is there, or has failed."""
        await self._begun()
        if self._waiting is not None:
            await asyncio.wait([self._waiting.start])

    async def _begun(self) -> None:
        """Waits until it is clear whether one is to be started, and its start has begun. Not for long."""
        if self._preparing is not None:
            await asyncio.wait([self._preparing])

    async def _prepare(self, folder: Path) -> None:
        place = _place(folder)
        if not self.pauses.is_over(place) or (self._waiting is not None and self._is_good(self._waiting, folder)):
            return
        if not await asyncio.to_thread(_is_wanted, folder):
            return
        await self.end()
        if place not in self._swept:
            self._swept.add(place)
            await asyncio.to_thread(sweep_spares, place)
        if not self._is_closed and self._kernels.room.take():
            await self._begin(place)

    def _is_good(self, waiting: _Waiting, folder: Path) -> bool:
        """Whether there is one for the folder already. Its time begins anew."""
        if not waiting.is_for(folder) or waiting.has_ended:
            return False
        self._let_wait(waiting)
        return True

    async def _begin(self, place: Path) -> None:
        try:
            folder = await asyncio.to_thread(SpareFolder, place)
        except OSError:
            self.pauses.failed(place)
            self._kernels.room.give()
            return
        start = asyncio.create_task(self._start(folder))
        start.add_done_callback(noticed)
        self._waiting = _Waiting(folder, start, kept(os.environ))
        self._let_wait(self._waiting)

    async def _start(self, folder: SpareFolder) -> Kernel:
        try:
            kernel = await self._kernels.launch(folder.files, is_spare=True)
        except BaseException:
            self._kernels.room.give()
            await self._refuse(folder)
            raise
        try:
            await _make_follow(kernel)
        except BaseException:
            await self._kernels.bury(kernel)
            await self._refuse(folder)
            raise
        return kernel

    async def _refuse(self, folder: SpareFolder) -> None:
        """It did not work there."""
        self.pauses.failed(folder.place)
        if self._waiting is not None and self._waiting.folder is folder:
            self._forget()
        await asyncio.to_thread(folder.remove)

    def _let_wait(self, waiting: _Waiting) -> None:
        if waiting.expiry is not None:
            waiting.expiry.cancel()
        loop = asyncio.get_running_loop()
        waiting.expiry = loop.call_later(self._kernels.policy.spare_s, self._expire)

    def _expire(self) -> None:
        self._expiring = asyncio.create_task(self.end())

    # --- giving it away ----------------------------------------------------------------------------------------------

    async def taken(self, folder: Path) -> Kernel | None:
        """The kernel, with `folder` as its own from here on; `None` where there is none for it. Is not to be cancelled.

        One that is still starting is waited for: a new one would take longer.
        """
        if await asyncio.to_thread(os.path.lexists, folder):
            return None
        await self._begun()
        waiting = self._waiting
        if waiting is None or not waiting.is_for(folder):
            return None
        self._forget()
        await asyncio.wait([waiting.start])
        if waiting.start.exception() is not None:
            return None
        kernel = waiting.start.result()
        try:
            await asyncio.to_thread(_move, kernel, waiting.folder, folder)
        except Exception as error:  # whatever it is, the chat starts cold and this one is not left behind
            if not isinstance(error, FileExistsError):  # else a file was uploaded meanwhile
                self.pauses.failed(waiting.folder.place)
            await self._dismiss(waiting)
            return None
        self.pauses.worked(waiting.folder.place)
        return kernel

    # --- ending it ---------------------------------------------------------------------------------------------------

    async def end(self) -> bool:
        """Ends it and removes its folder. Whether there was one."""
        waiting = self._forget()
        if waiting is not None:
            await self._kernels.surely(self._dismiss(waiting))
        return waiting is not None

    async def close(self) -> None:
        """Ends it for good."""
        self._is_closed = True
        await self._begun()
        await self.end()

    def _forget(self) -> _Waiting | None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and waiting.expiry is not None:
            waiting.expiry.cancel()
        return waiting

    async def _dismiss(self, waiting: _Waiting) -> None:
        await asyncio.wait([waiting.start])
        if waiting.start.exception() is None:  # else nothing is left of it
            await self._kernels.bury(waiting.start.result())
            await asyncio.to_thread(waiting.folder.remove)


def _place(folder: Path) -> Path:
    """Where the chats beside this one have theirs."""
    return folder.parent.parent


def _is_wanted(folder: Path) -> bool:
    return not os.path.lexists(folder) and _place(folder).is_dir() and has_memory_to_spare()


async def _make_follow(kernel: Kernel) -> None:
    told = await kernel.connection.told(_FOLLOWING, expressions={"names": NAMES}, within_s=_PATIENCE_S)
    if told.get("status") != "ok":
        raise RuntimeError(f"The kernel cannot be made ready: {told.get('evalue', 'it does not answer')}.")


def _move(kernel: Kernel, spare: SpareFolder, folder: Path) -> None:
    """Makes the spare folder the chat's."""
    if not kernel.is_alive:
        raise ChildProcessError("The kernel that waited has died.")
    spare.move_to(folder)
    kernel.folder = folder
    kernel.provisioner.follow(folder)
