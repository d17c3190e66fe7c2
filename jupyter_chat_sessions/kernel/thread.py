"""A chat thread as Python has it: send, wait, stop, read. The same thread that the sidebar and the panel show."""

from __future__ import annotations

import contextlib
import itertools
import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from ..core.errors import ChatError
from ..core.ids import ThreadId, parse_thread_id
from .answer import Answer
from .coming_back import FOR_GOOD, attempt_after, pause_before
from .hearing import Hearing
from .service import ChatService, Frame, Outgoing, Place, Record, Unreachable, Watch

log = logging.getLogger(__name__)

_CHANGING = frozenset({"message", "start", "run", "head", "withdrawn", "answer"})

Heard = Callable[[Record], object]


class Thread:
    """One thread of this notebook's chats.

    `Thread()` is the notebook's current thread, the one the sidebar, the panel and `%chat` show; `Thread("…")` the one
    with that id; `Thread(notebook="…")` the current one of another notebook, by its path from the server's root.

    >>> thread = Thread()
    >>> thread.send("2 + 2").wait().text
    '4'
    """

    def __init__(
        self, thread_id: str | None = None, *, notebook: str | None = None, chats: ChatService | None = None
    ) -> None:
        if chats is None:
            from .chats_of_kernel import chats_here

            here = chats_here()
            chats, place = here.service, Place(notebook) if notebook else here.place
        else:
            place = Place(notebook)
        self._chats = chats
        self.id: ThreadId = parse_thread_id(chats.current(place)["thread_id"] if thread_id is None else thread_id)
        self._hearing = Hearing(self.id, lambda artifact: chats.file(self.id, artifact), self._tell)
        self._callbacks: dict[int, Heard] = {}
        self._numbers = itertools.count()
        self._watch: Watch | None = None
        self._watcher: threading.Thread | None = None
        self._is_deciding = False
        self._turn = threading.RLock()

    def __repr__(self) -> str:
        return f"Thread({self.id!r})"

    @property
    def chats(self) -> ChatService:
        """Where it is kept."""
        return self._chats

    # --- reading ------------------------------------------------------------------------------------------------------

    @property
    def title(self) -> str:
        """Its title, now."""
        return str(self._chats.thread(self.id)["title"])

    @property
    def messages(self) -> list[Record]:
        """Its messages, oldest first: `{"id", "role", "content", …}` with role `user`, `assistant` or `tool`."""
        try:
            return self._chats.messages(self.id)
        except ChatError as absent:
            if absent.code == "thread_not_found":  # nothing has been sent yet
                return []
            raise

    @property
    def running(self) -> bool:
        """Whether an answer is being made, now, for whoever asked."""
        try:
            record = self._chats.thread(self.id)
        except ChatError as absent:
            if absent.code == "thread_not_found":
                return False
            raise
        return record["run"] is not None or record["queue_depth"] > 0

    @property
    def agent(self) -> str:
        """Who answers here where a message names nobody, in words."""
        self._follow()
        return str(self._hearing.about["agent"]["label"])

    # --- doing --------------------------------------------------------------------------------------------------------

    def send(self, content: str | list[Record], *, mode: str = "queue", **options: Any) -> Answer:
        """Sends a message; it is on disk when this returns. The answer grows while it is made: `.wait()` for it.

        `mode`: `queue` waits behind a running answer, `reject` refuses then, `interrupt` stops it. `model="…"` names
        who answers; `instructions="…"` are given to them for this message; `tool_names=["run_python"]` are the tools
        they may use, `[]` none; `asks_first=True` has a person asked before each call of these.
        """
        self._follow()
        message = Outgoing(str(uuid.uuid4()), content, {"mode": mode, **options})
        receipt = self._chats.send(self.id, message)
        answer = self._hearing.answer(receipt["run_id"], receipt["seq"])
        answer.stops_by(lambda run_id: self._chats.cancel(self.id, run_id))
        self._follow()  # the watcher may have seen nothing to wait for in between
        return answer

    def cancel(self) -> list[str]:
        """Stops what is running and waiting in this thread, whoever asked; the ids of the runs that end by it."""
        return self._chats.cancel(self.id)

    def answer(self, run_id: str, answers: list[Record]) -> None:
        """Decides what a waiting answer asks: `[{"interruptId", "status": "resolved", "payload": {"approve": …}}]`."""
        self._chats.answer(self.id, run_id, answers)

    def put_file(self, name: str, data: bytes) -> None:
        """Puts a file into the thread's folder, where its tools find it; one of that name is replaced."""
        self._chats.put_file(self.id, name, data)

    def wait(self, timeout: float | None = None) -> Answer | None:
        """Returns when nothing is being answered any more, with the newest answer; `None` where there is none."""
        self._follow()
        last = self._hearing.last
        return last.wait(timeout) if last is not None else None

    def on_message(self, callback: Heard) -> Callable[[], None]:
        """Calls back with each message that comes from now on, in a thread of the chat's own; call the result to end.

        The messages are those of `messages`, once they are on disk: questions, answers and what tools returned.
        """
        return self._keep(lambda line: callback(dict(line["message"])) if line["type"] == "message" else None)

    def on_change(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Calls back whenever `messages` or `running` may be others than before; call the result to end."""
        return self._keep(lambda line: callback() if line["type"] in _CHANGING else None)

    # --- listening ----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def deciding(self) -> Iterator[None]:
        """While this holds, what needs a person's word asks, because somebody is here to give it."""
        self._is_deciding = True
        self._stop_following()
        try:
            self._follow()
            yield
        finally:
            self._is_deciding = False
            self._stop_following()

    def _follow(self) -> None:
        """Listens, in a thread of its own, as long as there is something to hear."""
        with self._turn:
            if self._watcher is not None:
                return
            self._watch = self._open()
            frames = iter(self._watch)
            self._hearing.hear(_first_of(frames))
            self._watcher = threading.Thread(target=self._listen, args=(self._watch, frames), daemon=True)
            self._watcher.start()

    def _open(self) -> Watch:
        listen = self._chats.watch if self._is_deciding else self._chats.listen
        return listen(self.id, self._hearing.seq)

    def _listen(self, watch: Watch, frames: Iterator[Frame]) -> None:
        """Hears frames until nobody needs more; a connection that breaks is made again, however often it takes."""
        attempt = 0
        while True:
            began = time.monotonic()
            with watch:
                for frame in frames:
                    self._hearing.hear(frame)
                    if self._is_over(watch):
                        return
            if self._is_over(watch):
                return
            attempt = attempt_after(attempt, time.monotonic() - began)
            time.sleep(pause_before(attempt, random.random()))
            watch, frames = self._reopened(watch)

    def _reopened(self, broken: Watch) -> tuple[Watch, Iterator[Frame]]:
        """A watch in the place of one that broke; the broken one where there is none, or none is wanted any more."""
        try:
            watch = self._open()
        except ChatError as refusal:
            if refusal.code in FOR_GOOD:
                self._hearing.hear({"kind": "nack", "id": None, "code": refusal.code, "message": refusal.message})
            return broken, iter(())
        with self._turn:
            if self._watch is broken:
                self._watch = watch
                return watch, iter(watch)
        watch.close()
        return broken, iter(())

    def _is_over(self, watch: Watch) -> bool:
        """Whether this watcher may go: it was replaced, or there is nothing left to hear."""
        with self._turn:
            if self._watch is not watch:
                return True
            is_wanted = bool(self._callbacks) or self._is_deciding  # who decides is there before there is a question
            if self._hearing.is_waited_for or (is_wanted and not self._hearing.is_closed):
                return False
            self._watch = self._watcher = None
            return True

    def _stop_following(self) -> None:
        with self._turn:
            watch, self._watch, self._watcher = self._watch, None, None
        if watch is not None:
            watch.close()

    def _keep(self, callback: Heard) -> Callable[[], None]:
        with self._turn:
            number = next(self._numbers)
            self._callbacks[number] = callback
        self._follow()
        return lambda: self._forget(number)

    def _forget(self, number: int) -> None:
        with self._turn:
            self._callbacks.pop(number, None)
            is_over = not self._callbacks and not self._hearing.is_waited_for
        if is_over:
            self._stop_following()

    def _tell(self, line: Record) -> None:
        for callback in list(self._callbacks.values()):
            try:
                callback(line)
            except Exception:  # whoever listens must not end the listening
                log.exception("Whoever listens to thread %s failed.", self.id)


def _first_of(frames: Iterator[Frame]) -> Frame:
    for frame in frames:
        return frame
    raise Unreachable("The Jupyter server ended the connection before it said anything.")
