"""Everyone who watches a thread, and what one who joins now must be shown.

Joining is synchronous and sees adopted state only: between the snapshot and what follows there is no gap and no double.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

from ..core.errors import ChatError
from ..core.frames import FileUrl, Frame, line_frame, run_frame, with_output_url
from ..core.ids import RunId
from ..core.live import Live
from ..core.roles import Viewer
from ..core.transcript import Line

RECENT_LINES = 200
REJOIN_LINES = 50
UNKNOWN = -1
"""The number of no line: who has it must forget what they have."""


class Audience:
    """The viewers of one thread, its last lines as frames, and its run in flight on this server."""

    def __init__(self, file_url: FileUrl) -> None:
        self._file_url = file_url
        self._viewers: dict[Viewer, bool] = {}
        self._recent: deque[Frame] = deque(maxlen=RECENT_LINES)
        self._has_older = False
        self.live: Live | None = None

    def __bool__(self) -> bool:
        return bool(self._viewers)

    @property
    def can_be_asked(self) -> bool:
        """Whether one of them may decide what a run asks a person."""
        return any(self._viewers.values())

    def add(self, viewer: Viewer) -> None:
        self._viewers[viewer] = True

    def add_listener(self, viewer: Viewer) -> None:
        """Adds one who is told everything and can be asked nothing."""
        self._viewers[viewer] = False

    def drop(self, viewer: Viewer) -> None:
        self._viewers.pop(viewer, None)

    def recall(self, lines: Iterable[Line], has_older: bool) -> None:
        """Takes the thread's last lines, read when it is opened."""
        self._has_older = has_older
        self._recent.clear()
        for line in lines:
            self._remember(line_frame(line, self._file_url))

    def _remember(self, frame: Frame) -> None:
        self._has_older = self._has_older or len(self._recent) == RECENT_LINES
        self._recent.append(frame)

    def lines_after(self, seq: int) -> dict[str, Any]:
        """The part of a `hello` that a viewer who has the lines up to `seq` needs: `lines`, `reset`, `more`."""
        kept = list(self._recent)
        newest = kept[-1].body["seq"] if kept else 0
        is_known = seq == newest or any(frame.body["seq"] == seq for frame in kept)
        if not is_known and not (seq == 0 and not self._has_older):
            return self._from_the_end(kept)
        missed = [frame for frame in kept if frame.body["seq"] > seq]
        more = self._has_older if seq == 0 else False
        return {"lines": _values(missed), "reset": False, "more": more}

    def _from_the_end(self, kept: list[Frame]) -> dict[str, Any]:
        last = kept[-REJOIN_LINES:]
        return {"lines": _values(last), "reset": True, "more": self._has_older or len(kept) > len(last)}

    def tell(self, frame: Frame) -> None:
        """Hands one frame to every viewer."""
        for viewer in list(self._viewers):
            viewer.tell(frame)

    def tell_line(self, line: Line) -> None:
        """Tells of a line that is on disk now."""
        frame = line_frame(line, self._file_url)
        self._remember(frame)
        self.tell(frame)

    def dismiss(self, why: ChatError) -> None:
        """Sends everyone home: there is nothing left to watch."""
        viewers, self._viewers = list(self._viewers), {}
        for viewer in viewers:
            viewer.dismiss(why)

    def begin_run(self, run_id: RunId) -> None:
        self.live = Live(run_id)

    def end_run(self) -> None:
        self.live = None

    def tell_event(self, event: Mapping[str, Any]) -> None:
        """Numbers an event of the run in flight, folds it into the snapshot and tells it."""
        if self.live is not None:
            event = with_output_url(event, self._file_url)
            self.tell(run_frame(self.live.run_id, self.live.hear(event), event))


def _values(frames: Iterable[Frame]) -> list[Any]:
    return [frame.body["event"]["value"] for frame in frames]
