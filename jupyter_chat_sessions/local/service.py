"""The chats of this process as the notebook's doors ask for them: what `server` says over HTTP, said directly."""

from __future__ import annotations

import functools
import queue
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

from ..chats.accepting import message_sent
from ..chats.chats import Chats
from ..chats.export import exported
from ..chats.listing import Wanted
from ..chats.pages import thread_record
from ..chats.places import Place as At
from ..chats.settings import Settings
from ..chats.tool_list import tool_records
from ..core.errors import ChatError, Malformed
from ..core.frames import Frame as WireFrame
from ..core.frames import line_record, nack
from ..core.ids import OWNER, ThreadId, new_run_id, new_thread_id, parse_run_id
from ..core.transcript import MessageLine, Options
from ..engine.session import Session
from ..files.folder_files import write_new
from ..files.safe_open import opened_file
from ..kernel.service import Frame, Outgoing, Place, Record
from .loop import Loop

EVERYTHING = 10**9


@functools.cache
def local_chats(root: Path) -> LocalService:
    """The chats beside the notebooks of a folder, kept by this process until it ends."""
    return LocalService(root)


class LocalService:
    """Implements `kernel.service.ChatService`. Every call may come from any thread."""

    def __init__(self, root: Path) -> None:
        self.where = f"this process, in {root / '.chats'}"
        self._loop = Loop()
        self._chats: Chats = self._loop.run(_made(Settings(root=root.resolve())))
        self._loop.close_at_exit(self._chats.close)

    def close(self) -> None:
        """Runs in flight end as `interrupted`, kernels end. At the end of the process it happens by itself."""
        self._loop.run(self._chats.close())
        self._loop.end()

    # --- threads ------------------------------------------------------------------------------------------------------

    def current(self, place: Place) -> Record:
        return self._loop.run(self._current(place))

    async def _current(self, place: Place) -> Record:
        session, _ = await self._chats.current(self._at(place), OWNER)
        return await thread_record(session)

    def create(self, place: Place, thread_id: ThreadId | None = None, title: str | None = None) -> Record:
        return self._loop.run(self._create(place, thread_id or new_thread_id(), title))

    async def _create(self, place: Place, thread_id: ThreadId, title: str | None) -> Record:
        session, is_new = await self._chats.create(thread_id, self._at(place), OWNER)
        if is_new and title is not None:
            await session.rename(" ".join(title.split()))
        return await thread_record(session)

    def threads(self, place: Place) -> list[Record]:
        return self._loop.run(self._chats.listing(self._at(place), OWNER, Wanted())).threads

    def thread(self, thread_id: ThreadId) -> Record:
        return self._loop.run(self._thread(thread_id))

    async def _thread(self, thread_id: ThreadId) -> Record:
        return await thread_record(await self._session(thread_id))

    def rename(self, thread_id: ThreadId, title: str) -> Record:
        return self._loop.run(self._rename(thread_id, title))

    async def _rename(self, thread_id: ThreadId, title: str) -> Record:
        session = await self._session(thread_id)
        await session.rename(" ".join(title.split()))
        return await thread_record(session)

    def delete(self, thread_id: ThreadId) -> None:
        self._loop.run(self._delete(thread_id))

    async def _delete(self, thread_id: ThreadId) -> None:
        await (await self._session(thread_id)).delete()

    # --- messages -----------------------------------------------------------------------------------------------------

    def send(self, thread_id: ThreadId, message: Outgoing) -> Record:
        return self._loop.run(self._send(thread_id, message))

    async def _send(self, thread_id: ThreadId, message: Outgoing) -> Record:
        names = [spec.name for spec in self._chats.tool_specs()]
        sent = message_sent(message.id, message.content, _options(message.options), names, _along(message.options))
        session = await self._chats.session(thread_id, OWNER, At(""), must_exist=False)
        receipt = await session.send(sent)
        return {
            "thread_id": thread_id,
            "message_id": receipt.message_id,
            "run_id": receipt.run_id,
            "seq": receipt.seq,
            "queued": receipt.is_queued,
        }

    def cancel(self, thread_id: ThreadId, run_id: str | None = None) -> list[str]:
        return self._loop.run(self._cancel(thread_id, run_id))

    async def _cancel(self, thread_id: ThreadId, run_id: str | None) -> list[str]:
        session = await self._session(thread_id)
        return list(await session.cancel(None if run_id is None else parse_run_id(run_id)))

    def answer(self, thread_id: ThreadId, run_id: str, answers: Sequence[Record]) -> Record:
        return self._loop.run(self._answer(thread_id, run_id, answers))

    async def _answer(self, thread_id: ThreadId, run_id: str, answers: Sequence[Record]) -> Record:
        session = await self._session(thread_id)
        receipt = await session.answer(answers, new_run_id(), parse_run_id(run_id), OWNER)
        return {"thread_id": thread_id, "message_id": receipt.message_id, "run_id": receipt.run_id}

    def messages(self, thread_id: ThreadId) -> list[Record]:
        return self._loop.run(self._messages(thread_id))

    async def _messages(self, thread_id: ThreadId) -> list[Record]:
        session = await self._session(thread_id)
        page = await self._chats.disk(session.journal.before, None, EVERYTHING)
        lines = (line for line in page.lines if isinstance(line, MessageLine))
        return [line_record(line, session.home.file_url)["message"] for line in lines]

    def tools(self, thread_id: ThreadId) -> Record:
        return self._loop.run(self._tools(thread_id))

    async def _tools(self, thread_id: ThreadId) -> Record:
        session = await self._chats.session(thread_id, OWNER, At(""), must_exist=False)
        records = tool_records(self._chats.tools, self._chats.policy, session, None)
        return {"level": self._chats.level, "tools": records}

    # --- files --------------------------------------------------------------------------------------------------------

    def export(self, thread_id: ThreadId, wanted: str) -> bytes:
        return self._loop.run(self._export(thread_id, wanted))

    async def _export(self, thread_id: ThreadId, wanted: str) -> bytes:
        session = await self._session(thread_id)
        await session.whole()
        page = await self._chats.disk(session.journal.before, None, EVERYTHING)
        written = await self._chats.disk(exported, wanted, session.conversation, page.lines, session.home.files)
        return written.content

    def put_file(self, thread_id: ThreadId, path: str, data: bytes) -> Record:
        return self._loop.run(self._put_file(thread_id, path, data))

    async def _put_file(self, thread_id: ThreadId, path: str, data: bytes) -> Record:
        session = await self._chats.session(thread_id, OWNER, At(""), must_exist=False)
        await session.create()
        await self._chats.disk(functools.partial(write_new, overwrites=True), session.home.files, path, [data])
        return {"path": path, "size": len(data), "url": session.home.file_url(path)}

    def file(self, thread_id: ThreadId, artifact: Record) -> bytes:
        folder = self._loop.run(self._session(thread_id)).home.files
        with opened_file(folder, artifact["path"]) as opened:
            return opened.read(0, opened.size)

    # --- what happens --------------------------------------------------------------------------------

    def check(self) -> None:
        """It is this process."""

    def watch(self, thread_id: ThreadId, after: int = 0) -> LocalWatch:
        return self._loop.run(self._watch(thread_id, after, "watch"))

    def listen(self, thread_id: ThreadId, after: int = 0) -> LocalWatch:
        return self._loop.run(self._watch(thread_id, after, "listen"))

    async def _watch(self, thread_id: ThreadId, after: int, how: str) -> LocalWatch:
        session = await self._chats.session(thread_id, OWNER, At(""), must_exist=False)
        watch = LocalWatch(self._loop, session)
        watch.tell(getattr(session, how)(watch, after))
        return watch

    async def _session(self, thread_id: ThreadId) -> Session:
        return await self._chats.session(thread_id, OWNER, At(""))

    def _at(self, place: Place) -> At:
        return self._chats.places.named(place.notebook, place.folder)


def _options(given: Record) -> Options:
    """What a sender asks for beside the words, as at `POST …/messages`. `Malformed` where there is no such option."""
    unknown = given.keys() - _OPTIONS
    if unknown:
        raise Malformed(f"A message has no option {min(unknown)!r}; there are {', '.join(sorted(_OPTIONS))}.")
    names = given.get("tool_names")
    if names is not None and (isinstance(names, str) or not all(isinstance(name, str) for name in names)):
        raise Malformed("tool_names: a list of names, empty for none.")
    asks_first = given.get("asks_first", False)
    if not isinstance(asks_first, bool):
        raise Malformed("asks_first: true or false.")
    return Options(
        mode=None if given.get("mode") in (None, "queue") else given["mode"],
        model=given.get("model"),
        permissions=given.get("permissions"),
        instructions=given.get("instructions") or None,
        tool_names=None if names is None else tuple(names),
        asks_first=asks_first,
    )


_OPTIONS = frozenset({"mode", "model", "permissions", "instructions", "tool_names", "asks_first", "context"})


def _along(given: Record) -> tuple[Record, ...]:
    """What goes along; a variable that is only named stays so, as no server is there to look at it."""
    items = given.get("context") or ()
    bare = {"problem": "There is no Jupyter server here to look at it with; send it with its value."}
    return tuple(
        {**each, **bare} if each.get("type") == "variable" and each.get("value") is None else each for each in items
    )


class LocalWatch:
    """A viewer whose frames are read in another thread."""

    def __init__(self, loop: Loop, session: Session) -> None:
        self._loop = loop
        self._session = session
        self._frames: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()

    def tell(self, frame: WireFrame) -> None:
        self._frames.put(frame.body)

    def dismiss(self, why: ChatError) -> None:
        self._frames.put(nack(None, why.code, why.message).body)
        self._frames.put(None)

    def __iter__(self) -> Iterator[Frame]:
        while (frame := self._frames.get()) is not None:
            yield frame

    def close(self) -> None:
        self._loop.call(lambda: self._session.unwatch(self))
        self._frames.put(None)

    def __enter__(self) -> LocalWatch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


async def _made(settings: Settings) -> Chats:
    """Chats begin in the loop they live in."""
    return Chats(settings)
