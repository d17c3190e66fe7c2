"""Who answers: agents by name, from the configuration, from what is installed, and models; and whose keys they use."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from typing import Any

from ..agents.choose import Choice, choose
from ..agents.detect import LocalServers
from ..agents.keyring_store import KeyringStore
from ..agents.keys import Keys, provider_of
from ..agents.model_command import ModelCommand, command_in, models_on
from ..agents.offers import Offer, is_usable, key_places, offers
from ..agents.outside_call import OutsideCall, call_in
from ..agents.providers import PROVIDERS
from ..agents.registry import agent_names, load_agent
from ..core.errors import AgentFailed, ChatError, Malformed
from ..core.ids import OWNER, Subject, ThreadId
from ..core.roles import Agent
from ..core.transcript import Message
from .settings import Settings

log = logging.getLogger(__name__)


class Answering:
    """Configured agents come before installed ones. `subject_of` says whose keys a thread's answers use."""

    def __init__(self, settings: Settings, subject_of: Callable[[ThreadId], Subject]) -> None:
        self._settings = settings
        self._subject_of = subject_of
        self._keys: dict[Subject, Keys] = {}
        self._servers = LocalServers(os.environ)
        self._agents: dict[tuple[Subject, str], Agent] = {}

    async def look_around(self) -> None:
        """Finds the model servers on this computer that belong to this user, unless that is switched off."""
        if self._settings.use_keyring:
            await self._recall(OWNER)
        if self._settings.detect_local and not self._settings.default_model:
            await self._servers.found()

    # --- who answers --------------------------------------------------------------------------------------------------

    def agent(self, model: str | None, thread_id: ThreadId, messages: Sequence[Message] = ()) -> Agent:
        """Who answers the newest of the messages: a command's own answer, the model it names, the path's, or a choice.

        A `ChatError` where there is no such agent, or it cannot be made.
        """
        subject = self._subject_of(thread_id)
        call = call_in(messages)
        if call is not None:
            return OutsideCall(call)
        command = command_in(messages)
        if command is not None:
            before = self._named_on(messages[:-1], subject)
            return ModelCommand(
                command["name"],
                before,
                lambda name: self._agent(name, subject),
                lambda name: self._chosen(name, subject),
                self.offered(subject),
            )
        return self._agent(model or self._named_on(messages, subject), subject)

    def named(self, name: str, subject: Subject) -> Agent:
        """The agent of that name. A `ChatError` where there is none, or it cannot be made."""
        return self._agent(name, subject)

    def _named_on(self, messages: Sequence[Message], subject: Subject) -> str | None:
        return next((name for name in models_on(messages) if self._can_be_made(name, subject)), None)

    def _can_be_made(self, name: str, subject: Subject) -> bool:
        try:
            self._agent(name, subject)
        except ChatError:
            return False
        return True

    def _agent(self, name: str | None, subject: Subject) -> Agent:
        chosen = self._chosen(name, subject).id
        if (subject, chosen) not in self._agents:
            self._agents[subject, chosen] = self._made(chosen, subject)
        return self._agents[subject, chosen]

    def _chosen(self, name: str | None, subject: Subject) -> Choice:
        found = self._servers.known if self._settings.detect_local else ()
        return choose(name, self._settings.default_model, os.environ, self._usable(subject), found)

    def _usable(self, subject: Subject) -> list[str]:
        """The providers there is a key for, without those whose library is missing."""
        return [name for name in self.keys(subject).providers() if is_usable(PROVIDERS[name])]

    def _made(self, name: str, subject: Subject) -> Agent:
        make = self._settings.agents.get(name)
        try:
            return make() if make is not None else load_agent(name, self.keys(subject))
        except ChatError:
            raise
        except Exception as fault:  # another package's fault must cost its own answers only
            log.exception("The agent %r cannot be made.", name)
            message = self.redacted(f"The agent {name!r} cannot be used here: {fault!r}.")
            raise AgentFailed("agent_unavailable", message) from fault

    # --- what can be chosen -------------------------------------------------------------------------------------------

    def about(self, thread_id: ThreadId) -> dict[str, str]:
        """Who answers by default, as a `hello` says it."""
        subject = self._subject_of(thread_id)
        choice = self._chosen(None, subject)
        try:
            agent = self._agent(None, subject)
        except ChatError as fault:
            return {"id": choice.id, "label": fault.message, "kind": "none"}
        label = agent.label if choice.id in self._settings.agents else choice.label
        return {"id": agent.id, "label": label, "kind": "none" if agent.author == "person" else "model"}

    def offered(self, subject: Subject) -> tuple[Offer, ...]:
        """What can be chosen, as last looked for."""
        return offers(
            self._chosen(None, subject),
            self._settings.default_model,
            os.environ,
            self._usable(subject),
            self._servers.known if self._settings.detect_local else (),
            (*self._settings.agents, *agent_names()),
        )

    async def listing(self, subject: Subject) -> dict[str, Any]:
        """What can be chosen and why, what answers by default, and which keys there are: never the keys."""
        await self._recall(subject)
        if self._settings.detect_local:
            await self._servers.found()
        choice = self._chosen(None, subject)
        return {
            "models": [offer.record() for offer in self.offered(subject)],
            "default": {"id": choice.id, "label": choice.label, "why": choice.why},
            "providers": [place.record() for place in key_places(self.keys(subject))],
        }

    # --- keys ---------------------------------------------------------------------------------------------------------

    def keys(self, subject: Subject) -> Keys:
        """The keys that this subject's answers use."""
        if subject not in self._keys:
            self._keys[subject] = Keys(os.environ, self._settings.api_key_file, self._settings.api_key_command)
        return self._keys[subject]

    async def hold_key(self, subject: Subject, provider: str, text: str) -> None:
        """Takes a key that was typed."""
        keys = self.keys(subject)
        keys.hold(provider, text)
        if self._settings.use_keyring:
            await asyncio.to_thread(KeyringStore(subject).save, provider, text.strip())
            keys.hold(provider, text, "keyring")  # said only where it is true

    async def forget_key(self, subject: Subject, provider: str) -> None:
        """Lets go of a key that was typed."""
        self.keys(subject).forget(provider)
        if self._settings.use_keyring:
            await asyncio.to_thread(KeyringStore(subject).delete, provider)

    def key_record(self, subject: Subject, provider: str) -> dict[str, Any]:
        """Whether there is a key, and where it comes from."""
        source = self.keys(subject).source(provider_of(provider))
        return {"set": source is not None, "source": source}

    def redacted(self, text: str) -> str:
        """The text without any key that is known here."""
        for keys in self._keys.values() or (Keys(),):
            text = keys.redacted(text)
        return text

    async def _recall(self, subject: Subject) -> None:
        """Takes what the keyring has, at a subject's first question."""
        if not self._settings.use_keyring or subject in self._keys:
            return
        keys = self.keys(subject)
        for provider, text in (await asyncio.to_thread(KeyringStore(subject).load)).items():
            try:
                keys.hold(provider, text, "keyring")
            except Malformed:
                log.warning("What the keyring has for %s is not an API key.", provider)

    async def close(self) -> None:
        """Frees the connections to providers."""
        from ..agents.pydantic_ai import close_workers
        from ..agents.web import close_session

        await close_session()
        await close_workers()
