"""The conversation as a model is sent it: AG-UI messages in, chat-completions messages out. Pure.

The rules kept here, whatever a crash, a Stop or another program left on the path:
- one system message, then questions and answers in turn, the first a question, the last a question or a result;
- every tool call is answered exactly once, right after the message that made it, in the order of the calls;
- no message is empty, no call has an id, a name or arguments that a provider refuses;
- an answer that was cut short is not shown as one.
What does not fit the budget is left out by `fitting`, which never parts a call from its result.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ..core.context import context_text
from ..core.transcript import Message, text_of
from .content import Content, joined, user_content
from .fitting import Round, Turn, fit
from .pictures import Pictures

NO_RESULT = "[There is no result: the run ended before this call returned.]"
STOPPED = "[This answer was stopped before it was complete.]"
NO_QUESTION = "[The question to this is not kept.]"
GO_ON = "Go on."
NO_OUTPUT = "[no output]"

_CUT_SHORT = frozenset({"cancelled", "error", "interrupted"})
_CALL_ID = re.compile(r"[A-Za-z0-9_.:-]{1,40}")
_SHORT_CALL_ID = re.compile(r"[A-Za-z0-9]{9}")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one provider wants otherwise than the rest."""

    has_short_call_ids: bool = False
    """Call ids are nine letters or digits."""
    returns_reasoning: bool = False
    """A message with calls must carry the thinking that led to them, as `reasoning_content`."""
    call_extras: Mapping[str, Any] = field(default_factory=dict)
    """Fields every call must have, unless its provider gave it others to send back."""
    carries_state: bool = False
    """A message brings what its provider wants back whole, as `provider_state`; else each call brings its own part."""
    sees_results: bool = True
    """A message with images may follow results."""


def chat_messages(
    messages: Sequence[Message],
    *,
    system: str,
    budget: int,
    dialect: Dialect | None = None,
    has_images: bool = True,
    provider: str = "",
    pictures: Pictures | None = None,
) -> list[dict[str, Any]]:
    """The messages to send. `budget`: tokens they may take, the system message aside; `has_images`: it can see.

    `provider`: whose state goes back with the messages it said; `pictures`: the images that are shown.
    """
    reading = _Reading(dialect or Dialect(), has_images, provider, pictures or {})
    for message in messages:
        reading.meet(message)
    sent = [{"role": "system", "content": "\n\n".join([system, *reading.instructions])}]
    for turn in fit(reading.turns(), budget):
        sent += turn.messages()
    if sent[-1]["role"] not in ("user", "tool"):
        sent.append({"role": "user", "content": GO_ON})
    return sent


class _Reading:
    """Takes the messages of a path one by one and sorts them into turns."""

    def __init__(self, dialect: Dialect, has_images: bool, provider: str, pictures: Pictures) -> None:
        self._dialect = dialect
        self._has_images = has_images
        self._provider = provider
        self._pictures = pictures
        self._turns: list[Turn] = []
        self._open: dict[str, tuple[Round, str]] = {}
        self._sent_ids: set[str] = set()
        self.instructions: list[str] = []

    def meet(self, message: Message) -> None:
        role = message.get("role")
        if role == "user":
            self._ask(self._question(message))
        elif role == "assistant":
            self._answer(message)
        elif role == "tool":
            self._return(message)
        elif role in ("system", "developer") and text_of(message).strip():
            self.instructions.append(text_of(message))

    def turns(self) -> list[Turn]:
        """The turns, each call answered, each turn but the last ended by words."""
        for turn in self._turns:
            for each in turn.rounds:
                each.answer_the_rest(NO_RESULT)
        for turn in self._turns[:-1]:
            if turn.rounds[-1].results:
                turn.rounds.append(Round(_words(STOPPED)))
        return self._turns

    def _question(self, message: Message) -> Content:
        """What a person wrote, what they sent along, and the images among that."""
        asked, sent_along = user_content(message.get("content"), has_images=self._has_images), context_text(message)
        shown = self._pictures.get(str(message.get("id"))) if self._has_images else None
        with_context = joined(asked, sent_along) if sent_along else asked
        return joined(with_context, list(shown)) if shown else with_context

    def _ask(self, content: str | list[dict[str, Any]]) -> None:
        """A question that was never answered is part of the next one: roles must take turns."""
        last = self._turns[-1] if self._turns else None
        if last is not None and not last.rounds:
            last.question = {"role": "user", "content": joined(last.question["content"], content)}
        else:
            self._turns.append(Turn({"role": "user", "content": content}))

    def _answer(self, message: Message) -> None:
        calls = [call for call in message.get("toolCalls") or () if isinstance(call, dict)]
        text = text_of(message)
        if _jupyter(message).get("outcome") in _CUT_SHORT:
            text = "" if calls else STOPPED
        if not (text.strip() or calls):
            return
        if not self._turns:
            self._turns.append(Turn({"role": "user", "content": NO_QUESTION}))
        rounds = self._turns[-1].rounds
        if rounds and not rounds[-1].results:  # words after words: one message
            text = "\n\n".join(filter(None, (rounds.pop().said["content"], text)))
        rounds.append(self._round(text, calls, message))

    def _round(self, text: str, calls: Sequence[Mapping[str, Any]], message: Message) -> Round:
        said: dict[str, Any] = _words(text)
        given_ids = [str(call.get("id") or "") for call in calls]
        ids = [self._call_id(given) for given in given_ids]
        state = self._state(message, len(calls))
        if state and self._dialect.carries_state:
            said["provider_state"] = state
        if calls:
            own: Sequence[Any] = () if self._dialect.carries_state else state.get("calls", ())
            extras = [each or self._dialect.call_extras for each in own] or [self._dialect.call_extras] * len(calls)
            said["content"] = text if text.strip() else None
            said["tool_calls"] = [
                {**self._call(call, call_id), **extra} for call, call_id, extra in zip(calls, ids, extras, strict=True)
            ]
            if self._dialect.returns_reasoning:
                said["reasoning_content"] = str(_jupyter(message).get("reasoning") or "")
        each = Round(said, dict.fromkeys(ids))
        self._open.update({given: (each, call_id) for given, call_id in zip(given_ids, ids, strict=True)})
        return each

    def _call(self, call: Mapping[str, Any], call_id: str) -> dict[str, Any]:
        function = call.get("function")
        function = function if isinstance(function, dict) else {}
        return {
            "id": call_id,
            "type": "function",
            "function": {
                "name": _NOT_IN_NAMES.sub("_", str(function.get("name") or ""))[:64] or "unknown",
                "arguments": _arguments(function.get("arguments")),
            },
        }

    def _state(self, message: Message, calls: int) -> Mapping[str, Any]:
        """What this provider, and no other, wants back with what it said; none for an answer that was cut short."""
        jupyter = _jupyter(message)
        state = jupyter.get("provider_state")
        if not isinstance(state, dict) or state.get("provider") != self._provider or jupyter.get("outcome"):
            return {}
        own = state.get("calls", [])
        return state if isinstance(own, list) and len(own) in (0, calls) else {}

    def _call_id(self, given: str) -> str:
        """Its own id where every provider takes it and no call before had it; else nine letters or digits."""
        pattern = _SHORT_CALL_ID if self._dialect.has_short_call_ids else _CALL_ID
        call_id, again = given, 0
        while not pattern.fullmatch(call_id) or call_id in self._sent_ids:
            digest = hashlib.sha256(f"{given}#{again}".encode("utf-8", "surrogatepass")).digest()
            call_id, again = base64.b32encode(digest).decode()[:9].lower(), again + 1
        self._sent_ids.add(call_id)
        return call_id

    def _return(self, message: Message) -> None:
        """A result belongs to the newest call of its id. One that nothing waits for is dropped."""
        found = self._open.pop(str(message.get("toolCallId") or ""), None)
        if found is None:
            return
        each, call_id = found
        text = next((each for each in (text_of(message), str(message.get("error") or "")) if each.strip()), NO_OUTPUT)
        each.results[call_id] = {"role": "tool", "tool_call_id": call_id, "content": text}
        shown = self._pictures.get(str(message.get("id"))) if self._dialect.sees_results else None
        if shown and self._has_images:
            each.pictures += shown


def _words(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def _jupyter(message: Message) -> Mapping[str, Any]:
    metadata = message.get("metadata")
    jupyter = metadata.get("jupyter") if isinstance(metadata, dict) else None
    return jupyter if isinstance(jupyter, dict) else {}


def _arguments(given: Any) -> str:
    """The arguments as the text of a JSON object: some servers parse what they once wrote, and refuse the rest."""
    text = given if isinstance(given, str) else json.dumps(given or {})
    try:
        if isinstance(json.loads(text, parse_constant=_refuse_constant), dict):
            return text
    except (ValueError, RecursionError):
        pass
    return json.dumps({"unreadable": text[:1000]} if text.strip() else {})


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
