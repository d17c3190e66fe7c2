from __future__ import annotations

from typing import Any

import pytest

from jupyter_chat_sessions.tools.schema import misfits, with_defaults
from jupyter_chat_sessions.tools.tool import parameters

SCHEMA = parameters(
    ("code",),
    code={"type": "string", "minLength": 1, "maxLength": 10, "pattern": "^[a-z]*$"},
    seconds={"type": "integer", "minimum": 1, "maximum": 600, "default": 60},
    mode={"enum": ["fast", "slow"]},
    names={"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
    extra={"type": ["object", "null"], "properties": {"deep": {"type": "number"}}},
)


@pytest.mark.parametrize(
    "arguments",
    [
        {"code": "x"},
        {"code": "x", "seconds": 600, "mode": "slow", "names": ["a", "b"], "extra": None},
        {"code": "x", "extra": {"deep": 1.5, "other": "is not forbidden here"}},
    ],
)
def test_arguments_that_fit_are_taken(arguments: dict[str, Any]) -> None:
    assert list(misfits(arguments, SCHEMA)) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "code is missing"),
        ({"code": 3}, "code must be of type string, not 3"),
        ({"code": ""}, "code must not be empty"),
        ({"code": "x" * 11}, "code is longer than 10 characters"),
        ({"code": "X"}, "code must match"),
        ({"code": "x", "seconds": True}, "seconds must be of type integer, not True"),
        ({"code": "x", "seconds": 0}, "seconds must be at least 1, not 0"),
        ({"code": "x", "seconds": 601}, "seconds must be at most 600"),
        ({"code": "x", "mode": "warp"}, "mode must be one of 'fast', 'slow', not 'warp'"),
        ({"code": "x", "names": []}, "names must have at least 1 items"),
        ({"code": "x", "names": ["a", 2]}, "names[1] must be of type string, not 2"),
        ({"code": "x", "extra": {"deep": "1"}}, "extra.deep must be of type number, not '1'"),
        ({"code": "x", "cwd": "/"}, "cwd is not known here; known are code, seconds"),
        ("code", "the arguments must be of type object, not 'code'"),
    ],
)
def test_what_does_not_fit_is_told_in_words_that_help(arguments: Any, words: str) -> None:
    told = list(misfits(arguments, SCHEMA))
    assert len(told) == 1
    assert words in told[0]


def test_defaults_stand_in_for_what_was_not_given() -> None:
    assert with_defaults({"code": "x"}, SCHEMA) == {"code": "x", "seconds": 60}
    assert with_defaults({"code": "x", "seconds": 5}, SCHEMA) == {"code": "x", "seconds": 5}
