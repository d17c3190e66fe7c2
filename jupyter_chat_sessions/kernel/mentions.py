"""`@name` in a prompt: the value of that name goes along beside the words, which stay as they were typed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Collection, Mapping
from types import ModuleType
from typing import Any

from .interpolation import worded
from .service import Record

MOST_MENTIONS = 20

_MENTION = re.compile(r"(?<![\w.)\]}@`'\"])@([^\W\d]\w*)")
_DECORATOR = re.compile(r"^[ \t]*@[^\n]*\n(?=\s*(?:@|def\b|class\b|async\b))", re.MULTILINE)


def mentioned(text: str, names: Mapping[str, Any], hidden: Collection[str] = ()) -> list[Record]:
    """The values that a text names, as what goes along with a message. A decorator in code names none."""
    found = dict.fromkeys(match[1] for match in _MENTION.finditer(_DECORATOR.sub("\n", text)))
    wanted = [name for name in found if name in names and name not in hidden]
    return [{"type": "variable", "name": name, "value": shown(name, names[name])} for name in wanted[:MOST_MENTIONS]]


def shown(name: str, value: Any) -> str:
    """A value by its kind and what there is to see of it: the source of what has one, else as in a prompt."""
    kind = type(value)
    return f"{name}: {kind.__module__}.{kind.__qualname__}\n{worded(_source(value) or value)}"


def _source(value: Any) -> str | None:
    if isinstance(value, ModuleType) or not (inspect.isroutine(value) or inspect.isclass(value)):
        return None
    try:
        return inspect.getsource(value)
    except (OSError, TypeError):  # it is built in, or its source has gone
        return None
