"""The agent for every server that speaks chat completions: `POST …/chat/completions`, streamed.

`agent` is one step of it; `body` writes the request; `endpoint` sends it and gives what comes back, `sse` being how it
is framed; `reading` turns that into events; `failures` says in our words what went wrong; `patience` bounds each wait.
"""

from .agent import Limits, OpenAICompatible, agent_for
from .endpoint import close_clients

__all__ = ["Limits", "OpenAICompatible", "agent_for", "close_clients"]
