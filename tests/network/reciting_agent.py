"""An agent whose words are known beforehand: `recite 300` says 300 numbered pieces, one every 10 ms."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from jupyter_chat_sessions.core.roles import AgentEvent, Author, Done, Request, TextDelta
from jupyter_chat_sessions.core.transcript import text_of

EVERY_S = 0.01


def recited(count: int) -> list[str]:
    """Pieces that are told apart, some of more bytes than letters."""
    return [f"{number}é🙂." for number in range(count)]


class Reciting:
    """`recite N`, or else what was asked, said back in pieces of words; `recite N silence` is silent before it ends."""

    id = "reciting"
    label = "Reciting"
    author: Author = "model"

    async def answer(self, request: Request) -> AsyncGenerator[AgentEvent, None]:
        words = text_of(request.messages[-1]).split()
        if words[:1] == ["recite"] and len(words) > 1 and words[1].isdigit():
            for piece in recited(int(words[1])):
                yield TextDelta(piece)
                await asyncio.sleep(EVERY_S)
            if len(words) > 2:
                await asyncio.sleep(float(words[2]))
        else:
            for word in words:
                yield TextDelta(f"{word} ")
        yield Done()
