"""A person's consent that a thread's tools read the notebook's folder: for that folder, on that computer, only.

The transcript keeps it by the folder's mark, so that a transcript that came with a copied or cloned folder gives none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from ..core.errors import Conflict, NotFound
from ..core.events import Consented
from ..core.ids import Subject, ThreadId
from ..core.roles import Level
from ..engine.session import Session
from ..engine.telling import reads_notebook as is_let
from ..sandbox.beside import look_beside
from .copies import refuse_hidden


def mark_of(thread_id: ThreadId, folder: Path | None) -> str | None:
    """What tells the folder, for this thread, from every other: of its real path and its place on the disk. Blocks."""
    if folder is None:
        return None
    with contextlib.suppress(OSError):
        real = os.path.realpath(folder)
        told = f"{thread_id}\0{real}\0{os.stat(real).st_ino}"
        return hashlib.blake2b(told.encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
    return None


def must_be_showable(session: Session, level: Level) -> None:
    """Refuses, with the reason, where the folder could not be shown without what must stay hidden. Blocks."""
    if level == "unconfined":
        raise Conflict(
            "Nothing confines tools here, so the notebook's folder cannot be shown to them without its chats; "
            "import single files. What would have to be installed: jupyter chat-sessions doctor"
        )
    refuse_hidden(session.home)
    if session.home.beside is not None:
        look_beside(session.home.beside)


def reads_notebook(session: Session) -> bool:
    """Whether a person lets the thread's tools read the notebook's folder, this one."""
    return is_let(session.conversation, session.home)


async def let_read(session: Session, by: Subject, *, is_given: bool) -> None:
    """Keeps a person's consent, or its end. `NotFound` where there is no folder to read."""
    if session.home.mark is None:
        raise NotFound("This chat has no notebook's folder that its tools could read.")
    await session.change(Consented(session.home.mark if is_given else None, by))
