"""Notebooks' kernels find their server: its address and a scoped token are in their environment.

The two calls of the server's kernel manager by which a kernel comes and goes are watched. The sandbox's kernels are
started elsewhere, from an environment of their own, and get nothing of this.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_core.utils import ensure_async
from jupyter_server.base.call_context import CallContext
from jupyter_server.utils import url_path_join
from tornado.web import HTTPError

from ..core.ids import OWNER, Subject
from .doors import AUTH_RESOURCE, PREFIX

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from ..core.grants import KernelGrant
    from .extension import ChatSessions

URL = "JUPYTER_CHAT_URL"
"""Where the doors begin, `http://127.0.0.1:8888/base/chat-sessions`."""

TOKEN = "JUPYTER_CHAT_TOKEN"
"""What opens them to the notebook's kernel, as `Authorization: Bearer …`."""

_EVERYWHERE = ("", "*", "0.0.0.0", "::")


class KernelTokens:
    """The tokens of the kernels that one server runs for notebooks."""

    def __init__(self, app: ChatSessions) -> None:
        self._app = app
        self._token_of: dict[str, str] = {}

    def watch(self) -> None:
        """From now on the kernels that the server starts for notebooks get a token each."""
        manager: Any = self._app.server.kernel_manager
        start, remove = manager.start_kernel, manager.remove_kernel

        async def start_kernel(*arguments: Any, **asked: Any) -> str:
            token = None if asked.get("kernel_id") in manager else await self._token_for(asked.get("env"))
            if token is None:
                return str(await ensure_async(start(*arguments, **asked)))
            asked["env"] = {**asked["env"], URL: address(self._app.server), TOKEN: token}
            try:
                kernel_id = str(await ensure_async(start(*arguments, **asked)))
            except BaseException:
                self._app.grants.dismiss_kernel(token)
                raise
            self._token_of[kernel_id] = token
            return kernel_id

        def remove_kernel(kernel_id: str, *arguments: Any, **asked: Any) -> Any:
            token = self._token_of.pop(kernel_id, None)
            if token is not None:
                self._app.grants.dismiss_kernel(token)
            return remove(kernel_id, *arguments, **asked)

        manager.start_kernel, manager.remove_kernel = start_kernel, remove_kernel

    async def _token_for(self, env: Mapping[str, str] | None) -> str | None:
        """A token for a kernel that starts with this environment; `None` where it is no notebook's, or nobody's."""
        place = notebook_in(env or {}, self._app.server.root_dir)
        owner = await self._asker() if place else None
        if place is None or owner is None:
            return None
        from ..core.grants import KernelGrant

        return self._app.grants.admit_kernel(KernelGrant(owner, *place))

    async def _asker(self) -> Subject | None:
        """Whose kernel it will be; `None` for one who may not run code in a chat, or whom nobody knows."""
        handler = CallContext.get(CallContext.JUPYTER_HANDLER)
        if handler is None or not handler.current_user:
            return None if self._app.separate_users else OWNER
        may = handler.authorizer.is_authorized(handler, handler.current_user, "execute", AUTH_RESOURCE)
        if not await ensure_async(may):
            return None
        return Subject(f"user:{handler.current_user.username}") if self._app.separate_users else OWNER

    async def follow(self, token: str, grant: KernelGrant) -> KernelGrant:
        """The grant as it is now: a notebook that was renamed or moved in Jupyter keeps its kernel."""
        kernel_id = next((each for each, theirs in self._token_of.items() if theirs == token), None)
        path = None if kernel_id is None else await self._path_of(kernel_id)
        if path is None or path == PurePosixPath(grant.folder, grant.notebook):
            return grant
        if path.suffix != PurePosixPath(grant.notebook).suffix:  # a console's, on the notebook's kernel
            return grant
        moved = type(grant)(grant.owner, _folder(path), path.name)
        self._app.grants.move_kernel(token, moved)
        return moved

    async def _path_of(self, kernel_id: str) -> PurePosixPath | None:
        """The notebook that Jupyter's session of this kernel names."""
        with contextlib.suppress(HTTPError):  # it has no session any more
            session = await ensure_async(self._app.server.session_manager.get_session(kernel_id=kernel_id))
            path = str((session or {}).get("path") or "").removeprefix("RTC:").strip("/")  # of a shared document
            return PurePosixPath(path) if path else None
        return None


def address(server: ServerApp) -> str:
    """Where a process on this computer reaches the doors."""
    url = urlsplit(str(server.connection_url))
    if not server.sock and server.ip in _EVERYWHERE:
        url = url._replace(netloc=f"127.0.0.1:{server.port}")
    return url_path_join(url.geturl(), PREFIX)


def notebook_in(env: Mapping[str, str], root: str) -> tuple[str, str] | None:
    """Folder and name of the notebook that a kernel's environment names, below the server's root."""
    named = env.get("JPY_SESSION_NAME")
    if not named:
        return None
    path = os.path.join(root, named)
    below = os.path.relpath(path, root)
    is_notebook = below.endswith(".ipynb") or os.path.isfile(path)
    if not is_notebook or below.startswith(os.pardir):
        return None
    relative = PurePosixPath(below.replace(os.sep, "/"))
    return _folder(relative), relative.name


def _folder(path: PurePosixPath) -> str:
    return "" if str(path.parent) == "." else str(path.parent)
