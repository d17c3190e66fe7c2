"""Pages that may have notebooks open, and what the server asks them (docs/wire.md, "The notebook").

A page says in its socket's address that it can be asked. Each question has an id that only the asked page is told.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from typing import Any, Protocol

from ...core.errors import Busy, ChatError, Conflict, Malformed, NotFound
from ...core.frames import Frame, news_frame
from ...core.ids import Subject

FIND_S = 2.0
ANSWER_S = 15.0

_REFUSALS: dict[str, type[ChatError]] = {"conflict": Conflict, "not_found": NotFound, "malformed": Malformed}


class Page(Protocol):
    """A socket of a page that can be asked."""

    def tell(self, frame: Frame) -> None: ...


class OpenPages:
    """The pages that are connected now, the latest last."""

    def __init__(self) -> None:
        self._pages: dict[Page, Subject] = {}
        self._questions: dict[str, tuple[Page, asyncio.Future[Any]]] = {}

    def join(self, page: Page, subject: Subject) -> None:
        self._pages[page] = subject

    def leave(self, page: Page) -> None:
        """It has gone; what it was asked is not answered any more."""
        self._pages.pop(page, None)
        for asked, answer in list(self._questions.values()):
            if asked is page and not answer.done():
                answer.set_exception(Busy("The page that had the notebook open has gone; try again."))

    def hear(self, page: Page, question_id: str, value: Any, error: Mapping[str, str] | None) -> None:
        """A page's answer. One that nothing waits for any more is dropped."""
        asked, answer = self._questions.get(question_id, (None, None))
        if asked is not page or answer is None or answer.done():
            return
        if error is None:
            answer.set_result(value)
        else:
            kind = _REFUSALS.get(error.get("code", ""), ChatError)
            answer.set_exception(kind(error.get("message", "The page could not do it.")))

    async def find(self, path: str, subject: Subject | None) -> Page | None:
        """A page that has the notebook open, the latest where there are several; `None`: no such page."""
        pages = [page for page, whose in self._pages.items() if subject in (None, whose)]
        asking = {page: asyncio.ensure_future(self.ask(page, "find", path, FIND_S)) for page in reversed(pages)}
        try:
            if asking:
                await asyncio.wait(asking.values(), timeout=FIND_S)
            return next((page for page, answer in asking.items() if _is_open(answer)), None)
        finally:
            for answer in asking.values():
                answer.cancel()

    async def ask(self, page: Page, operation: str, path: str, timeout_s: float | None = ANSWER_S, **more: Any) -> Any:
        """What the page answers. `Busy` where it does not in time; a refusal of its own as its `ChatError`."""
        question_id = secrets.token_urlsafe(12)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._questions[question_id] = (page, answer)
        try:
            page.tell(news_frame("notebook", {"id": question_id, "operation": operation, "path": path, **more}))
            return await asyncio.wait_for(answer, timeout_s)
        except asyncio.TimeoutError:
            raise Busy("The page that has the notebook open does not answer.") from None
        except asyncio.CancelledError:
            if operation == "run":
                page.tell(news_frame("notebook", {"id": question_id, "operation": "stop", "path": path}))
            raise
        finally:
            del self._questions[question_id]


def _is_open(answer: asyncio.Future[Any]) -> bool:
    if not answer.done() or answer.cancelled() or answer.exception() is not None:
        return False
    given = answer.result()
    return isinstance(given, Mapping) and given.get("open") is True
