"""A tool of your own. Offer it from your package's pyproject.toml, and every model can use it:

[project.entry-points."jupyter_chat_sessions.tools"]
roll_dice = "own_tool:RollDice"
"""

import random

from jupyter_chat_sessions.core.roles import ToolResult, ToolSpec
from jupyter_chat_sessions.tools import parameters


class RollDice:
    spec = ToolSpec(
        "roll_dice",
        "Roll dice with six sides.",
        parameters(count={"type": "integer", "minimum": 1, "maximum": 10, "default": 2}),
        stays_in_thread=True,  # of what may reach further, the owner is asked when a visitor would have it run
    )

    def __init__(self, workplace):  # workplace.sandbox runs code in the chat's own kernel and knows its folder
        self.sandbox = workplace.sandbox

    async def run(self, arguments, context):
        yield ToolResult(" ".join(str(random.randint(1, 6)) for _ in range(arguments["count"])))
