"""Who holds a scoped token on this server: visitors of shared threads, and the kernels of notebooks.

Shares are on disk, for all servers of the user. Kernels' grants are in memory: they end with their kernel, or with the
server that started it. Whoever watches with a token is sent home as soon as it no longer holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Protocol

from ..core.errors import ChatError, NotFound, ShareExpired, ShareRevoked, StorageFailed, Unauthorized
from ..core.grants import Grant, KernelGrant, Share, ShareLevel, digest_of, new_share_id, new_token
from ..core.ids import Subject, ThreadId
from ..files.disk import now
from ..files.shares_file import SharesFile, time_of

LOOK_S = 1.0
"""How soon a share that has expired, or that another server took back, ends for those who watch."""


class Guest(Protocol):
    """Whoever is connected with a token."""

    def dismiss(self, why: ChatError) -> None: ...


class Grants:
    """The tokens that open something here, and who is connected with one."""

    def __init__(self, data_dir: Path, clock: Callable[[], str] = now) -> None:
        self._shares = SharesFile(data_dir, clock)
        self._clock = clock
        self._kernels: dict[str, KernelGrant] = {}
        self._guests: dict[Guest, str] = {}
        self._looking: asyncio.Task[None] | None = None

    async def find(self, token: str) -> Grant:
        """What this token opens now. `Unauthorized`, or one of its kinds, where it opens nothing."""
        digest = digest_of(token)
        kernel = self._kernels.get(digest)
        return kernel if kernel is not None else await asyncio.to_thread(self._share, digest)

    def _share(self, digest: str) -> Share:
        share = self._shares.find(digest)
        if share is None:
            raise Unauthorized("This token opens nothing here. Ask for a new one.")
        if share.revoked is not None:
            raise ShareRevoked("This share was taken back by whoever made it.")
        if share.expires <= self._clock():
            raise ShareExpired(f"This share has expired, on {share.expires}. Ask for a new one.")
        return share

    # --- shares -------------------------------------------------------------------------------------------------------

    async def share(
        self, thread_id: ThreadId, folder: str, owner: Subject, level: ShareLevel, lasts_s: int
    ) -> tuple[Share, str]:
        """A new share of a thread, and its token, which is told this once."""
        token, expires = new_token(), datetime.now(timezone.utc) + timedelta(seconds=lasts_s)
        share = Share(new_share_id(), thread_id, owner, level, self._clock(), time_of(expires), folder)
        await asyncio.to_thread(self._shares.add, digest_of(token), share)
        return share, token

    async def shares_of(self, thread_id: ThreadId) -> list[Share]:
        """The thread's shares that still open it, the oldest first."""
        shares = await asyncio.to_thread(self._shares.all)
        present = self._clock()
        holding = [each for each in shares.values() if each.thread_id == thread_id and not each.revoked]
        return sorted((each for each in holding if each.expires > present), key=lambda share: share.created)

    async def revoke(self, share_id: str, thread_id: ThreadId) -> None:
        """Takes back a share; whoever watches with it is sent home before this returns."""
        if await asyncio.to_thread(self._shares.revoke, share_id, thread_id) is None:
            raise NotFound(f"This thread has no share {share_id[:40]!r}.")
        await self._look()

    # --- kernels ------------------------------------------------------------------------------------------------------

    def admit_kernel(self, grant: KernelGrant) -> str:
        """A token for a notebook's kernel."""
        token = new_token()
        self._kernels[digest_of(token)] = grant
        return token

    def move_kernel(self, token: str, grant: KernelGrant) -> None:
        """The kernel's notebook has another name or place now."""
        if digest_of(token) in self._kernels:
            self._kernels[digest_of(token)] = grant

    def dismiss_kernel(self, token: str) -> None:
        """The kernel has ended, and its token with it."""
        self._kernels.pop(digest_of(token), None)
        for guest in [guest for guest, theirs in self._guests.items() if theirs == token]:
            self.farewell(guest)
            guest.dismiss(Unauthorized("The kernel this token was for has ended."))

    # --- who is connected ---------------------------------------------------------------------------------------------

    async def welcome(self, guest: Guest, token: str) -> None:
        """Sends this guest home when the token ends, until `farewell`. `Unauthorized` where it has ended already."""
        self._guests[guest] = token
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._keep_looking())
        try:
            await self.find(token)  # it may have been taken back since they knocked
        except ChatError:
            self.farewell(guest)
            raise

    def farewell(self, guest: Guest) -> None:
        self._guests.pop(guest, None)

    async def _keep_looking(self) -> None:
        try:
            while self._guests:
                await asyncio.sleep(LOOK_S)
                await self._look()
        finally:
            self._looking = None

    async def _look(self) -> None:
        """Sends home those whose token no longer holds."""
        for guest, token in list(self._guests.items()):
            try:
                await self.find(token)
            except StorageFailed:  # the disk does not tell: what held a second ago holds a second more
                continue
            except ChatError as why:
                self.farewell(guest)
                guest.dismiss(why)

    async def close(self) -> None:
        """Nobody is looked after any more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
