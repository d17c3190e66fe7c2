"""The agent for providers with a wire of their own (Anthropic, Google, Bedrock …), through the library pydantic-ai.

The library stalls the loop it is imported beside for longer than a chat may stall (150 ms, from a worker thread), and
costs ten times what our own wire does a piece. So it lives in a process of its own, one a server, started at the first
request: `agent` is one step of it, in the server; `worker` starts the process and speaks with it, a line of JSON at a
time; `child` is that process; `translation` puts our messages and its events into each other's words, `failing` its
failures into codes of ours.
"""

from .agent import PydanticAI
from .worker import close_workers

__all__ = ["PydanticAI", "close_workers"]
