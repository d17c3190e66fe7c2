"""The composition root: threads on disk, sessions, agents, tools and kernels, brought together for one server."""

from __future__ import annotations

import asyncio
import functools
import os
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from jupyter_core.paths import jupyter_data_dir

from ..agents.registry import load_agent
from ..core.errors import NotFound, ThreadDeleted, ThreadNotFound
from ..core.ids import RunId, SessionKey, Subject, ThreadId, new_thread_id
from ..core.roles import Agent, Journal, Level
from ..engine.runner import Runner
from ..engine.house import Home, House
from ..engine.session import Session
from ..engine.sessions import Sessions
from ..files.chats_folder import ChatsFolder
from ..files.known_folders import KnownFolders
from ..files.memory import MemoryJournal
from ..files.session_keys import SessionKeys
from ..files.trash import is_in_trash
from ..sandbox.runner import SandboxRunner
from ..tools.toolbox import ToolBox
from .catalog_notes import CatalogNotes
from .listing import Listing, list_threads

if TYPE_CHECKING:
    from .extension import ChatSessions

DISK_THREADS = 16
CHATS = ".chats"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a caller says a thread lives: a directory relative to the root, and the notebook's file name in it."""

    folder: str | None = None
    notebook: str | None = None


class Chats:
    """Everything behind the doors of one server. Made at the first request, closed with the server."""

    def __init__(self, app: ChatSessions) -> None:
        self.address = app.address
        self.separate_users: bool = app.separate_users
        self.is_persisting: bool = app.persist
        self._app = app
        self._root = _local_root(app)
        self._pool = ThreadPoolExecutor(DISK_THREADS, thread_name_prefix="chat-disk")
        self._known = KnownFolders(Path(jupyter_data_dir()))
        self._folders: dict[Path, ChatsFolder] = {}
        self._keys = SessionKeys(self._root / CHATS)
        self._notes = CatalogNotes(self.disk)
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._agents: dict[str, Agent] = {}
        self._sandbox = SandboxRunner(self._files_of, self.default_files)
        self._house = House(
            disk=self.disk,
            now=_now,
            perform=Runner(self._agent, ToolBox(self._sandbox)),
            about=self._about,
            on_change=self._note_change,
        )
        self.sessions = Sessions(on_activity=self._note_activity)

    async def disk(self, function: Callable[..., T], *arguments: Any) -> T:
        """Runs a blocking call in a worker thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, functools.partial(function, *arguments))

    async def close(self) -> None:
        """Runs in flight end as `interrupted`, kernels end, what lists should show is written."""
        await self.sessions.close()
        await self._sandbox.shutdown()
        await self._notes.flush()
        self._pool.shutdown()
        if self._scratch is not None:
            self._scratch.cleanup()

    # --- threads ------------------------------------------------------------------------------------------------------

    async def session(self, thread_id: ThreadId, subject: Subject, place: Place, *, must_exist: bool = True) -> Session:
        """The thread's session. Where nobody knows the id and it need not exist: a new thread, nothing written yet."""
        session = self.sessions.find(thread_id)
        if session is None:
            chats_folder = await self.disk(self._find, thread_id, place.folder)
            if chats_folder is None and must_exist:
                raise ThreadNotFound(f"There is no thread {thread_id}.")
            session = await self._open(thread_id, chats_folder, place, subject)
        return self._admitted(session, subject, must_exist=must_exist)

    async def create(self, thread_id: ThreadId, place: Place, subject: Subject) -> tuple[Session, bool]:
        """The thread with this id, made with a header if there is none; whether it is new."""
        session = self.sessions.find(thread_id)
        if session is None:
            session = await self._open(thread_id, await self.disk(self._find, thread_id, place.folder), place, subject)
        self._admitted(session, subject, must_exist=False)
        return session, await session.create()

    async def keyed(self, key: SessionKey, place: Place, subject: Subject) -> tuple[Session, bool]:
        """The session key's thread. Callers that come at once, from any server of this root, meet in one."""
        thread_id, _ = await self.disk(self._keys.resolve, subject, key, new_thread_id)
        return await self.create(thread_id, place, subject)

    async def current(self, place: Place, subject: Subject) -> tuple[Session, bool]:
        """The notebook's current thread: its latest one, made if there is none. One key makes callers at once agree."""
        listing = await self.listing(place, subject, limit=1)
        if listing.threads:
            return await self.session(listing.threads[0]["thread_id"], subject, place), False
        key = SessionKey(f"current:{place.folder or ''}/{place.notebook or ''}")
        thread_id, _ = await self.disk(self._keys.resolve, subject, key, new_thread_id)
        try:
            return await self.create(thread_id, place, subject)
        except ThreadDeleted:
            fresh = new_thread_id()
            await self.disk(self._keys.rebind, subject, key, fresh)
            return await self.create(fresh, place, subject)

    async def restore(self, thread_id: ThreadId, subject: Subject, place: Place) -> Session:
        """Takes a deleted thread back from the trash."""
        await self.sessions.drop(thread_id)
        for chats_folder in await self.disk(self._candidates, place.folder):
            if await self.disk(is_in_trash, chats_folder.path, thread_id):
                await self.disk(chats_folder.restore, thread_id)
                break
        return await self.session(thread_id, subject, place)

    async def restart_kernel(self, thread_id: ThreadId) -> None:
        """Ends the thread's kernel; its next call gets a fresh one."""
        await self._sandbox.restart(thread_id)

    async def listing(
        self, place: Place, subject: Subject, *, words: str = "", limit: int = 100, before: str | None = None
    ) -> Listing:
        """The threads of a notebook, of a folder, or of all folders known below the root; the newest first."""
        running = {session.thread_id for session in self.sessions if session.conversation.is_busy}
        owner = subject if self.separate_users else None
        await self._notes.flush()
        candidates = await self.disk(self._candidates, place.folder)
        return await self.disk(
            list_threads,
            candidates if place.folder is None else candidates[:1],
            self._root,
            place.notebook,
            owner,
            running,
            words,
            limit,
            before,
        )

    # --- places -------------------------------------------------------------------------------------------------------

    def place(self, notebook: str | None, folder: str | None) -> Place:
        """What `notebook` and `folder` of a request name. `NotFound` where that is outside the root."""
        if notebook:
            path = self._below_root(notebook)
            return Place("" if str(path.parent) == "." else str(path.parent), path.name)
        if folder is not None:
            path = self._below_root(folder)
            return Place("" if str(path) == "." else str(path))
        return Place()

    def _below_root(self, given: str) -> PurePosixPath:
        path = PurePosixPath(given.strip("/") or ".")
        if ".." in path.parts or CHATS in path.parts or "\0" in given or "\\" in given:
            raise NotFound(f"There is no {given[:200]!r} below the server's root.")
        return path

    def _chats_folder(self, folder: str | None) -> ChatsFolder:
        return self._at(self._root / (folder or "") / CHATS)

    def _at(self, path: Path) -> ChatsFolder:
        return self._folders.setdefault(path, ChatsFolder(path))

    def _candidates(self, folder: str | None) -> list[ChatsFolder]:
        """Where a thread may be: the hinted place, the root, then every `.chats` seen below the root."""
        hinted = self._root / (folder or "") / CHATS
        self._known.remember(hinted)
        places = [hinted, self._root / CHATS, *self._known.all()]
        return [self._at(path) for path in dict.fromkeys(places) if path.is_relative_to(self._root)]

    def _find(self, thread_id: ThreadId, folder: str | None) -> ChatsFolder | None:
        return next((each for each in self._candidates(folder) if each.has(thread_id)), None)

    # --- opening ------------------------------------------------------------------------------------------------------

    async def _open(self, thread_id: ThreadId, found: ChatsFolder | None, place: Place, subject: Subject) -> Session:
        chats_folder = found or self._chats_folder(place.folder)
        if found is None and self.is_persisting:
            beside = chats_folder.path.parent
            if not await self.disk(beside.is_dir):
                raise NotFound(f"There is no folder {place.folder!r} below the server's root.")
        owner = subject if self.separate_users else None
        journal = await self.disk(self._journal, thread_id, chats_folder, place.notebook, owner)
        home = Home(
            folder=self._relative(chats_folder.path.parent),
            files=chats_folder.files(thread_id) if journal.is_saved else self._scratch_folder(thread_id),
            file_url=functools.partial(self._file_url, thread_id),
            notebook=place.notebook,
            owner=owner,
        )
        return await self.sessions.get(thread_id, lambda: Session(journal, self._house, home))

    def _journal(
        self, thread_id: ThreadId, chats_folder: ChatsFolder, notebook: str | None, owner: Subject | None
    ) -> Journal:
        if not self.is_persisting:
            return MemoryJournal(thread_id, notebook=notebook, owner=owner)
        if not chats_folder.has(thread_id) and not _is_writable(chats_folder.path):
            return MemoryJournal(thread_id, notebook=notebook, owner=owner)
        return chats_folder.journal(thread_id, notebook=notebook, owner=owner)

    def _scratch_folder(self, thread_id: ThreadId) -> Path:
        """Where the tools of a chat that is not saved work, until the server ends."""
        if self._scratch is None:
            self._scratch = tempfile.TemporaryDirectory(prefix="chat-sessions-")
        folder = Path(self._scratch.name) / thread_id
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder / "files"

    def _admitted(self, session: Session, subject: Subject, *, must_exist: bool) -> Session:
        """The session, for those whose it is; to others it does not exist."""
        owner = session.header.owner if session.header else session.home.owner
        is_anothers = self.separate_users and owner is not None and owner != subject
        is_nothing_yet = session.header is None and must_exist
        if is_anothers or is_nothing_yet:
            raise ThreadNotFound(f"There is no thread {session.thread_id}.")
        if session.conversation.is_deleted:
            raise ThreadDeleted(f"Thread {session.thread_id} has been deleted.")
        return session

    # --- files --------------------------------------------------------------------------------------------------------

    def _files_of(self, thread_id: ThreadId) -> Path:
        session = self.sessions.find(thread_id)
        if session is None:
            raise ThreadNotFound(f"Thread {thread_id} is not open.")
        return session.home.files

    def default_files(self, run_id: RunId) -> Path:
        """The folder of a tool call without a thread."""
        return self._root / CHATS / "_default" / run_id / "files"

    def _file_url(self, thread_id: ThreadId, path: str) -> str:
        return f"{self.address}/threads/{thread_id}/files/{quote(path)}"

    def _relative(self, folder: Path) -> str:
        relative = folder.relative_to(self._root).as_posix() if folder.is_relative_to(self._root) else ""
        return "" if relative == "." else relative

    # --- who answers --------------------------------------------------------------------------------------------------

    def _agent(self, model: str | None) -> Agent:
        name = model or self._app.default_model
        if name not in self._agents:
            self._agents[name] = load_agent(name)
        return self._agents[name]

    @property
    def level(self) -> Level:
        """How far the operating system confines tools here."""
        return self._sandbox.level

    def sandbox_report(self) -> dict[str, Any]:
        """The sandbox's level, what it does not keep out, and why."""
        report = self._sandbox.kernels.report
        return {"level": report.level, "gaps": list(report.gaps), "reason": report.reason}

    def _about(self, thread_id: ThreadId) -> Mapping[str, Any]:
        agent = self._agent(None)
        kind = "none" if agent.author == "person" else "model"
        return {"agent": {"id": agent.id, "label": agent.label, "kind": kind}, "level": self.level}

    def _note_change(self, session: Session, is_urgent: bool) -> None:
        if session.journal.is_saved and session.header is not None:
            chats_folder = self._chats_folder(session.home.folder)
            self._notes.note(chats_folder, session.conversation, session.header.created, is_urgent)
            if is_urgent:
                self._pool.submit(self._known.remember, chats_folder.path)

    def _note_activity(self) -> None:
        """A run in flight is activity: a hub must not cull the server under it."""
        self._app.settings["last_activity_times"]["chat_sessions"] = datetime.now(timezone.utc)


def _local_root(app: ChatSessions) -> Path:
    """Where contents are: the server's root; where they are not local files, a folder of the server's own."""
    from jupyter_server.services.contents.fileio import FileManagerMixin

    contents = app.server.contents_manager
    if isinstance(contents, FileManagerMixin):
        return Path(app.server.root_dir).resolve()
    root = Path(jupyter_data_dir()) / "chat_sessions" / "threads"
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


def _is_writable(chats: Path) -> bool:
    """Whether a thread could be kept there."""
    there = chats if chats.is_dir() else chats.parent
    return os.access(there, os.W_OK | os.X_OK)


def _now() -> str:
    """The present as transcripts write it: ISO 8601, UTC, milliseconds."""
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
