"""Code of ours that runs in a Python kernel without leaving a trace among the variables there."""

from __future__ import annotations

from typing import Any

_BUILTINS = "__import__('builtins')"  # code may have named a variable `exec`


def run_apart(source: str, **given: Any) -> str:
    """Python code that runs `source` in a namespace of its own.

    `source` finds the given values by name (their reprs are Python) and the kernel's variables in `variables`.
    """
    return f"{_BUILTINS}.exec({_compiled(source)}, {_namespace(given)})"


def told_apart(source: str, **given: Any) -> str:
    """A Python expression: the text that `source` leaves in `told`, run as by `run_apart`."""
    run = f"{_BUILTINS}.exec({_compiled(source)}, space)"
    return f"(lambda space: ({run}, space['told'])[1])({_namespace(given)})"


def _compiled(source: str) -> str:
    return f"{_BUILTINS}.compile({source!r}, '<tool>', 'exec')"


def _namespace(given: dict[str, Any]) -> str:
    values = "".join(f"{name!r}: {value!r}, " for name, value in given.items())
    return f"{{{values}'__name__': '<tool>', 'variables': {_BUILTINS}.globals()}}"
