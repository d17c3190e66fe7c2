"""A long thread of everything a chat shows, as a server would have written it, and an answer of the same kinds to come
piece by piece."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

CREATED = "2026-11-21T10:00:00.000Z"

PROSE = """The **rows** are read once and kept; what is asked later comes out of *memory*. Two things follow:

- a second question about the same file costs nothing,
- a file that changed meanwhile is read again, because its `mtime` is looked at first.

1. Read the file.
2. Keep what is needed of it, and [say where it came from](https://jupyter.org).
3. Throw the rest away.
"""
CODE = """This does it:

```python
from pathlib import Path


def longest(folder: Path) -> str:
    \"\"\"The longest line of all files.\"\"\"
    lines = (line for path in folder.glob("*.txt") for line in path.read_text().splitlines())
    return max(lines, key=len, default="")
```

Call it with the folder your notebook is in; an empty folder gives an empty text.
"""
TABLE = """Here is what came out of the three runs:

| run | rows | seconds | rows a second |
|---|---:|---:|---:|
| first | 10,000 | 1.92 | 5,208 |
| second | 100,000 | 18.75 | 5,333 |
| third | 1,000,000 | 190.01 | 5,263 |

So the time grows with the rows, and nothing else.
"""
MATH = r"""The mean of what was drawn is near the mean of all, and its spread falls with the root of $n$:

$$\bar{x} = \frac{1}{n}\sum_{i=1}^{n} x_i, \qquad \operatorname{Var}(\bar{x}) = \frac{\sigma^2}{n}$$

With $\sigma = 2$ and $n = 400$ that is $0.1$, small enough for what is asked here.
"""
KINDS = (PROSE, CODE, TABLE, MATH)

_PROGRAM = "import pandas as pd\n\nframe = pd.read_csv('rows.csv')\nprint(frame.dtypes)\nframe.head()"
_PRINTED = "\n".join(f"\x1b[32mcolumn_{number}\x1b[0m    float64" for number in range(12)) + "\n"
_CELLS = "".join(f"<tr><th>{row}</th>{''.join(f'<td>{row * col}</td>' for col in range(6))}</tr>" for row in range(5))
_OUTPUTS = [
    {"output_type": "stream", "name": "stdout", "text": _PRINTED},
    {"output_type": "execute_result", "metadata": {}, "data": {"text/html": f"<table>{_CELLS}</table>"}},
]


def write_thread(folder: Path, notebook: str, messages: int) -> str:
    """The id of a new thread of that notebook with at least so many messages; its last says `END <id>`."""
    thread_id = str(uuid.uuid4())
    place = folder / ".chats" / thread_id
    place.mkdir(parents=True)
    lines = [{"type": "header", "schema_version": 1, "guid": thread_id, "created": CREATED, "notebook": notebook}]
    lines += ({**line, "schema_version": 1, "created": CREATED} for line in _lines(messages, f"END {thread_id}"))
    (place / "chat.jsonl").write_text("".join(json.dumps({**line, "seq": at}) + "\n" for at, line in enumerate(lines)))
    return thread_id


def _lines(messages: int, end: str) -> Iterator[dict[str, Any]]:
    previous: str | None = None
    written = 0
    for turn in count():
        run, asked = str(uuid.uuid4()), str(uuid.uuid4())
        said = list(_answer(turn))
        written += 1 + len(said)
        if written >= messages:
            said.append({"role": "assistant", "content": f"{PROSE}\n{end}"})
        question = {"id": asked, "role": "user", "content": f"Question {turn}: what of the rows in `rows.csv`?"}
        yield {"type": "message", "message": question, "run_id": run}
        yield {"type": "start", "run_id": run, "message_id": asked, "parent_run_id": previous, "model": "paced"}
        for message in said:
            yield {"type": "message", "message": {"id": f"msg_{uuid.uuid4()}", **message}, "run_id": run}
        yield {"type": "run", "run_id": run, "outcome": "success", "usage": None}
        if written >= messages:
            return
        previous = run


def _answer(turn: int) -> Iterator[dict[str, Any]]:
    """What is said in a turn: one kind of words, or a call of a tool, what came of it, and words."""
    if turn % 5 < len(KINDS):
        yield {"role": "assistant", "content": f"Answer {turn}\n\n{KINDS[turn % 5]}"}
        return
    call = f"call_{turn}"
    function = {"name": "run_python", "arguments": json.dumps({"code": _PROGRAM})}
    calls = [{"id": call, "type": "function", "function": function}]
    yield {"role": "assistant", "content": "Let me look.", "toolCalls": calls}
    record = {"outputs": _OUTPUTS, "duration_ms": 412}
    yield {"role": "tool", "toolCallId": call, "content": _PRINTED, "metadata": {"jupyter": record}}
    yield {"role": "assistant", "content": f"Answer {turn}: twelve columns, all of them numbers."}


def recitation(tokens: int, kind: str = "mixed") -> list[str]:
    """An answer in so many tokens of four letters or so: of all kinds of words, or else one long `list` or `code`."""
    pieces = (piece for part in _parts(kind) for piece in re.findall(r"\s*\S{1,4}|\s+", part))
    return list(islice(pieces, tokens))


def _parts(kind: str) -> Iterator[str]:
    if kind == "code":
        yield "All of it:\n\n```python\n"
    for part in count():
        if kind == "mixed":
            yield f"## Part {part}\n\n{KINDS[part % len(KINDS)]}\n"
        elif kind == "list":
            yield f"- Point {part}: the **rows** are read once and kept, see `rows.csv`.\n"
        else:
            yield f"def row_{part}(rows: list[int]) -> int:\n    return rows[{part}] + {part}  # the row\n\n\n"
