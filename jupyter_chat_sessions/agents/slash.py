"""What can be typed after `/`, for whoever helps a person to type it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .direct.commands import COMMANDS
from .model_command import HELP, USAGE


@dataclass(frozen=True, slots=True)
class KnownCommand:
    """`heard_by`: `all` commands mean something whoever answers, `direct` ones only where no model does."""

    name: str
    usage: str
    help: str
    heard_by: Literal["all", "direct"]


def known_commands() -> tuple[KnownCommand, ...]:
    """The commands in the order in which they are offered."""
    direct = (KnownCommand(each.name, each.usage, each.help, "direct") for each in COMMANDS)
    return (*direct, KnownCommand("model", USAGE, HELP, "all"))
