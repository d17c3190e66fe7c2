"""The chat that Jupyter does not have: threads that cannot be lost, whose tools run in a folder of their own.

Doors only: what they lead to is imported when it is asked for, so that a kernel does not pay for the server.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .kernel.answer import Answer
    from .kernel.panel import ChatPanel
    from .kernel.thread import Thread

__version__ = "0.1.0"

__all__ = ["Answer", "ChatPanel", "Thread", "__version__"]


_LEADS_TO = {"Answer": "answer", "ChatPanel": "panel", "Thread": "thread"}


def __getattr__(name: str) -> Any:
    if name in _LEADS_TO:
        return getattr(import_module(f".kernel.{_LEADS_TO[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext jupyter_chat_sessions`: `%chat`, `%%chat` and `%jchat`."""
    from .kernel.magic import load

    load(shell)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext jupyter_chat_sessions`."""
    from .kernel.magic import unload

    unload(shell)


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter_chat_sessions"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .server.extension import ChatSessions

    return [{"module": "jupyter_chat_sessions.server.extension", "app": ChatSessions}]
