"""The chat that Jupyter does not have: threads that cannot be lost, whose tools run in a folder of their own.

Doors only: what they lead to is imported when it is asked for, so that a kernel does not pay for the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .kernel.panel import ChatPanel

__version__ = "0.1.0"

__all__ = ["ChatPanel", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "ChatPanel":
        from .kernel.panel import ChatPanel

        return ChatPanel
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "jupyter_chat_sessions"}]


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from .server.extension import ChatSessions

    return [{"module": "jupyter_chat_sessions.server.extension", "app": ChatSessions}]
