"""`jupyter chat-sessions import`: chats of other programs become threads, whether or not a server runs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from ..chats.chats import Chats
from ..chats.importing import import_chat
from ..chats.places import Place
from ..chats.settings import Settings
from ..core.errors import ChatError
from ..core.ids import OWNER


def import_files(files: Sequence[Path], directory: Path) -> int:
    """Imports each file into the directory's chats and says what came of it. 0 where all could be, else 1."""
    if not directory.is_dir():
        print(f"There is no directory {directory}.", file=sys.stderr)
        return 1
    return asyncio.run(_import_all(files, directory.resolve()))


async def _import_all(files: Sequence[Path], root: Path) -> int:
    chats = Chats(Settings(root=root, detect_local=False))
    try:
        done = [await _import_one(chats, each) for each in files]
    finally:
        await chats.close()
    return 0 if all(done) else 1


async def _import_one(chats: Chats, file: Path) -> bool:
    try:
        given = await chats.disk(file.read_bytes)
        session, is_new = await import_chat(chats, given, file.name, Place(""), OWNER)
    except OSError as fault:
        print(f"{file}: {fault.strerror}", file=sys.stderr)
        return False
    except ChatError as refused:
        print(f"{file}: {refused.message}", file=sys.stderr)
        return False
    now = session.conversation
    what = f"thread {session.thread_id}, {now.title!r}, {now.message_count} messages"
    print(f"{file}: {what}" if is_new else f"{file}: imported before as {what}")
    return True
