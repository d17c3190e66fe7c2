"""The chats this kernel uses: found at the first use, and again when their server no longer answers."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core.errors import ChatError, Forbidden
from . import finding
from .service import ChatService, Place
from .thread import Thread


@dataclass(frozen=True, slots=True)
class Chats:
    """Where chats are kept, and which notebook this kernel runs there."""

    service: ChatService
    place: Place


_found: Chats | None = None


def chats_here(names: Mapping[str, Any] | None = None) -> Chats:
    """A server's, or where there is none, those of this very process. `names`: the kernel's own."""
    global _found
    if _found is None or not _answers(_found):
        _found = _find(finding.surroundings(_names() if names is None else names))
    return _found


def deciding_thread(thread_id: str) -> Thread:
    """The thread by a token of the server's own, where the kernel's may not decide. `Forbidden` where there is none."""
    here = finding.surroundings(_names())
    own = {name: value for name, value in here.environment.items() if not name.startswith("JUPYTER_CHAT_")}
    server = finding.find(dataclasses.replace(here, environment=own))
    if server is None:
        raise Forbidden("This kernel's token may not decide what an answer asks. Decide in the chat.")
    return Thread(thread_id, chats=server[0])


def _find(here: finding.Surroundings) -> Chats:
    server = finding.find(here)
    if server is not None:
        return Chats(*server)
    from ..local.service import local_chats

    beside = here.notebook.parent if here.notebook is not None and here.notebook.parent.is_dir() else here.directory
    notebook = here.notebook.name if here.notebook is not None else None
    return Chats(local_chats(beside), Place(notebook, ""))


def _answers(chats: Chats) -> bool:
    with contextlib.suppress(ChatError):
        chats.service.check()
        return True
    return False


def _names() -> Mapping[str, Any]:
    """The names of the kernel this runs in; none outside IPython."""
    with contextlib.suppress(ImportError):
        from IPython import get_ipython

        shell = get_ipython()
        if shell is not None:
            names: Mapping[str, Any] = shell.user_ns
            return names
    return {}
