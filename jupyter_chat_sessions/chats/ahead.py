"""When Python is started before a chat asks for it: when a person begins to write in one, and when a model is
asked there."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.ids import ThreadId
from ..core.roles import Agent
from ..core.transcript import Message
from ..sandbox.runner import SandboxRunner
from .answering import Answering
from .settings import Settings


class Ahead:
    """Tells the sandbox who may soon need it."""

    def __init__(self, settings: Settings, sandbox: SandboxRunner, answering: Answering) -> None:
        self._settings, self._sandbox, self._answering = settings, sandbox, answering

    def prepare(self, thread_id: ThreadId) -> None:
        """Has Python started for a thread that may soon need it, where that is wanted. Returns at once."""
        if self._settings.starts_ahead:
            self._sandbox.prepare(thread_id)

    def agent(self, model: str | None, thread_id: ThreadId, messages: Sequence[Message] = ()) -> Agent:
        """Who answers. Python can start while a model thinks; what a person typed needs it at once."""
        agent = self._answering.agent(model, thread_id, messages)
        if agent.author == "model":
            self.prepare(thread_id)
        return agent
