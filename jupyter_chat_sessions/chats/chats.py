"""Threads on disk, sessions, agents, tools and kernels, brought together below one root: a server's, or a kernel's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir

from ..core.errors import NotFound, ThreadDeleted, ThreadNotFound
from ..core.ids import OWNER, RunId, SessionKey, Subject, ThreadId
from ..core.policy import Policy
from ..core.roles import Level, ToolCall, ToolSpec, Workplace
from ..core.transcript import Message
from ..engine.house import Home, House
from ..engine.runner import Runner
from ..engine.session import Session
from ..engine.sessions import Sessions
from ..files.chats_folder import ChatsFolder
from ..files.disk import now
from ..files.layout import CHATS, TRASH
from ..files.session_keys import SessionKeys
from ..sandbox.policy import SandboxPolicy
from ..sandbox.runner import SandboxRunner
from ..tools.toolbox import ToolBox
from .ahead import Ahead
from .alone import AloneFiles, Hear, call_alone
from .answering import Answering
from .catalog_notes import CatalogNotes
from .consent import reads_notebook
from .copies import bring_in
from .disk import Disk
from .homes import Homes
from .keys import Keys
from .listing import Listing, Wanted, list_threads, row_of, with_kernels
from .moving import Moving
from .places import Place, Places
from .settings import Settings
from .sweeping import Sweeping
from .thread_files import ThreadFiles

log = logging.getLogger(__name__)

CLOSE_S = 8.0
EVERYTHING = 10**9


class Chats:
    """Everything behind the doors of one server, or of one kernel. Made at the first request, closed at the end."""

    def __init__(self, settings: Settings) -> None:
        self.address = settings.address
        self.separate_users, self.is_persisting = settings.separate_users, settings.persist
        self._settings, self.disk = settings, Disk()
        self.places = Places(settings.root, Path(jupyter_data_dir()), self.disk.later)
        self._homes = Homes(settings, self.places, self.disk)
        self._keys = Keys(self.disk, SessionKeys(self.places.root / CHATS) if self.is_persisting else None)
        self._notes = CatalogNotes(self.disk, self._tell_changed)
        self.answering = Answering(settings, self._subject_of)
        self.alone = AloneFiles(self.places.root / CHATS / "_default", self.disk.later)
        self._errands: set[asyncio.Task[None]] = set()
        self._sandbox = SandboxRunner(
            self._files_of,
            self.alone.of,
            SandboxPolicy(backend=settings.sandbox),
            bring_in=lambda thread_id, path, over: bring_in(self._home_of(thread_id), path, overwrites=over),
            beside_of=self._beside,
        )
        self.ahead = Ahead(settings, self._sandbox, self.answering)
        notebook = settings.notebook(self._whereabouts) if settings.notebook and settings.has_notebooks else None
        self.tools = ToolBox(Workplace(self._sandbox, notebook, settings.packages))
        self.policy = Policy(settings.tool_permissions)
        self._house = House(
            disk=self.disk,
            now=now,
            perform=Runner(
                self.ahead.agent,
                self.tools,
                self.policy,
                settings.most_rounds,
                files=ThreadFiles(self._files_of, self.disk.later),
                redact=self.answering.redacted,
            ),
            about=self._about,
            on_change=self._note_change,
        )
        self.sessions = Sessions(on_activity=settings.on_activity, disk=self.disk)
        self._moving = Moving(
            self.places,
            self._homes,
            self.disk,
            opened=self._opened,
            begin=self._run_errand,
            end_kernel=self._sandbox.close_thread,
            tell=self._tell_changed,
            on_change=self._note_change,
        )
        self._run_errand(self.answering.look_around())
        self._sweeping = Sweeping(self, settings.unlisted_days if self.is_persisting else 0)

    async def close(self) -> None:
        """Runs in flight end as `interrupted`, kernels end, what lists should show is written."""
        await self._sweeping.close()
        try:
            await asyncio.wait_for(self.sessions.close(), CLOSE_S)
        except asyncio.TimeoutError:  # a disk that refuses: the next server ends these runs as interrupted
            log.error("Some runs could not be ended within %s s.", CLOSE_S)
        await self._sandbox.shutdown()
        await asyncio.gather(*self._errands, return_exceptions=True)
        await self._notes.close()
        await self.answering.close()
        self.disk.close()
        self._homes.close()

    # --- threads ------------------------------------------------------------------------------------------------------

    async def session(self, thread_id: ThreadId, subject: Subject, place: Place, *, must_exist: bool = True) -> Session:
        """The thread's session. Where nobody knows the id and it need not exist: a new thread, nothing written yet."""
        session = await self.sessions.standing(thread_id)
        if session is None:
            chats_folder = await self._homes.find(thread_id, place)
            if chats_folder is None and must_exist:
                raise ThreadNotFound(f"There is no thread {thread_id}.")
            session = await self._open(thread_id, chats_folder, place, subject)
        return self._admitted(session, subject, must_exist=must_exist)

    async def create(self, thread_id: ThreadId, place: Place, subject: Subject) -> tuple[Session, bool]:
        """The thread with this id, made with a header if there is none; whether it is new."""
        session = await self.session(thread_id, subject, place, must_exist=False)
        return session, await session.create()

    async def keyed(self, key: SessionKey, place: Place, subject: Subject) -> tuple[Session, bool]:
        """The session key's thread, made if there is none. A key whose thread was deleted leads to a fresh one."""
        thread_id = await self._keys.thread_of(subject, key)
        try:
            return await self.create(thread_id, place, subject)
        except ThreadDeleted:
            fresh = await self._keys.thread_instead_of(thread_id, subject, key)
            return await self.create(fresh, place, subject)

    async def current(self, place: Place, subject: Subject) -> tuple[Session, bool]:
        """The notebook's current thread: its latest one, made if there is none. One key makes callers at once agree."""
        place = Place(place.folder or "", place.notebook)
        listing = await self.listing(place, subject, Wanted(limit=1 if place.notebook else EVERYTHING))
        own = [row for row in listing.threads if row["notebook"] == place.notebook]  # not another notebook's
        if own:
            return await self.session(own[0]["thread_id"], subject, place), False
        key = SessionKey(f"internal:current:{place.folder}/{place.notebook or ''}")
        session, is_new = await self.keyed(key, place, subject)
        if (session.home.folder, session.conversation.notebook) == (place.folder, place.notebook):
            return session, is_new
        # The thread went with a notebook that was here before: this one begins its own.
        fresh = await self._keys.thread_instead_of(session.thread_id, subject, key)
        return await self.create(fresh, place, subject)

    async def restore(self, thread_id: ThreadId, subject: Subject, place: Place) -> Session:
        """Takes a deleted thread back from the trash. One that is not deleted is left as it is."""
        session = self.sessions.find(thread_id)
        if session is not None and (self._is_anothers(session, subject) or not session.conversation.is_deleted):
            return self._admitted(session, subject, must_exist=True)
        await self.sessions.drop(thread_id)
        trashed = await self._homes.find_in_trash(thread_id, place)
        if trashed is not None:
            header = await self.disk(ChatsFolder(trashed.path / TRASH).journal(thread_id).header)
            if self.separate_users and header is not None and header.owner not in (None, subject):
                raise ThreadNotFound(f"There is no thread {thread_id}.")
            await self.disk(trashed.restore, thread_id)
        return await self.session(thread_id, subject, place)

    def tool_specs(self) -> Sequence[ToolSpec]:
        """The tools there are."""
        return self.tools.specs()

    async def call_alone(self, run_id: RunId, subject: Subject, call: ToolCall, hear: Hear) -> Message:
        """The result of a tool call without a thread; its files can be read by who asked for it."""
        if self.separate_users:
            await self.disk(self.alone.claim, run_id, subject)
        return await call_alone(self.tools, self.policy, run_id, call, hear)

    async def restart_kernel(self, thread_id: ThreadId) -> None:
        """Ends the thread's kernel; its next call gets a fresh one."""
        await self._sandbox.restart(thread_id)

    async def listing(self, place: Place, subject: Subject, wanted: Wanted) -> Listing:
        """The threads of a notebook, of a folder, or of all folders known below the root; the newest first."""
        open_now = list(self.sessions)
        running = frozenset(session.thread_id for session in open_now if session.conversation.is_busy)
        unsaved = [row_of(each) for each in open_now if self._is_listed_unsaved(each, place, subject)]
        owner = subject if self.separate_users else None
        wanted = Wanted(place.notebook, owner, wanted.words, wanted.limit, wanted.before, running)
        folders = self._listed_folders
        listing = await self._notes.listing(lambda: list_threads(wanted, folders(place.folder), unsaved))
        return with_kernels(listing, self._sandbox.alive())

    def _listed_folders(self, folder: str | None) -> dict[str, ChatsFolder]:
        candidates = self.places.candidates(folder) if self.is_persisting else []
        return {self.places.name_of(each): each for each in (candidates if folder is None else candidates[:1])}

    def _is_listed_unsaved(self, session: Session, place: Place, subject: Subject) -> bool:
        now = session.conversation
        is_listed = not session.journal.is_saved and now.message_count > 0 and not now.is_deleted
        is_there = place.folder is None or session.home.folder == place.folder
        return is_listed and is_there and not self._is_anothers(session, subject)

    # --- opening ------------------------------------------------------------------------------------------------------

    async def _open(self, thread_id: ThreadId, found: ChatsFolder | None, place: Place, subject: Subject) -> Session:
        owner = subject if self.separate_users else None
        journal, home = await self._homes.of(thread_id, found, place, owner)
        return await self.sessions.get(thread_id, lambda: Session(journal, self._house, home))

    async def _opened(self, thread_id: ThreadId, place: Place) -> Session:
        """The session of a thread that somebody may have open, whosever it is."""
        session = self.sessions.find(thread_id)
        return session or await self._open(thread_id, await self._homes.find(thread_id, place), place, OWNER)

    def _admitted(self, session: Session, subject: Subject, *, must_exist: bool) -> Session:
        """The session, for those whose it is; to others it does not exist."""
        is_nothing_yet = session.header is None and must_exist
        if self._is_anothers(session, subject) or is_nothing_yet:
            raise ThreadNotFound(f"There is no thread {session.thread_id}.")
        if session.conversation.is_deleted:
            raise ThreadDeleted(f"Thread {session.thread_id} has been deleted.")
        session.idle_since = asyncio.get_running_loop().time()
        return session

    def _is_anothers(self, session: Session, subject: Subject) -> bool:
        return self.separate_users and session.owner not in (None, subject)

    # --- files --------------------------------------------------------------------------------------------------------

    def _home_of(self, thread_id: ThreadId) -> Home:
        session = self.sessions.find(thread_id)
        if session is None:
            raise ThreadNotFound(f"Thread {thread_id} is not open.")
        return session.home

    def _whereabouts(self, thread_id: ThreadId) -> tuple[str, Subject | None]:
        session = self.sessions.find(thread_id)
        name = session.conversation.notebook if session is not None else None
        if session is None or name is None:
            raise NotFound("This chat belongs to no notebook.")
        return f"{session.home.folder}/{name}".lstrip("/"), session.owner if self.separate_users else None

    def _files_of(self, thread_id: ThreadId) -> Path:
        return self._home_of(thread_id).files

    def _beside(self, thread_id: ThreadId) -> Path | None:
        """The notebook's folder, where the thread's tools may read it."""
        session = self.sessions.find(thread_id)
        return session.home.beside if session is not None and reads_notebook(session) else None

    def _subject_of(self, thread_id: ThreadId) -> Subject:
        """Whose keys a thread's answers use: its owner's, where users are kept apart."""
        session = self.sessions.find(thread_id)
        owner = session.owner if session is not None and self.separate_users else None
        return OWNER if owner is None else owner

    # --- what the server says and hears -------------------------------------------------------------------------------

    @property
    def level(self) -> Level:
        """How far the operating system confines tools here."""
        return self._sandbox.level

    def sandbox_report(self) -> dict[str, Any]:
        """The sandbox's level, what it does not keep out, and why."""
        report = self._sandbox.kernels.report
        return {"level": report.level, "gaps": list(report.gaps), "reason": report.reason}

    def _about(self, thread_id: ThreadId) -> Mapping[str, Any]:
        return {"agent": self.answering.about(thread_id), "level": self.level}

    def _note_change(self, session: Session, is_urgent: bool) -> None:
        if session.conversation.is_deleted:
            self._homes.note_gone(session)
            self._run_errand(self._sandbox.close_thread(session.thread_id))
        if not session.journal.is_saved or session.header is None:
            return
        chats_folder = self.places.folder(session.home.folder)
        self._notes.note(chats_folder, session.conversation, session.header.created, is_urgent)
        if session.conversation.is_deleted:
            self.places.sweep(chats_folder)
        elif is_urgent:
            self.disk.later(self.places.remember, chats_folder.path)

    def _tell_changed(self, chats_folder: ChatsFolder, version: int) -> None:
        self._settings.on_listed(self.places.name_of(chats_folder), version)

    async def follow_notebook(self, old: Place, new: Place) -> None:
        """A notebook was renamed or moved in Jupyter: its threads go with it."""
        await self._moving.follow(old, new)

    def _run_errand(self, errand: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)
