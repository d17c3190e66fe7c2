"""The agent for every server that speaks chat completions: `POST …/chat/completions`, streamed.

`agent` is one step of it; `body` writes the request; `endpoint` sends it and gives what comes back, `sse` being how it
is framed; `reading` turns that into events; `failures` says in our words what went wrong; `patience` bounds each wait.
`model_agent` is what agents of providers with a wire of their own share with it.
"""

from .agent import OpenAICompatible
from .model_agent import Limits

__all__ = ["Limits", "OpenAICompatible"]
