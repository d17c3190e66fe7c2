"""The variables of a notebook's kernel, for the person whose kernel it is: listed, and put into what they send.

The rule kept here: nobody looks with a scoped token, whatever it opens; who looks may run code in kernels, as looking
runs what the values' classes do when they are shown.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_core.utils import ensure_async

from ...core.errors import ChatError, Forbidden, Malformed
from ...tools.inside import told_apart
from ...tools.inspect_variable import INSPECTED, MOST_CHARS
from ...tools.list_variables import LISTED
from ...tools.scope import LOOKING
from .in_kernel import NotebookKernel

if TYPE_CHECKING:
    from ...engine.session import Session
    from ..doors import ThreadDoor

_ROWS = 20
_PARTS = ("name", "type", "size", "preview")

_LIST = f"{LOOKING}{LISTED}\nimport json\ntold = json.dumps([rows, more > 0])"
_SHOW = f"""{LOOKING}
import json
shown = {{}}
for name in names:
{textwrap.indent(INSPECTED, "    ")}
    shown[name] = told if name in variables else None
told = json.dumps(shown)
"""

Items = Sequence[Mapping[str, Any]]


async def listed(door: ThreadDoor, notebook: str, limit: int) -> dict[str, Any]:
    """Name, type, shape or length, and a short value of each variable of a notebook's kernel."""
    path = _path(door, notebook)
    await _must_be_allowed(door)
    rows, more = json.loads(await _kernel(door, path).look(told_apart(_LIST, limit=limit)))
    return {"variables": [dict(zip(_PARTS, row, strict=True)) for row in rows], "more": more}


async def with_values(door: ThreadDoor, items: Items, session: Session) -> tuple[Mapping[str, Any], ...]:
    """What goes along with a message, its variables looked at now where they come without a value.

    A variable that cannot be looked at goes along with its `problem`, and the message is sent nevertheless.
    """
    wanted = [each for each in items if each["type"] == "variable" and each.get("value") is None]
    if not wanted:
        return tuple(items)
    if door.grant is not None:
        raise Forbidden("Your token does not open the notebook's kernel; send the variable with its value.")
    if not all(each.get("name") for each in wanted):
        raise Malformed("context: a variable has a name.")
    await _must_be_allowed(door)
    beside = f"{session.home.folder}/{session.conversation.notebook or ''}"
    names: dict[str, list[str]] = {}
    for each in wanted:
        names.setdefault(_path(door, each.get("notebook") or beside), []).append(str(each["name"]))
    found = {path: await _shown(door, path, of_it) for path, of_it in names.items()}
    return tuple(
        {**_bare(each), **found[_path(door, each.get("notebook") or beside)][each["name"]]} if each in wanted else each
        for each in items
    )


def _bare(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item without what an earlier look found."""
    return {name: value for name, value in item.items() if name not in ("value", "problem")}


async def _shown(door: ThreadDoor, path: str, names: Sequence[str]) -> dict[str, dict[str, str]]:
    """The `value` of each name, or the `problem` with it."""
    try:
        look = told_apart(_SHOW, names=list(names), rows=_ROWS, most=MOST_CHARS)
        values: dict[str, str | None] = json.loads(await _kernel(door, path).look(look))
    except ChatError as refused:
        return {name: {"problem": refused.message} for name in names}
    absent = f"There is no such variable in the kernel of {path}."
    return {name: {"problem": absent} if value is None else {"value": value} for name, value in values.items()}


def _path(door: ThreadDoor, notebook: str) -> str:
    """The notebook's path below the server's root, as Jupyter's sessions name it."""
    place = door.chats.places.named(notebook, None)
    if not place.notebook:
        raise Malformed("notebook: the path of a notebook below the server's root is needed.")
    return f"{place.folder}/{place.notebook}".lstrip("/")


def _kernel(door: ThreadDoor, path: str) -> NotebookKernel:
    return NotebookKernel(door.app.server, path)


async def _must_be_allowed(door: ThreadDoor) -> None:
    allowed: Any = door.authorizer.is_authorized(door, door.current_user, "execute", "kernels")
    if not await ensure_async(allowed):
        raise Forbidden("You may not look into kernels on this server.")
