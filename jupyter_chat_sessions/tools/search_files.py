"""`search_files`: lines with a text, or that fit a pattern, in the files of the chat's folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from ..core.roles import ToolContext, ToolEvent, ToolSpec, Workplace
from .inside import run_apart
from .tool import parameters

_SECONDS = 30
# In the chat's own process, because a pattern can take for ever: there it is interrupted, and costs nobody else.
_SOURCE = r"""
import fnmatch, os, re

wanted = re.compile(query if regex else re.escape(query))
found = files = 0
for here, folders, names in os.walk(folder):
    folders[:] = sorted(name for name in folders if not name.startswith("."))
    for name in sorted(names):
        path = os.path.join(here, name)
        shown = os.path.relpath(path, folder).replace(os.sep, "/")
        if name.startswith(".") or os.path.islink(path) or not os.path.isfile(path):
            continue
        if glob and not fnmatch.fnmatchcase(shown, glob[3:] if glob.startswith("**/") else glob):
            continue
        try:
            with open(path, "rb") as file:
                head = file.read(8192)
                if b"\0" in head:
                    continue
                file.seek(0)
                lines = file.read(16_000_000).decode("utf-8", "replace").splitlines()
        except OSError:
            continue
        files += 1
        for number, line in enumerate(lines, 1):
            if wanted.search(line):
                found += 1
                if found <= limit:
                    print("%s:%d: %s" % (shown, number, line if len(line) <= 300 else line[:297] + "..."))
if found > limit:
    print("... and %d more" % (found - limit))
if not found:
    print("(no matches in %d text files)" % files)
"""


class SearchFiles:
    """Searches text files line by line."""

    spec = ToolSpec(
        "search_files",
        "Find lines in the text files of this chat's folder: path:line: text. Binary and hidden files are left out.",
        parameters(
            ("query",),
            query={"type": "string", "minLength": 1, "maxLength": 1000, "description": "Text, case and all."},
            regex={"type": "boolean", "default": False, "description": "Whether query is a regular expression."},
            glob={"type": "string", "minLength": 1, "description": "Only these files, such as *.py; * also spans /."},
            max={"type": "integer", "minimum": 1, "maximum": 500, "default": 50},
        ),
        stays_in_thread=True,
    )

    def __init__(self, workplace: Workplace) -> None:
        self._sandbox = workplace.sandbox

    def run(self, arguments: Mapping[str, Any], context: ToolContext) -> AsyncIterator[ToolEvent]:
        code = run_apart(
            _SOURCE,
            folder=str(self._sandbox.folder(context)),
            query=arguments["query"],
            regex=arguments["regex"],
            glob=arguments.get("glob"),
            limit=arguments["max"],
        )
        return self._sandbox.run(code, context, timeout_s=_SECONDS)
