"""Typed keys in the system's keyring, where a person's login opens them: behind the extra `[keyring]`.

Every call may block, on a question to the person even: for a worker thread.
"""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ..core.errors import StorageFailed
from .providers import PROVIDERS

SERVICE = "jupyter_chat_sessions"
MISSING = "Keys cannot be kept in the keyring: pip install 'jupyter_chat_sessions[keyring]' where the server runs."

log = logging.getLogger(__name__)


class KeyringStore:
    """The keys of one subject in the keyring."""

    def __init__(self, subject: str) -> None:
        self._subject = subject

    def load(self) -> dict[str, str]:
        """The keys by provider; none, with a word in the log, where there is no keyring to ask."""
        if find_spec("keyring") is None:
            log.warning(MISSING)
            return {}
        found: dict[str, str] = {}
        for provider in PROVIDERS:
            try:
                text = _keyring().get_password(SERVICE, self._name(provider))
            except Exception as fault:  # any backend's own
                log.warning("The keyring cannot be read (%s).", type(fault).__name__)
                break
            if text:
                found[provider] = text
        return found

    def save(self, provider: str, text: str) -> None:
        """Keeps a key. `StorageFailed` where the keyring does not take it."""
        try:
            _keyring().set_password(SERVICE, self._name(provider), text)
        except ImportError:
            raise StorageFailed(MISSING) from None
        except Exception as fault:
            raise StorageFailed(f"The keyring did not take the key ({type(fault).__name__}).") from None

    def delete(self, provider: str) -> None:
        """Removes a key that may be there."""
        try:
            _keyring().delete_password(SERVICE, self._name(provider))
        except Exception as fault:
            log.info("The keyring had no key to remove (%s).", type(fault).__name__)

    def _name(self, provider: str) -> str:
        return f"{self._subject}/{provider}"


def _keyring() -> Any:
    return import_module("keyring")
