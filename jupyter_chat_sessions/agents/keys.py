"""API keys: where they come from, and that they stay there.

A key comes from memory (typed once, gone with the server), from the environment, from a file, from what a command
prints, or from the system's keyring. It is looked up for each request, so that a changed file or a typed key counts at
once; a command's answer, which may cost a person a password, is kept for five minutes.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Literal, NoReturn

from ..core.errors import AgentFailed, Malformed
from .providers import PROVIDERS, Provider

Source = Literal["memory", "keyring", "environment", "file", "command"]

COMMAND_S = 30.0
COMMAND_KEPT_S = 300.0
REDACTED = "[a key]"
_LONGEST = 8192
_SHORTEST_REDACTED = 6
_KEY = re.compile(r"[\x21-\x7e]+")


class Key:
    """A secret that shows itself only to who asks for it by name."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The key itself, for a request's header and nothing else."""
        return self._text

    def __repr__(self) -> str:
        return "Key(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("A key is not written down.")


class Keys:
    """The keys one person uses, by provider: what was typed, then variables, then files, then commands.

    `files` and `commands` are an administrator's, by the provider's name; variables name files too, `<KEY>_FILE`.
    """

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        files: Mapping[str, str] | None = None,
        commands: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._environment = environment
        self._files = files or {}
        self._commands = commands or {}
        self._held: dict[str, tuple[Key, Source]] = {}
        self._printed: dict[str, tuple[Key, float]] = {}
        self._known: set[str] = set()

    def __repr__(self) -> str:
        return f"Keys(of {', '.join(self.providers()) or 'nobody'})"

    def hold(self, provider: str, text: str, source: Literal["memory", "keyring"] = "memory") -> None:
        """Keeps a typed key in memory until the server ends. `Malformed`, without the text, where it can be none."""
        provider_of(provider)
        key = _parsed(text) or _refuse("What was typed is not an API key.")
        self._held[provider] = (key, source)
        self._note(key)

    def forget(self, provider: str) -> None:
        """Lets go of a typed key; what the environment says counts again."""
        provider_of(provider)
        self._held.pop(provider, None)

    async def found(self, provider: Provider) -> Key | None:
        """The provider's key as `of` gives it, without keeping the loop waiting for a file or a command."""
        if self.source(provider) in ("file", "command"):
            return await asyncio.to_thread(self.of, provider)
        return self.of(provider)

    def of(self, provider: Provider) -> Key | None:
        """The provider's key, or `None`. `AgentFailed` where a place has one that cannot be used. May block."""
        source, name = self._place(provider)
        if source is None:
            return None
        key = self._held[provider.name][0] if source in ("memory", "keyring") else self._read(provider, source, name)
        self._note(key)
        return key

    def source(self, provider: Provider) -> Source | None:
        """Where its key would come from, without reading it."""
        return self._place(provider)[0]

    def providers(self) -> tuple[str, ...]:
        """The providers there is a key for, in the table's order."""
        return tuple(name for name, provider in PROVIDERS.items() if self.source(provider))

    def redacted(self, text: str) -> str:
        """The text without any key that is known here."""
        for variable in {name for provider in PROVIDERS.values() for name in provider.key_variables}:
            self._note(_parsed(self._environment.get(variable, "")))
        for secret in sorted(self._known, key=len, reverse=True):
            text = text.replace(secret, REDACTED)
        return text

    def _note(self, key: Key | None) -> None:
        if key is not None and len(key.reveal()) >= _SHORTEST_REDACTED:
            self._known.add(key.reveal())

    def _place(self, provider: Provider) -> tuple[Source | None, str]:
        if provider.name in self._held:
            return self._held[provider.name][1], ""
        for variable in provider.key_variables:
            if self._environment.get(variable, "").strip():
                return "environment", variable
            if self._environment.get(f"{variable}_FILE", "").strip():
                return "file", f"{variable}_FILE"
        if self._files.get(provider.name, "").strip():
            return "file", "api_key_file"
        return ("command", "api_key_command") if self._commands.get(provider.name) else (None, "")

    def _read(self, provider: Provider, source: Source, name: str) -> Key:
        if source == "command":
            return self._printed_by(provider)
        is_ruled = name == "api_key_file"
        given = self._files[provider.name] if is_ruled else self._environment[name]
        text = given if source == "environment" else _read(given, name)
        return _parsed(text) or _fail(f"{name} does not hold an API key: it is empty or has spaces in it.")

    def _printed_by(self, provider: Provider) -> Key:
        key, until = self._printed.get(provider.name, (None, 0.0))
        if key is None or time.monotonic() > until:
            key = _parsed(_output_of(self._commands[provider.name], provider))
            if key is None:
                _fail(f"The api_key_command of {provider.title} printed no API key.")
            self._printed[provider.name] = (key, time.monotonic() + COMMAND_KEPT_S)
        return key


def provider_of(name: str) -> Provider:
    """The provider of that name. `Malformed` where there is none."""
    return PROVIDERS.get(name) or _refuse("There is no such provider of models.")


def _parsed(text: str) -> Key | None:
    """Printable ASCII without spaces: a key is sent in a header, where an error about it would show it."""
    text = text.strip()
    return Key(text) if _KEY.fullmatch(text) and len(text) <= _LONGEST else None


def _read(path: str, variable: str) -> str:
    try:
        with open(os.path.expanduser(path.strip()), encoding="utf-8", errors="replace") as file:
            return file.read(_LONGEST + 1)
    except OSError as fault:
        return _fail(f"The file that {variable} names cannot be read ({fault.strerror}).")


def _output_of(command: Sequence[str], provider: Provider) -> str:
    """What the command prints. What it complains of stays its own: it may hold the key."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_S, check=True)
    except subprocess.TimeoutExpired:
        _fail(f"The api_key_command of {provider.title} printed nothing for {COMMAND_S:.0f} s.")
    except subprocess.CalledProcessError as fault:
        _fail(f"The api_key_command of {provider.title} failed (it ended with {fault.returncode}).")
    except OSError as fault:
        _fail(f"The api_key_command of {provider.title} cannot be run ({fault.strerror}).")
    return done.stdout[: _LONGEST + 1].decode("utf-8", "replace")


def _fail(message: str) -> NoReturn:
    raise AgentFailed("auth", message)


def _refuse(message: str) -> NoReturn:
    raise Malformed(message)
