"""Code of ours that runs in a thread's kernel without leaving a trace among the person's variables."""

from __future__ import annotations

from typing import Any


def run_apart(source: str, **given: Any) -> str:
    """Python code that runs `source` in a namespace of its own.

    `source` finds the given values by name (their reprs are Python) and the person's variables in `variables`.
    """
    values = "".join(f"{name!r}: {value!r}, " for name, value in given.items())
    builtins = "__import__('builtins')"  # code may have named a variable `exec`
    namespace = f"{{{values}'__name__': '<tool>', 'variables': {builtins}.globals()}}"
    return f"{builtins}.exec({builtins}.compile({source!r}, '<tool>', 'exec'), {namespace})"
