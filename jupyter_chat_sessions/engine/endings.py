"""Waiting for a run's end, by whoever sent its message and did not go away."""

from __future__ import annotations

import asyncio

from ..core.conversation import Conversation
from ..core.ids import RunId
from ..core.transcript import Line, RunLine, WithdrawnLine


class Endings:
    """Who waits for which run. An outcome is told once its line is adopted."""

    def __init__(self) -> None:
        self._waiting: dict[RunId, list[asyncio.Future[str]]] = {}

    async def of(self, run_id: RunId, now: Conversation) -> str:
        """The run's outcome, at once where it has ended; `cancelled` for one whose message was taken back."""
        run = now.runs.get(run_id)
        if run is not None and run.outcome is not None:
            return run.outcome
        if run is None and all(each.run_id != run_id for each in now.queue):
            return "cancelled"
        ending: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(run_id, []).append(ending)
        return await ending

    def hear(self, line: Line, now: Conversation) -> None:
        """Tells those for whom this line is the end."""
        if isinstance(line, RunLine):
            self._tell(line.run_id, line.outcome)
        elif isinstance(line, WithdrawnLine):
            accepted = now.accepted.get(line.message_id)
            if accepted is not None:
                self._tell(accepted.run_id, "cancelled")

    def end_unknown(self, now: Conversation) -> None:
        """Of the runs that are waited for, those are over that the transcript does not know, or knows as ended."""
        for run_id in list(self._waiting):
            run = now.runs.get(run_id)
            if run is not None and run.outcome is not None:
                self._tell(run_id, run.outcome)
            elif not now.has_run(run_id):
                self._tell(run_id, "cancelled")

    def end_all(self) -> None:
        """The thread has gone; nothing in it will end by itself."""
        for run_id in list(self._waiting):
            self._tell(run_id, "cancelled")

    def _tell(self, run_id: RunId, outcome: str) -> None:
        for ending in self._waiting.pop(run_id, ()):
            if not ending.done():
                ending.set_result(outcome)
