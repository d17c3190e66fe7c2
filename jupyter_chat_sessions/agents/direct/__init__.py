"""Direct mode: the agent that needs no model, no key and no network. It runs what a person types.

`classify` says what a message is, `commands` holds the slash commands, `explain` says what an error means, and
`agent` joins them, one step at a time.
"""

from .agent import DirectAgent

__all__ = ["DirectAgent"]
