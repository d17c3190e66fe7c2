"""The names a kernel's code has defined, asked along with each call at no cost of its own."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

_LONGEST = 100

NAMES = (
    "(lambda b, hidden, ns: b.str(' ').join(b.list(n for n in b.list(ns)"
    " if b.isinstance(n, b.str) and n.isidentifier() and b.len(n) <= 100"
    " and not n.startswith('_') and n not in hidden)[-1000:]))"
    "(__import__('builtins'), get_ipython().user_ns_hidden, get_ipython().user_ns)"
)
"""Evaluated in the kernel. It looks up its own builtins: code may have named a variable `list`."""


def names_in(reply: Mapping[str, Any], limit: int) -> frozenset[str] | None:
    """The names an execute reply tells, at most `limit`; `None` where it tells none. The kernel is not believed."""
    try:
        told = reply["user_expressions"]["names"]["data"]["text/plain"]
        text = ast.literal_eval(told) if isinstance(told, str) and len(told) < 200_000 else None
    except (KeyError, TypeError, ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    if not isinstance(text, str):
        return None
    names = [name for name in text.split(" ") if name.isidentifier() and len(name) <= _LONGEST]
    return frozenset(names[-limit:])
