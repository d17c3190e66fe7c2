"""An agent that recites Markdown at a pace: `recite 2000 mixed` says 2000 tokens, 200 a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from mixed_thread import recitation

from jupyter_chat_sessions.core.roles import AgentEvent, Author, Done, Request, TextDelta
from jupyter_chat_sessions.core.transcript import text_of

RATE = 200


class Paced:
    """It speaks by the clock: what was late is made up for, so the pace is kept on a busy machine too."""

    id = "paced"
    label = "Paced"
    author: Author = "model"

    async def answer(self, request: Request) -> AsyncGenerator[AgentEvent, None]:
        clock = asyncio.get_running_loop()
        _, tokens, kind = text_of(request.messages[-1]).split()
        began = clock.time()
        for number, token in enumerate(recitation(int(tokens), kind)):
            await asyncio.sleep(max(began + number / RATE - clock.time(), 0))
            yield TextDelta(token)
        yield Done()
