"""An agent of your own. Offer it from your package's pyproject.toml, and choose it as `own_agent`:

[project.entry-points."jupyter_chat_sessions.agents"]
own_agent = "own_agent:Gambler"
"""

from jupyter_chat_sessions.core.roles import Done, TextDelta, ToolCallDelta


class Gambler:
    id = "own_agent"
    label = "Gambler"
    author = "model"  # what it asks tools to do is judged, as a model's

    async def answer(self, request):
        """One step: words, or tool calls; their results come with the next request."""
        newest = request.messages[-1]
        if newest["role"] == "user":
            yield TextDelta("Let us see. ")
            yield ToolCallDelta(0, "call_1", "roll_dice", '{"count": 3}')
            yield Done("tool_calls")
        else:
            yield TextDelta(f"You rolled {newest['content']}.")
