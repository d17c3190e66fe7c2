"""Who sends through a door, as the rules of sending know them."""

from __future__ import annotations

import functools

from .asking import Sender
from .doors import ThreadDoor
from .notebook.variables import with_values


def sender_at(door: ThreadDoor) -> Sender:
    """Whoever stands at this door."""
    return Sender(
        door.subject,
        door.rights,
        door.visitor,
        [spec.name for spec in door.chats.tool_specs()],
        functools.partial(with_values, door),
        door.chats.ahead.prepare,
    )
