"""`{name}` in a prompt becomes the value of that name; everything else in braces stays as it stands.

Only a name that there is, followed by attributes and indices, is meant: `{"k": [1]}`, `{}`, `{x:.2f}` and `{{x}}` are
text. `{name!r}` gives the repr.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MOST = 8_000
"""Characters of one value. More is cut, and the cut is told."""

_STEP = r"\.[^\W\d]\w*|\[-?\d+\]|\['[^'\]]*'\]|\[\"[^\"\]]*\"\]"
_PLACE = re.compile(rf"(?<!\{{)\{{([^\W\d]\w*)((?:{_STEP})*)(!r)?\}}(?!\}})")
_STEPS = re.compile(_STEP)


class NoSuchValue(LookupError):
    """The name is there; what follows it leads nowhere."""


def interpolated(text: str, names: Mapping[str, Any]) -> str:
    """The text with values in it. `NoSuchValue` where a path from a name that there is leads nowhere."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in names:
            return match[0]
        return worded(_reached(names[match[1]], match), is_repr=match[3] is not None)

    return _PLACE.sub(value, text)


def _reached(value: Any, match: re.Match[str]) -> Any:
    for step in _STEPS.findall(match[2]):
        try:
            value = getattr(value, step[1:]) if step.startswith(".") else value[_key(step[1:-1])]
        except (AttributeError, LookupError, TypeError) as missing:
            raise NoSuchValue(
                f"{match[0]}: {step} is not there ({missing}). With --raw, text stays as it is."
            ) from None
    return value


def _key(written: str) -> int | str:
    return written[1:-1] if written[0] in "'\"" else int(written)


def worded(value: Any, *, is_repr: bool = False) -> str:
    """A value as a model can read it: a table by its shape, types and first rows."""
    if isinstance(value, str) and not is_repr:
        return _cut(value)
    is_table = all(hasattr(value, name) for name in ("head", "dtypes", "shape"))
    return _cut(_table(value) if is_table and not is_repr else repr(value) if is_repr else str(value))


def _table(value: Any) -> str:
    size = " by ".join(f"{length:,}" for length in value.shape)
    return f"{type(value).__name__}, {size}\n\n{value.dtypes}\n\n{value.head()}"


def _cut(text: str) -> str:
    return text if len(text) <= MOST else f"{text[:MOST]}\n[… {len(text) - MOST:,} characters more]"
