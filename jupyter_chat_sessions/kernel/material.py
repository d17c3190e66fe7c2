"""What goes with a prompt: cells of the notebook, its last error, files and values."""

from __future__ import annotations

import io
import mimetypes
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .command_line import BadLine
from .interpolation import worded
from .service import Record

MOST_BYTES = 100_000_000
MOST_NAME, MOST_VALUE = 500, 5000
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")


def cells_of(shell: Any, wanted: str) -> list[Record]:
    """The code and results of cells that ran: the last `N`, or those with the numbers `2,5-7`."""
    inputs: list[str] = shell.user_ns.get("In") or []
    outputs: Mapping[int, Any] = shell.user_ns.get("Out") or {}
    newest = len(inputs) - 2  # the last one is the cell that asks
    numbers = list(_numbers(wanted, newest))
    shown = []
    for number in numbers:
        if not 1 <= number <= newest:
            raise BadLine(f"--cells {wanted}: there is no cell [{number}]; cells 1 to {newest} have run.")
        item = {"type": "cell", "id": f"[{number}]", "kind": "code", "source": worded(inputs[number])}
        shown.append({**item, "outputs": worded(outputs[number])} if number in outputs else item)
    return shown


def _numbers(wanted: str, newest: int) -> Iterator[int]:
    if re.fullmatch(r"\d{1,6}", wanted):
        yield from range(max(1, newest - int(wanted) + 1), newest + 1)
        return
    if not re.fullmatch(r"\d{1,6}(-\d{1,6})?(,\d{1,6}(-\d{1,6})?)*", wanted):
        raise BadLine(f"--cells is how many of the last cells, or their numbers as in 2,5-7; not {wanted!r}.")
    for part in wanted.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def last_error(shell: Any) -> Record:
    """The last error in this kernel, with the code that raised it."""
    error = getattr(sys, "last_value", None)
    if error is None:
        raise BadLine("There has been no error in this kernel yet.")
    lines = shell.InteractiveTB.structured_traceback(type(error), error, error.__traceback__)
    traceback = _ANSI.sub("", "\n".join(lines))
    return {
        "type": "error",
        "ename": type(error).__name__[:MOST_NAME],
        "evalue": str(error)[:MOST_VALUE],
        "traceback": worded(traceback),
    }


def attachment(given: str, names: Mapping[str, Any], directory: Path) -> tuple[str, bytes]:
    """A name and bytes for `-a`: of a file, or of a value in braces."""
    variable = re.fullmatch(r"\{([^\W\d]\w*)\}", given)
    if variable is not None:
        if variable[1] not in names:
            raise BadLine(f"-a {given}: there is no variable {variable[1]}.")
        return _value(variable[1], names[variable[1]])
    path = (directory / given).expanduser()
    if not path.is_file():
        raise BadLine(f"-a {given}: there is no such file.")
    if path.stat().st_size > MOST_BYTES:
        raise BadLine(f"-a {given}: a file is at most {MOST_BYTES:,} bytes.")
    return path.name, path.read_bytes()


def _value(name: str, value: Any) -> tuple[str, bytes]:
    """A table as CSV, a figure as PNG, bytes as they are, anything else as text."""
    if hasattr(value, "to_csv"):
        return f"{name}.csv", str(value.to_csv()).encode()
    if hasattr(value, "savefig"):
        image = io.BytesIO()
        value.savefig(image, format="png")
        return f"{name}.png", image.getvalue()
    if isinstance(value, (bytes, bytearray)):
        return f"{name}.bin", bytes(value)
    return f"{name}.txt", (value if isinstance(value, str) else repr(value)).encode()


def media_type_of(name: str) -> str:
    """By its name's ending."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
