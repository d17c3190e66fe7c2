"""The thread as a whole: what it is called, which notebook is its own, what its tools may read, that it is deleted."""

from __future__ import annotations

from ..errors import Stale
from ..events import Consented, Deleted, Rebound, Renamed
from ..transcript import ConsentLine, DeletedLine, NotebookLine, TitleLine
from .drafting import Drafting


def rename(drafting: Drafting, event: Renamed) -> None:
    """Gives it a title, unless somebody has since the one its sender looked at."""
    if event.seen_at not in (None, drafting.after.titled_at):
        raise Stale(f"The thread was renamed to {drafting.after.title!r} since you looked.")
    drafting.write_synced(TitleLine(*drafting.place(), event.title))


def consent(drafting: Drafting, event: Consented) -> None:
    """Keeps which folder its tools may read; nothing is written where that is so already."""
    if event.folder != drafting.after.consent:
        drafting.write_synced(ConsentLine(*drafting.place(), event.folder, event.by))


def rebind(drafting: Drafting, event: Rebound) -> None:
    """Keeps the notebook's new name."""
    drafting.write_synced(NotebookLine(*drafting.place(), event.notebook))


def delete(drafting: Drafting, event: Deleted) -> None:
    """Deletes it, once, unless it has gone on since its person looked."""
    if drafting.after.is_deleted:
        return
    if event.seen_at not in (None, drafting.after.seq):
        raise Stale("The thread has gone on since you looked.")
    drafting.write_synced(DeletedLine(*drafting.place()))
