"""The tools of a server, by name: the built-in ones and those of other packages.

A call never raises for what was asked: an unknown tool, arguments that do not fit and a tool that fails are results,
in words an agent can act on.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from importlib.metadata import entry_points
from typing import Any

from ..core.errors import ChatError
from ..core.ids import ThreadId
from ..core.roles import Level, ToolCall, ToolContext, ToolEvent, ToolResult, ToolSpec, Workplace
from .ask_user import AskUser
from .edit_cell import EditCell
from .edit_file import EditFile
from .import_file import ImportFile
from .inspect_variable import InspectVariable
from .install_package import InstallPackage
from .list_files import ListFiles
from .list_variables import ListVariables
from .read_file import ReadFile
from .read_notebook import ReadNotebook
from .restart_kernel import RestartKernel
from .run_cell import RunCell
from .run_python import RunPython
from .run_shell import RunShell
from .schema import misfits, with_defaults
from .search_files import SearchFiles
from .show import Show
from .tool import Previewed, Tool, ToolMaker, failure
from .write_file import WriteFile

BUILT_IN: Mapping[str, ToolMaker] = {
    "ask_user": AskUser,
    "edit_cell": EditCell,
    "edit_file": EditFile,
    "import_file": ImportFile,
    "inspect_variable": InspectVariable,
    "install_package": InstallPackage,
    "list_files": ListFiles,
    "list_variables": ListVariables,
    "read_file": ReadFile,
    "read_notebook": ReadNotebook,
    "restart_kernel": RestartKernel,
    "run_cell": RunCell,
    "run_python": RunPython,
    "run_shell": RunShell,
    "search_files": SearchFiles,
    "show": Show,
    "write_file": WriteFile,
}
GROUP = "jupyter_chat_sessions.tools"
"""The entry points under which other packages offer tools: each names a `ToolMaker`."""

_log = logging.getLogger(__name__)


def offered_tools() -> dict[str, ToolMaker]:
    """The tools other packages offer. One that cannot be loaded is logged and left out."""
    found: dict[str, ToolMaker] = {}
    for each in entry_points(group=GROUP):
        if each.name in BUILT_IN:  # always there, and always ours
            continue
        try:
            found[each.name] = each.load()
        except Exception:  # another package's fault must not cost the chat its tools
            _log.exception("The tool %r of %r cannot be loaded.", each.name, each.value)
    return found


class ToolBox:
    """The `Tools` of a server, over its workplace. `makers` in place of the built-in and offered ones, if given."""

    def __init__(self, workplace: Workplace, makers: Mapping[str, ToolMaker] | None = None) -> None:
        self._workplace, self._makers = workplace, makers
        self._made: dict[str, Tool] | None = None

    def _tools(self) -> dict[str, Tool]:
        """Made at the first question, sorted by name, so that what an agent is told stays the same."""
        if self._made is None:
            makers = {**offered_tools(), **BUILT_IN} if self._makers is None else self._makers
            made: dict[str, Tool] = {}
            for name, make in makers.items():
                made |= self._named(name, make)
            self._made = dict(sorted(made.items()))
        return self._made

    def _named(self, name: str, make: ToolMaker) -> dict[str, Tool]:
        """The tool by its own name; none where it cannot be made, or would take a built-in one's place."""
        try:
            tool = make(self._workplace)
            own = tool.spec.name
        except Exception:  # another package's fault must not cost the chat its tools
            _log.exception("The tool %r cannot be made.", name)
            return {}
        if own in BUILT_IN and BUILT_IN[own] is not make:
            _log.error("The tool %r calls itself %r, which is there already; it is left out.", name, own)
            return {}
        return {own: tool}

    def specs(self) -> Sequence[ToolSpec]:
        return [tool.spec for tool in self._tools().values()]

    @property
    def level(self) -> Level:
        return self._workplace.sandbox.level

    def names(self, thread_id: ThreadId) -> frozenset[str]:
        return self._workplace.sandbox.names(thread_id)

    async def preview(self, call: ToolCall, context: ToolContext) -> Mapping[str, Any] | ToolResult:
        """What a person is shown before they allow the call; its result where it could not run anyway."""
        tool = self._fitting(call)
        if isinstance(tool, ToolResult) or not isinstance(tool, Previewed):
            return tool if isinstance(tool, ToolResult) else {}
        try:
            return await tool.preview(with_defaults(call.arguments, tool.spec.parameters), context)
        except ChatError as error:
            return failure(error.message)
        except Exception as error:
            _log.exception("The tool %s failed.", call.name)
            return failure(f"{call.name} failed: {type(error).__name__}: {error}")

    def _fitting(self, call: ToolCall) -> Tool | ToolResult:
        """The tool, where the call's arguments fit it; else what to tell the agent."""
        tool = self._tools().get(call.name)
        if tool is None:
            return failure(f"There is no tool {call.name!r}. Tools: {', '.join(self._tools())}.")
        wrong = "; ".join(misfits(call.arguments, tool.spec.parameters))
        return failure(f"These arguments do not fit {call.name}: {wrong}.") if wrong else tool

    async def call(self, call: ToolCall, context: ToolContext) -> AsyncGenerator[ToolEvent, None]:
        """Runs the call. The last event is its only `ToolResult`; closing the iterator stops the work."""
        tool = self._fitting(call)
        if isinstance(tool, ToolResult):
            yield tool
            return
        try:
            arguments = with_defaults(call.arguments, tool.spec.parameters)
            async with aclosing(_until_result(tool, arguments, context)) as events:
                async for event in events:
                    yield event
        except ChatError as error:
            yield failure(error.message)
        except Exception as error:  # a tool's fault ends its call, not the run
            _log.exception("The tool %s failed.", call.name)
            yield failure(f"{call.name} failed: {type(error).__name__}: {error}")


async def _until_result(
    tool: Tool, arguments: Mapping[str, Any], context: ToolContext
) -> AsyncGenerator[ToolEvent, None]:
    events = tool.run(arguments, context)
    try:
        async for event in events:
            yield event
            if isinstance(event, ToolResult):
                return
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()
    yield failure(f"{tool.spec.name} ended without a result.")
