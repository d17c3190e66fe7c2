"""`/model`: says what answers, or chooses who does from then on. It is met before any agent, whoever that is.

The command itself is the memory: on the path of a conversation, the newest `/model <id>` holds for what comes after it,
so that it survives a restart and belongs to its branch.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence

from ..core.errors import ChatError
from ..core.roles import Agent, AgentEvent, Author, Done, Request, TextDelta
from ..core.transcript import Message, text_of
from .choose import DIRECT, Choice
from .offers import Offer

DEFAULT = "default"
USAGE = "/model [provider:model]"
HELP = "says what answers here, or chooses it"
_COMMAND = re.compile(r"\s*/model(?:\s+(?P<name>\S+))?\s*")
_MOST_LISTED = 20
_TO_CONNECT = (
    "To connect a model: set a provider's key before the server starts, such as `OPENAI_API_KEY`, or run Ollama or "
    "another model server on this computer. In JupyterLab a click on what stands below the composer takes a key, too."
)


def command_in(messages: Sequence[Message]) -> re.Match[str] | None:
    """The command that the newest message is, if it is one."""
    return _match(messages[-1]) if messages else None


def models_on(messages: Sequence[Message]) -> Iterator[str]:
    """The models that commands on the path chose, the newest first, back to where the choice was taken back."""
    for message in reversed(messages):
        found = _match(message)
        if found is not None and found["name"]:
            if found["name"] == DEFAULT:
                return
            yield found["name"]


def _match(message: Message) -> re.Match[str] | None:
    return _COMMAND.fullmatch(text_of(message)) if message.get("role") == "user" else None


class ModelCommand:
    """Answers one `/model`. `made` makes the agent of an id or raises; `chosen` says who answers to an id or `None`."""

    id = "direct"
    label = "The chat itself"
    author: Author = "person"

    def __init__(
        self,
        asked: str | None,
        before: str | None,
        made: Callable[[str | None], Agent],
        chosen: Callable[[str | None], Choice],
        offered: Sequence[Offer],
    ) -> None:
        self._asked, self._before, self._made, self._chosen, self._offered = asked, before, made, chosen, offered

    async def answer(self, request: Request) -> AsyncGenerator[AgentEvent, None]:
        """Says who answers now."""
        yield TextDelta(self._words() if self._asked else self._now())
        yield Done()

    def _words(self) -> str:
        wanted = None if self._asked == DEFAULT else self._asked
        try:
            agent = self._made(wanted)
        except ChatError as refused:
            return f"{refused.message}\n\n{self._now()}"
        return f"From now on **{agent.label}** answers here (`{self._chosen(wanted).id}`)."

    def _now(self) -> str:
        choice = self._chosen(self._before)
        listed = [f"- `{each.id}` {each.label}{_mark(each)}" for each in self._offered[:_MOST_LISTED]]
        return "\n".join(
            (
                f"**{choice.label}** answers here (`{choice.id}`). What is there:",
                "",
                *listed,
                "",
                "`/model provider:model` chooses one for this chat, `/model default` goes back.",
                *(["", _TO_CONNECT] if choice.id == DIRECT else []),
            )
        )


def _mark(offer: Offer) -> str:
    return "" if offer.is_trusted else " (on a port of this computer that may be another user's)"
