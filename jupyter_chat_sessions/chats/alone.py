"""Tool calls without a thread: each has a folder and a kernel of its own, by its run's id, and nobody to ask.

The folder stays a week, so that what the call made can be fetched; where users are kept apart, by whose call it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..agents.outside_call import OutsideCall
from ..core.errors import ThreadNotFound
from ..core.ids import RunId, Subject
from ..core.policy import Policy
from ..core.roles import ToolCall, Tools, ToolSpec
from ..core.transcript import Message
from ..engine.calling import Caller
from ..engine.spoken import AskedCall
from ..files.folder_files import write_new
from ..files.layout import make_folder_in_chats
from ..files.safe_open import opened_file
from ..files.trash import sweep_entries

_OWNER = "owner"
_MOST_OWNER_BYTES = 1000


Hear = Callable[[Mapping[str, Any]], None]
"""Takes what is said while a call runs: its outputs as they come, and what is done meanwhile."""


class _NobodysStage:
    """The run of one call: nothing was granted, nobody watches, and its result is all that is kept of it."""

    thread_id = None
    client_tools: Sequence[ToolSpec] = ()
    tool_names: Collection[str] | None = None
    asks_first = False
    is_visitors = False
    sees_folder = False
    granted: Collection[str] = ()
    wanted: Mapping[str, str] = {}  # never written to
    answers: Mapping[str, Mapping[str, Any]] = {}
    shown: Mapping[str, Mapping[str, Any]] = {}
    is_watched = False

    def __init__(self, run_id: RunId, hear: Hear) -> None:
        self.run_id = run_id
        self.say = hear
        self.said: list[Message] = []

    async def contribute(self, message: Message) -> None:
        self.said.append(message)


async def call_alone(tools: Tools, policy: Policy, run_id: RunId, call: ToolCall, hear: Hear) -> Message:
    """The result of a call without a thread, as a tool message. Cancelling it stops the call."""
    stage = _NobodysStage(run_id, hear)
    asked = AskedCall(call.id, call.name, [json.dumps(call.arguments)])
    agent = OutsideCall({"id": call.id, "name": call.name, "arguments": call.arguments})
    await Caller(agent, tools, policy, stage).call([asked], [])
    return stage.said[0]


class AloneFiles:
    """The folders of such calls, below `folder`. `submit` gives a worker thread to sweep in."""

    def __init__(self, folder: Path, submit: Callable[..., Any]) -> None:
        self._folder = folder
        self._submit = submit
        self._has_swept = False

    def of(self, run_id: RunId) -> Path:
        """Where the call works. At the first, what such calls left a week ago is swept away."""
        if not self._has_swept:
            self._has_swept = True
            self._submit(sweep_entries, self._folder)
        return self._folder / run_id / "files"

    def claim(self, run_id: RunId, owner: Subject) -> None:
        """Notes whose call it is, out of reach of what it runs. Blocks."""
        make_folder_in_chats(self._folder.parent, self._folder.name)
        write_new(self._folder / run_id, _OWNER, [owner.encode()])

    def made_by(self, run_id: RunId, owner: Subject | None) -> Path:
        """What the call has left, for its owner; `None`: for anybody. `ThreadNotFound` where there is none. Blocks."""
        files = self.of(run_id)
        if not files.is_dir() or (owner is not None and self._owner(run_id) != owner):
            raise ThreadNotFound(f"There is no run {run_id} without a thread.")
        return files

    def _owner(self, run_id: RunId) -> str | None:
        try:
            with opened_file(self._folder / run_id, _OWNER) as file:
                return file.read(0, _MOST_OWNER_BYTES).decode()
        except Exception:  # nobody's is nobody's to read
            return None
