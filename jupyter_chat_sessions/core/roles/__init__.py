"""The parts a chat is played by, as protocols, each with the values it takes and gives.

`agent`: who answers. `tools`: what tools do. `workplace`: where they work. `journal`: where a thread is kept. `viewer`:
who watches. Implementations live in folders that do not know each other; a composition root (`server`, `local`) joins
them. Agents and tools of other packages import what they need from here.
"""

from .agent import Agent, AgentEvent, Done, ReasoningDelta, Request, RequestSent, TextDelta, ToolCallDelta, Usage
from .journal import Decide, Draft, Journal, Page, Writing
from .tools import (
    Artifact,
    Author,
    Consent,
    Level,
    Permission,
    ToolCall,
    ToolContext,
    ToolEvent,
    ToolOutput,
    ToolResult,
    Tools,
    ToolSpec,
    ToolStatus,
)
from .viewer import Viewer
from .workplace import Cell, CellEdit, Notebook, Sandbox, Workplace

__all__ = [
    "Agent",
    "AgentEvent",
    "Artifact",
    "Author",
    "Cell",
    "CellEdit",
    "Consent",
    "Decide",
    "Done",
    "Draft",
    "Journal",
    "Level",
    "Notebook",
    "Page",
    "Permission",
    "ReasoningDelta",
    "Request",
    "RequestSent",
    "Sandbox",
    "TextDelta",
    "ToolCall",
    "ToolCallDelta",
    "ToolContext",
    "ToolEvent",
    "ToolOutput",
    "ToolResult",
    "ToolSpec",
    "ToolStatus",
    "Tools",
    "Usage",
    "Viewer",
    "Workplace",
    "Writing",
]
