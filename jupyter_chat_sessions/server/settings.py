"""`jupyter chat-sessions settings`: every setting with what it means, as `jupyter_server_config.py` takes them."""

from __future__ import annotations

import textwrap
from typing import Any

from traitlets import TraitType

from .extension import ChatSessions


def main() -> int:
    """Prints them. Jupyter's own `--help-all` knows the server's settings only, not those of its extensions."""
    print("\n\n".join(told(name, trait) for name, trait in vars(ChatSessions).items() if _is_setting(trait)))
    return 0


def told(name: str, trait: TraitType[Any, Any]) -> str:
    """A setting's meaning, and its default as a line that is still a comment."""
    meaning = textwrap.wrap(trait.help, 100, break_long_words=False, break_on_hyphens=False)
    line = f"c.ChatSessions.{name} = {trait.default_value_repr()}"
    return "\n".join(f"# {each}" for each in [*meaning, line])


def _is_setting(value: object) -> bool:
    return isinstance(value, TraitType) and bool(value.metadata.get("config"))
