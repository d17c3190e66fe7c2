"""The chat as a widget in a notebook's output.

The rule kept here: nothing of the conversation goes through the kernel. The panel in the browser speaks with the
server itself, so it goes on while a cell runs and after the kernel has gone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from ipywidgets import DOMWidget  # type: ignore[import-untyped]
from traitlets import All, Bool, List, TraitError, Unicode, default, validate

from ..core.errors import InvalidThreadId
from ..core.ids import parse_thread_id

if TYPE_CHECKING:
    from .answer import Answer
    from .service import Record
    from .thread import Thread

MODULE = "jupyter_chat_sessions"
MODULE_VERSION = "0.1.0"
"""The front end's module and its version, as labextension/package.json has them."""

MIME = "application/vnd.jupyter-chat-sessions+json"
"""What a saved notebook keeps: the thread's id and, once the browser has added them, its last turns."""


class ChatPanel(DOMWidget):  # type: ignore[misc]  # ipywidgets has no types
    """A live chat panel: `ChatPanel()` shows the notebook's current thread, `ChatPanel(thread=…)` that one.

    `thread` is a `Thread` or an id, `notebook` the path of another notebook whose current thread is wanted, `height` a
    CSS length. `thread_id` is filled in by the browser once it knows the thread; set it to show another.

    `messages` and `running` follow the thread, whoever writes in it, and may be observed; who does is called in a
    thread of the chat's own, so also while a cell runs.
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

    messages: List[Any] = List(
        help="The thread's messages, oldest first: each with `id`, `role`, `content`.", read_only=True
    )
    running = Bool(help="Whether an answer is being made in the thread.", read_only=True)

    def __init__(
        self, thread: Thread | str | None = None, *, notebook: str | None = None, height: str | None = None, **more: Any
    ) -> None:
        self._thread: Thread | None = None
        self._stop: Callable[[], None] | None = None
        if thread is None and notebook is not None:
            from .thread import Thread

            thread = Thread(notebook=notebook)
        if thread is not None:
            more["thread_id"] = thread if isinstance(thread, str) else thread.id
        if height is not None:
            more["height"] = height
        super().__init__(**more)
        if thread is not None and not isinstance(thread, str):
            self._thread = thread
        super().observe(self._show_another, "thread_id")

    # --- the thread, from Python --------------------------------------------------------------------------------------

    @property
    def thread(self) -> Thread:
        """The thread that is shown; the notebook's current one where none is known yet."""
        from .thread import Thread

        if self._thread is None or self._thread.id != (self.thread_id or self._thread.id):
            self._thread = Thread(self.thread_id)
        if self.thread_id is None:
            self.thread_id = self._thread.id
        return self._thread

    def send(self, content: str, **options: Any) -> Answer:
        """Sends a message, as `Thread.send` does."""
        return self.thread.send(content, **options)

    def cancel(self) -> list[str]:
        """Stops what is running and waiting in the thread."""
        return self.thread.cancel()

    def on_message(self, callback: Callable[[Record], object]) -> Callable[[], None]:
        """Calls back with each message from now on, as `Thread.on_message` does; call the result to end."""
        return self.thread.on_message(callback)

    def observe(self, handler: Any, names: Any = All, type: Any = "change") -> None:
        """As of any widget. Who observes `messages` or `running` makes the panel follow its thread."""
        super().observe(handler, names, type)
        wanted = {names} if isinstance(names, str) else set() if names is All else set(names)
        if wanted & {"messages", "running"}:
            self._follow()
            self._take()

    @default("messages")
    def _messages_now(self) -> list[Record]:
        self._follow()
        return self.thread.messages

    @default("running")
    def _running_now(self) -> bool:
        self._follow()
        return self.thread.running

    def _follow(self) -> None:
        if self._stop is None:
            self._stop = self.thread.on_change(self._take)

    def _take(self) -> None:
        """What the thread has now."""
        self.set_trait("messages", self.thread.messages)
        self.set_trait("running", self.thread.running)

    def _show_another(self, change: Mapping[str, Any]) -> None:
        """The browser, or who set `thread_id`, shows another thread."""
        if self._stop is not None and self._thread is not None and change["new"] != self._thread.id:
            self._stop()
            self._stop = None
            self._follow()
            self._take()

    def close(self) -> None:
        """As of any widget; the thread goes on."""
        if self._stop is not None:
            self._stop()
        super().close()

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
