"""An agent that does what it is told, as a model would: fenced Python becomes tool calls, as does JSON in a fence named
`call` and a tool; `ask me:` becomes a question to the person, and other words are said back."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator

from jupyter_chat_sessions.core.roles import AgentEvent, Author, Done, Request, TextDelta, ToolCallDelta, Usage
from jupyter_chat_sessions.core.transcript import text_of

FENCE = re.compile(r"```(python|call (\w+))\n(.*?)\n?```", re.DOTALL)


class Asking:
    """One tool call for each fence in the question, all in one step; then it says what came back."""

    id = "asking"
    label = "A model for tests"
    author: Author = "model"

    async def answer(self, request: Request) -> AsyncGenerator[AgentEvent, None]:
        newest = request.messages[-1]
        if newest["role"] == "tool":
            yield TextDelta(f"The tool said: {newest['content'].strip()}")
        elif fences := FENCE.findall(text_of(newest)):
            yield TextDelta("Let me run this.")
            for place, (kind, tool, text) in enumerate(fences):
                arguments = json.dumps({"code": text}) if kind == "python" else text
                yield ToolCallDelta(place, f"call_{place}", tool or "run_python", arguments)
            yield Done("tool_calls")
        elif text_of(newest).startswith("ask me: "):
            question = {"question": text_of(newest).removeprefix("ask me: "), "choices": ["red", "blue"]}
            yield ToolCallDelta(0, "call_ask", "ask_user", json.dumps(question))
            yield Done("tool_calls")
        else:
            for word in text_of(newest).split(" "):
                yield TextDelta(f"{word} ")
                await asyncio.sleep(0)
            yield Usage(1200, 80)
