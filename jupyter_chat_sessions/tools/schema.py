"""Whether a call's arguments fit a tool's parameters: the part of JSON Schema that tools use.

Known: `type`, `properties`, `required`, `additionalProperties: false`, `enum`, `minimum`, `maximum`, `minLength`,
`maxLength`, `pattern`, `items`, `minItems`, `maxItems`. Other keywords are for the agent's eyes only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_IS: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "null": lambda value: value is None,
}


def _is_anything(value: Any) -> bool:
    """For a kind that JSON Schema does not know: the tool itself says what does not fit."""
    return True


def misfits(value: Any, schema: Mapping[str, Any], name: str = "") -> Iterator[str]:
    """What does not fit, each as a sentence an agent can act on. Nothing where all fits."""
    where = name or "the arguments"
    kinds = schema.get("type")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(_IS.get(kind, _is_anything)(value) for kind in kinds):
        yield f"{where} must be of type {' or '.join(kinds)}, not {_shown(value)}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where} must be one of {', '.join(map(repr, schema['enum']))}, not {_shown(value)}"
    if isinstance(value, Mapping):
        yield from _object_misfits(value, schema, name)
    elif isinstance(value, list):
        yield from _array_misfits(value, schema, where)
    elif isinstance(value, str):
        yield from _string_misfits(value, schema, where)
    elif isinstance(value, (int, float)):
        yield from _number_misfits(value, schema, where)


def _object_misfits(value: Mapping[str, Any], schema: Mapping[str, Any], name: str) -> Iterator[str]:
    known = schema.get("properties", {})
    for each in schema.get("required", ()):
        if each not in value:
            yield f"{each} is missing"
    for each, inner in value.items():
        path = f"{name}.{each}" if name else each
        if each in known:
            yield from misfits(inner, known[each], path)
        elif schema.get("additionalProperties", True) is False:
            yield f"{path} is not known here; known are {', '.join(known) or 'no arguments'}"


def _array_misfits(value: list[Any], schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if len(value) < schema.get("minItems", 0):
        yield f"{where} must have at least {schema['minItems']} items"
    if len(value) > schema.get("maxItems", len(value)):
        yield f"{where} must have at most {schema['maxItems']} items"
    for at, each in enumerate(value):
        yield from misfits(each, schema.get("items", {}), f"{where}[{at}]")


def _string_misfits(value: str, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{where} must not be empty" if not value else f"{where} is shorter than {schema['minLength']} characters"
    if len(value) > schema.get("maxLength", len(value)):
        yield f"{where} is longer than {schema['maxLength']} characters"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{where} must match {schema['pattern']}, not {_shown(value)}"


def _number_misfits(value: float, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if value < schema.get("minimum", value):
        yield f"{where} must be at least {schema['minimum']}, not {_shown(value)}"
    if value > schema.get("maximum", value):
        yield f"{where} must be at most {schema['maximum']}, not {_shown(value)}"


def with_defaults(arguments: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, and the default of each that was not given."""
    known = schema.get("properties", {})
    return {name: each["default"] for name, each in known.items() if "default" in each} | dict(arguments)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
