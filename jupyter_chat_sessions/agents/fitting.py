"""Making a conversation fit what a model can read. Tokens are estimated by size: no tokenizer is downloaded.

From the least loss to the greatest, until it fits: old images, old thoughts, long old results, the oldest turns (the
first question stays), long results of this turn, its oldest rounds, the rest of its results, the first question's end.
What is left out leaves a mark. A call and its result go together or stay together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .content import without_images

BYTES_PER_TOKEN = 3.5
IMAGE_TOKENS = 1000
MESSAGE_TOKENS = 4

LEFT_OUT = "[Earlier parts of this conversation are left out here.]"
OLD_IMAGE = "[an image that was shown earlier]"
_SHOWN = ({"type": "text", "text": "[The images among these results. The person did not write this.]"},)

_RECENT_TURNS = 2
_RECENT_IMAGE_TURNS = 3
_RESULT_HEAD = 300
_QUESTION_HEAD = 2000
_STRIDE = 4
"""Turns are dropped four at a time, so that the beginning stays the same for some questions: providers cache it."""


@dataclass(slots=True)
class Round:
    """A message of the model with its calls' results by call id; `None` for a result that is missing still."""

    said: dict[str, Any]
    results: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    pictures: list[dict[str, Any]] = field(default_factory=list)
    """Parts of a message that shows, after the results, the images among them."""

    def answer_the_rest(self, text: str) -> None:
        """Gives calls without a result one that says so."""
        for call_id, result in self.results.items():
            if result is None:
                self.results[call_id] = {"role": "tool", "tool_call_id": call_id, "content": text}

    def messages(self) -> list[dict[str, Any]]:
        shown = [{"role": "user", "content": [*_SHOWN, *self.pictures]}] if self.pictures else []
        return [self.said, *(result for result in self.results.values() if result is not None), *shown]


@dataclass(slots=True)
class Turn:
    """A question and the rounds of its answer."""

    question: dict[str, Any]
    rounds: list[Round] = field(default_factory=list)

    def messages(self) -> list[dict[str, Any]]:
        return [self.question, *(message for each in self.rounds for message in each.messages())]


def tokens_in(text: str) -> int:
    """About how many tokens a text is."""
    return int(len(text.encode("utf-8", "surrogatepass")) / BYTES_PER_TOKEN) + 1


def tokens_of(turns: Sequence[Turn]) -> int:
    """About how many tokens the turns take."""
    return sum(_tokens(message) for turn in turns for message in turn.messages())


def _tokens(message: dict[str, Any]) -> int:
    content = message.get("content")
    count = MESSAGE_TOKENS + tokens_in(message.get("reasoning_content", ""))
    count += sum(tokens_in(str(each.get("content"))) for each in message.get("provider_state", {}).get("thinking", ()))
    if isinstance(content, str):
        count += tokens_in(content)
    elif content:
        count += sum(tokens_in(part["text"]) if part["type"] == "text" else IMAGE_TOKENS for part in content)
    for call in message.get("tool_calls", ()):
        count += MESSAGE_TOKENS + tokens_in(call["function"]["name"]) + tokens_in(call["function"]["arguments"])
    return count


def fit(turns: list[Turn], budget: int) -> list[Turn]:
    """The turns, shortened as little as the budget asks for."""
    for shorten in _STEPS:
        if tokens_of(turns) <= budget:
            break
        turns = shorten(turns, budget)
    return turns


def _without_old_images(turns: list[Turn], budget: int) -> list[Turn]:
    old = len(turns) - _RECENT_IMAGE_TURNS
    return [_blind(turn) if place < old else turn for place, turn in enumerate(turns)]


def _blind(turn: Turn) -> Turn:
    question = {**turn.question, "content": without_images(turn.question["content"], OLD_IMAGE)}
    return Turn(question, [replace(each, pictures=[]) for each in turn.rounds])


def _without_old_thinking(turns: list[Turn], budget: int) -> list[Turn]:
    """Thoughts lead from a call to what comes after it; those of earlier turns have done so."""
    return [*(Turn(turn.question, [_thoughtless(each) for each in turn.rounds]) for turn in turns[:-1]), *turns[-1:]]


def _thoughtless(each: Round) -> Round:
    return replace(each, said={key: value for key, value in each.said.items() if key != "provider_state"})


def _with_short_old_results(turns: list[Turn], budget: int) -> list[Turn]:
    old = len(turns) - _RECENT_TURNS
    return [
        Turn(turn.question, [_short(each) for each in turn.rounds]) if place < old else turn
        for place, turn in enumerate(turns)
    ]


def _short(each: Round, length: int = _RESULT_HEAD) -> Round:
    return replace(
        each,
        pictures=[],
        results={
            call_id: result and {**result, "content": _head(result["content"], length)}
            for call_id, result in each.results.items()
        },
    )


def _head(text: str, length: int) -> str:
    left_out = len(text) - length
    return text if left_out <= length // 4 else f"{text[:length]}\n[{left_out} more characters are left out here.]"


def _without_old_turns(turns: list[Turn], budget: int) -> list[Turn]:
    """The first question, the mark, and as many of the newest turns as fit: always this one."""
    if len(turns) < 2:
        return turns
    first = Turn(turns[0].question, [Round({"role": "assistant", "content": LEFT_OUT})])
    room = budget - tokens_of([first, turns[-1]])
    middle = turns[1:-1]
    sizes = [tokens_of([turn]) for turn in middle]
    dropped = 0
    while dropped < len(middle) and sum(sizes[dropped:]) > room:
        dropped = min(dropped + _STRIDE, len(middle))
    return [first, *middle[dropped:], turns[-1]]


def _with_short_results_now(turns: list[Turn], budget: int) -> list[Turn]:
    *before, now = turns
    return [*before, Turn(now.question, [*map(_short, now.rounds[:-1]), *now.rounds[-1:]])]


def _without_old_rounds(turns: list[Turn], budget: int) -> list[Turn]:
    """Rounds of this turn, the oldest first; the newest stays."""
    *before, now = turns
    sizes = [tokens_of([Turn(_NO_QUESTION, [each])]) for each in now.rounds]
    room = budget - tokens_of([*before, Turn(now.question)])
    dropped = 0
    while dropped < len(sizes) - 1 and sum(sizes[dropped:]) > room:
        dropped += 1
    return [*before, Turn(now.question, _marked(now.rounds[dropped:]) if dropped else now.rounds)]


_NO_QUESTION: dict[str, Any] = {"role": "user", "content": ""}


def _marked(rounds: list[Round]) -> list[Round]:
    """The rounds with the mark before the first one's own words."""
    first, *rest = rounds
    words = "\n\n".join(filter(None, (LEFT_OUT, first.said.get("content"))))
    return [replace(first, said={**first.said, "content": words}), *rest]


def _with_short_last_results(turns: list[Turn], budget: int) -> list[Turn]:
    """The newest results cut to an even share of what is left, down to the length of old ones."""
    *before, now = turns
    if not now.rounds or not now.rounds[-1].results:
        return turns
    last = now.rounds[-1]
    room = budget - tokens_of([*before, Turn(now.question, [*now.rounds[:-1], _short(last, 0)])])
    share = int(room * BYTES_PER_TOKEN / len(last.results) / 1.2)
    return [*before, Turn(now.question, [*now.rounds[:-1], _short(last, max(share, _RESULT_HEAD))])]


def _with_short_first_question(turns: list[Turn], budget: int) -> list[Turn]:
    if len(turns) < 2:
        return turns
    first, *rest = turns
    content = without_images(first.question["content"], OLD_IMAGE)
    short = {**first.question, "content": _head(str(content), _QUESTION_HEAD)}
    return [Turn(short, first.rounds), *rest]


_STEPS: tuple[Callable[[list[Turn], int], list[Turn]], ...] = (
    _without_old_images,
    _without_old_thinking,
    _with_short_old_results,
    _without_old_turns,
    _with_short_results_now,
    _without_old_rounds,
    _with_short_last_results,
    _with_short_first_question,
)
