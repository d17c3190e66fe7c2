"""`inspect_variable`: one variable, close enough to work with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from ..core.roles import ToolContext, ToolEvent, ToolSpec, Workplace
from .scope import CONSENT, SCOPE, looked
from .tool import parameters

MOST_CHARS = 6_000
INSPECTED = '''
import inspect

long = reprlib.Repr()
long.maxstring = long.maxother = 1000
long.maxlist = long.maxtuple = long.maxset = long.maxdict = long.maxdeque = long.maxfrozenset = rows

def head(value):
    """The first rows of what has rows, else what it shows of itself."""
    table = attempt(lambda each: each.head(rows).to_string(max_cols=30, max_colwidth=60), value)
    if not isinstance(table, str):
        table = attempt(lambda each: each.head(rows).to_string(), value)
    if isinstance(table, str):
        return table
    if attempt(lambda each: len(each.shape) > 0, value):
        return attempt(lambda each: repr(each[:rows]), value) or attempt(lambda each: str(each)[:2000], value)
    return attempt(long.repr, value)

if name not in variables:
    told = "There is no variable named %s." % name
else:
    value = variables[name]
    kind = type(value)
    lines = ["%s: %s.%s" % (name, kind.__module__, kind.__qualname__)]
    if extent := size(value):
        lines.append("size: " + extent)
    types = attempt(lambda each: {str(k): str(v) for k, v in itertools.islice(each.dtypes.items(), 50)}, value)
    if types:
        lines.append("columns: " + ", ".join("%s %s" % pair for pair in types.items()))
    elif (dtype := attempt(lambda each: each.dtype, value)) is not None:
        lines.append("dtype: %s" % dtype)
    if callable(value):
        lines.append("call: %s%s" % (name, attempt(inspect.signature, value) or "(...)"))
        doc = attempt(inspect.getdoc, value)
        lines += [doc[:1000]] if doc else []
    else:
        lines.append(head(value) or "(cannot be shown)")
    told = "\\n".join(lines)
    if len(told) > most:
        told = told[:most] + "\\n[cut here]"
'''
"""What leaves in `told` the look at the variable `name`: its first `rows`, and `most` characters."""


class InspectVariable:
    """Tells a variable's type, size, columns and first rows."""

    spec = ToolSpec(
        "inspect_variable",
        "Look at one variable: type, size, columns and first rows, or its signature. scope notebook looks into the "
        "person's own kernel and asks them first.",
        parameters(
            ("name",),
            name={
                "type": "string",
                "pattern": r"^[^\W\d]\w*$",
                "maxLength": 200,
                "description": "A name, no expression.",
            },
            scope=SCOPE,
            max_rows={"type": "integer", "minimum": 1, "maximum": 100, "default": 20},
        ),
        consent=CONSENT,
        stays_in_thread=True,
    )

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace

    def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncIterator[ToolEvent]:
        return looked(
            self._workplace,
            arguments["scope"],
            INSPECTED,
            context,
            name=arguments["name"],
            rows=arguments["max_rows"],
            most=MOST_CHARS,
        )
