"""API keys: where they come from, and that they stay there.

A key comes from memory (typed once, gone with the server), from the environment, or from a file the environment names
(`OPENAI_API_KEY_FILE`). It is looked up for each request, so that a changed file or a typed key counts at once.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Literal, NoReturn

from ..core.errors import AgentFailed, Malformed
from .providers import PROVIDERS, Provider

Source = Literal["memory", "environment", "file"]

_LONGEST = 8192
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
    """The keys of one server, by provider. What was typed comes first, then variables, then files."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._environment = environment
        self._held: dict[str, Key] = {}

    def __repr__(self) -> str:
        return f"Keys(of {', '.join(self.providers()) or 'nobody'})"

    def hold(self, provider: str, text: str) -> None:
        """Keeps a typed key in memory until the server ends. `Malformed`, without the text, where it can be none."""
        if provider not in PROVIDERS:
            raise Malformed("There is no such provider of models.")
        self._held[provider] = _parsed(text) or _refuse("What was typed is not an API key.")

    def forget(self, provider: str) -> None:
        """Lets go of a typed key; what the environment says counts again."""
        self._held.pop(provider, None)

    def of(self, provider: Provider) -> Key | None:
        """The provider's key, or `None`. `AgentFailed` where a file or a variable has one that cannot be used."""
        source, name = self._place(provider)
        if source is None:
            return None
        if source == "memory":
            return self._held[provider.name]
        text = self._environment[name] if source == "environment" else _read(self._environment[name], name)
        return _parsed(text) or _fail(f"{name} does not hold an API key: it is empty or has spaces in it.")

    def source(self, provider: Provider) -> Source | None:
        """Where its key would come from, without reading it."""
        return self._place(provider)[0]

    def providers(self) -> tuple[str, ...]:
        """The providers there is a key for, in the table's order."""
        return tuple(name for name, provider in PROVIDERS.items() if self.source(provider))

    def _place(self, provider: Provider) -> tuple[Source | None, str]:
        if provider.name in self._held:
            return "memory", ""
        for variable in provider.key_variables:
            if self._environment.get(variable, "").strip():
                return "environment", variable
            if self._environment.get(f"{variable}_FILE", "").strip():
                return "file", f"{variable}_FILE"
        return None, ""


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


def _fail(message: str) -> NoReturn:
    raise AgentFailed("auth", message)


def _refuse(message: str) -> NoReturn:
    raise Malformed(message)
