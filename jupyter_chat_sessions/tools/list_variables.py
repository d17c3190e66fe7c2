"""`list_variables`: what the chat's Python has in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from ..core.roles import ToolContext, ToolEvent, ToolSpec, Workplace
from .inside import run_apart
from .tool import parameters

_SECONDS = 10
_SOURCE = '''
import itertools, reprlib, types
from IPython import get_ipython

short = reprlib.Repr()
short.maxstring = short.maxother = 60
short.maxlist = short.maxtuple = short.maxset = short.maxdict = 4
hidden = get_ipython().user_ns_hidden

def attempt(look, value):
    """What looking tells; a variable whose class raises is still listed."""
    try:
        return look(value)
    except Exception:
        return None

def size(value):
    shape = attempt(lambda each: each.shape, value)
    if isinstance(shape, tuple):
        return "x".join(map(str, shape)) or "scalar"
    length = attempt(len, value) if not isinstance(value, type) else None
    return "" if length is None else str(length)

def told(value):
    if isinstance(shape := attempt(lambda each: each.shape, value), tuple) and len(shape) > 0:
        columns = attempt(lambda each: list(map(str, itertools.islice(each.columns, 8))), value)
        return "columns " + ", ".join(columns) if columns else str(attempt(lambda each: each.dtype, value) or "")
    text = attempt(short.repr, value)
    text = "(cannot be shown)" if text is None else " ".join(text.split())
    return text if len(text) <= 80 else text[:77] + "..."

names = [
    name for name, value in variables.items()
    if isinstance(name, str) and not name.startswith("_") and name not in hidden
    and not isinstance(value, types.ModuleType)
]
if not names:
    print("(no variables)")
for name in names[:limit]:
    value = variables[name]
    print(" | ".join((name, type(value).__name__, size(value), told(value))))
if len(names) > limit:
    print("... and %d more" % (len(names) - limit))
'''


class ListVariables:
    """Lists names, types, sizes and a glimpse of each value."""

    spec = ToolSpec(
        "list_variables",
        "List the variables of this chat's Python: name | type | shape or length | short value.",
        parameters(limit={"type": "integer", "minimum": 1, "maximum": 500, "default": 100}),
    )

    def __init__(self, workplace: Workplace) -> None:
        self._sandbox = workplace.sandbox

    def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncIterator[ToolEvent]:
        code = run_apart(_SOURCE, limit=arguments["limit"])
        return self._sandbox.run(code, context, timeout_s=_SECONDS)
