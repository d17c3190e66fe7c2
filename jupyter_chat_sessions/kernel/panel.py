"""The chat as a widget in a notebook's output.

The rule kept here: nothing of the conversation goes through the kernel. The panel in the browser speaks with the
server itself, so it goes on while a cell runs and after the kernel has gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from ipywidgets import DOMWidget  # type: ignore[import-untyped]
from traitlets import TraitError, Unicode, validate

from ..core.errors import InvalidThreadId
from ..core.ids import parse_thread_id

MODULE = "jupyter_chat_sessions"
MODULE_VERSION = "0.1.0"
"""The front end's module and its version, as labextension/package.json has them."""

MIME = "application/vnd.jupyter-chat-sessions+json"
"""What a saved notebook keeps: the thread's id and, once the browser has added them, its last turns."""


class ChatPanel(DOMWidget):  # type: ignore[misc]  # ipywidgets has no types
    """A live chat panel: `ChatPanel()` shows the notebook's current thread, `ChatPanel(thread_id=…)` that one.

    `thread_id` is filled in by the browser once it knows the thread; set it to show another. `height` is a CSS length.
    """

    _model_name = Unicode("ChatPanelModel").tag(sync=True)
    _model_module = Unicode(MODULE).tag(sync=True)
    _model_module_version = Unicode(MODULE_VERSION).tag(sync=True)
    _view_name = Unicode("ChatPanelView").tag(sync=True)
    _view_module = Unicode(MODULE).tag(sync=True)
    _view_module_version = Unicode(MODULE_VERSION).tag(sync=True)

    thread_id = Unicode(None, allow_none=True, help="The thread that is shown; None: the notebook's current one.").tag(
        sync=True
    )
    height = Unicode("28em", help="The panel's height, as a CSS length.").tag(sync=True)

    @validate("thread_id")
    def _check_thread_id(self, proposal: Mapping[str, Any]) -> str | None:
        given = proposal["value"]
        if given is None:
            return None
        try:
            return parse_thread_id(given)
        except InvalidThreadId as error:
            raise TraitError(error.message) from error

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        """The widget's bundle, with our own type for reading it without a kernel and HTML for reading it anywhere."""
        bundle: dict[str, Any] | None = super()._repr_mimebundle_(**kwargs)
        if bundle is None:
            return None
        saved = {
            "schema_version": 1,
            "thread_id": self.thread_id,
            "model_id": self.model_id,
            "height": self.height,
        }
        return {**bundle, MIME: saved, "text/html": _html(self.thread_id)}


def _html(thread_id: str | None) -> str:
    """What is read where nothing of ours is, until the browser puts the conversation in its place."""
    which = f"thread {escape(thread_id)}" if thread_id else "this notebook's thread"
    return f'<p class="jupyter-chat-sessions">A chat: {which}. JupyterLab with jupyter_chat_sessions shows it live.</p>'
