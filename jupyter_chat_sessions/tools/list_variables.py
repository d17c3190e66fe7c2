"""`list_variables`: what the chat's Python, or the notebook's kernel, has in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from ..core.roles import ToolContext, ToolEvent, ToolSpec, Workplace
from .scope import CONSENT, SCOPE, looked
from .tool import parameters

LISTED = """
import types
from IPython import get_ipython

hidden = get_ipython().user_ns_hidden

def glimpse(value):
    if isinstance(shape := attempt(lambda each: each.shape, value), tuple) and len(shape) > 0:
        columns = attempt(lambda each: list(map(str, itertools.islice(each.columns, 8))), value)
        return "columns " + ", ".join(columns) if columns else str(attempt(lambda each: each.dtype, value) or "")
    text = attempt(short.repr, value)
    text = "(cannot be shown)" if text is None else " ".join(text.split())
    return text if len(text) <= 80 else text[:77] + "..."

names = [
    name for name, value in list(variables.items())
    if isinstance(name, str) and not name.startswith("_") and name not in hidden
    and not isinstance(value, types.ModuleType)
]
rows = [
    (name, type(variables[name]).__name__, size(variables[name]), glimpse(variables[name])) for name in names[:limit]
]
more = len(names) - len(rows)
"""
"""What finds name, type, shape or length, and a short value of each variable: at most `limit` `rows`, and `more`."""

_SOURCE = f"""{LISTED}
lines = list(map(" | ".join, rows))
if more:
    lines.append("... and %d more" % more)
told = "\\n".join(lines) or "(no variables)"
"""


class ListVariables:
    """Lists names, types, sizes and a glimpse of each value."""

    spec = ToolSpec(
        "list_variables",
        "List variables: name | type | shape or length | short value. scope notebook looks into the person's own "
        "kernel and asks them first.",
        parameters(limit={"type": "integer", "minimum": 1, "maximum": 500, "default": 100}, scope=SCOPE),
        consent=CONSENT,
        stays_in_thread=True,
    )

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncIterator[ToolEvent]:
        return looked(self._workplace, arguments["scope"], _SOURCE, context, limit=arguments["limit"])
