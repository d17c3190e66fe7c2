"""What a request says: new words, results of the client's tools, decisions, and what was said before.

The rule kept here: what is new stands behind the last answer. Everything before it is only for a thread that is empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...core.errors import Malformed
from ...core.events import Earlier
from ...core.ids import new_message_id, new_run_id
from ...core.transcript import Message
from .bodies import ChatCompletion, Content, Item, NewResponse, Part
from .names import parse_call_id

MOST_IMAGES = 8

Words = str | list[Any]


@dataclass(slots=True)
class Turn:
    """What was asked, one message after the other, and what was said to it."""

    asked: list[Words]
    said: list[Message] = field(default_factory=list)

    @property
    def question(self) -> Words | None:
        """All that was asked, as one; `None` where an answer stands alone."""
        return joined(self.asked) if self.asked else None

    def as_earlier(self) -> Earlier:
        """The turn as one that was said elsewhere."""
        question = {"id": new_message_id(), "role": "user", "content": self.question}
        return Earlier(new_run_id(), question, tuple(self.said))


@dataclass(frozen=True, slots=True)
class Given:
    """One request's messages, sorted. `results` are by the call's id as the client was shown it."""

    instructions: str | None
    turns: Sequence[Turn]
    results: Mapping[str, str]
    approvals: Mapping[str, tuple[bool, str]]
    tools: tuple[Mapping[str, Any], ...]

    @property
    def words(self) -> Words | None:
        """What is new to say; `None` where only results or decisions are."""
        last = self.turns[-1] if self.turns else None
        return last.question if last is not None and not last.said else None

    def as_question(self) -> tuple[Words, tuple[Earlier, ...]]:
        """The question to answer in a thread that knows nothing yet, and what was said before and to it."""
        if not self.turns or self.turns[-1].question is None:
            raise Malformed("There is no message of a user to answer.")
        *before, last = self.turns
        earlier = [turn.as_earlier() for turn in before if turn.question is not None and turn.said]
        if last.said:
            earlier.append(Earlier(new_run_id(), None, tuple(last.said)))
        return last.question or "", tuple(earlier)


class Sorting:
    """Takes messages in their order."""

    def __init__(self) -> None:
        self.instructions: list[str] = []
        self.turns: list[Turn] = []
        self.results: dict[str, str] = {}
        self.approvals: dict[str, tuple[bool, str]] = {}

    def instruct(self, content: Content) -> None:
        self.instructions.append(_text(content))

    def ask(self, content: Content) -> None:
        words = _words(content)
        last = self.turns[-1] if self.turns else None
        if last is None or last.said or not last.asked:
            self.turns.append(Turn([words]))
        else:
            last.asked.append(words)

    def say(self, text: str, calls: Sequence[Mapping[str, Any]] = ()) -> None:
        self.results.clear()  # what stands before an answer is not new
        message: dict[str, Any] = {"id": new_message_id(), "role": "assistant", "content": text}
        self._add({**message, "toolCalls": list(calls)} if calls else message)

    def call(self, call_id: str, name: str, arguments: str) -> None:
        """One call; neighbours are calls of one message."""
        call = {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
        said = self.turns[-1].said if self.turns else []
        if said and said[-1]["role"] == "assistant":
            said[-1] = {**said[-1], "toolCalls": [*said[-1].get("toolCalls", ()), call]}
            self.results.clear()
        else:
            self.say("", [call])

    def give(self, call_id: str, text: str) -> None:
        self.results[call_id] = text
        self._add({"id": new_message_id(), "role": "tool", "toolCallId": call_id, "content": text})

    def _add(self, message: Message) -> None:
        if not self.turns:
            self.turns.append(Turn([]))
        self.turns[-1].said.append(message)

    def given(self, tools: Iterable[Mapping[str, Any]]) -> Given:
        instructions = "\n\n".join(each for each in self.instructions if each.strip())
        return Given(instructions or None, self.turns, self.results, self.approvals, tuple(tools))


def of_chat(body: ChatCompletion) -> Given:
    """What a request for a chat completion says."""
    sorting = Sorting()
    for message in body.messages:
        if message.role in ("system", "developer"):
            sorting.instruct(message.content)
        elif message.role == "user":
            sorting.ask(message.content)
        elif message.role == "assistant":
            called = [(each.id, each.function) for each in message.tool_calls or () if each.function is not None]
            calls = [{"id": id_, "type": "function", "function": each.model_dump()} for id_, each in called]
            sorting.say(_text(message.content), calls)
        else:
            if not message.tool_call_id:
                raise Malformed("messages: a message of role tool names its tool_call_id.")
            sorting.give(message.tool_call_id, _text(message.content))
    if body.messages[-1].role == "assistant":
        raise Malformed("messages: the last one is a user's or a tool's, not an assistant's.")
    offered = [each.function for each in body.tools or () if each.type == "function" and each.function]
    tools = [] if body.tool_choice == "none" else [_tool(each.name, each) for each in offered]
    return sorting.given(tools)


def of_response(body: NewResponse) -> Given:
    """What a request for a response says."""
    sorting = Sorting()
    items = [Item(role="user", content=body.input)] if isinstance(body.input, str) else body.input
    if body.instructions:
        sorting.instruct(body.instructions)
    for item in items:
        _take(item, sorting)
    offered = [each for each in body.tools or () if each.type == "function" and isinstance(each.name, str)]
    tools = [] if body.tool_choice == "none" else [_tool(str(each.name), each) for each in offered]
    return sorting.given(tools)


def _take(item: Item, sorting: Sorting) -> None:
    if item.type == "message":
        if item.role in ("system", "developer"):
            sorting.instruct(item.content)
        elif item.role == "assistant":
            sorting.say(_text(item.content))
        else:
            sorting.ask(item.content)
    elif item.type == "function_call" and item.call_id and item.name:
        sorting.call(item.call_id, item.name, item.arguments or "{}")
    elif item.type == "function_call_output":
        if not item.call_id:
            raise Malformed("input: a function_call_output names its call_id.")
        sorting.give(item.call_id, _text(item.output))
    elif item.type == "mcp_approval_response":
        if not item.approval_request_id or item.approve is None:
            raise Malformed("input: an mcp_approval_response has an approval_request_id, and approve true or false.")
        sorting.approvals[item.approval_request_id.removeprefix("mcpr_")] = (item.approve, item.reason or "")


def _tool(name: str, each: Any) -> dict[str, Any]:
    parameters = each.parameters or {"type": "object", "properties": {}}
    return {"name": name, "description": each.description or "", "parameters": parameters}


# --- content ---------------------------------------------------------------------------------------------------------


def _text(content: Content) -> str:
    """The words of a content."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(str((part.model_extra or {}).get("text") or "") for part in content)


def _words(content: Content) -> Words:
    """A person's message as transcripts keep it: words, or parts where there is an image among them."""
    if content is None or isinstance(content, str):
        return content or ""
    parts = [_part(part) for part in content]
    images = sum(part["type"] == "image_url" for part in parts)
    if images > MOST_IMAGES:
        raise Malformed(f"A message has at most {MOST_IMAGES} images, not {images}.")
    return parts if images else "\n".join(part["text"] for part in parts)


def _part(part: Part) -> dict[str, Any]:
    fields = part.model_extra or {}
    if part.type in ("text", "input_text", "output_text") and isinstance(fields.get("text"), str):
        return {"type": "text", "text": fields["text"]}
    if part.type in ("image_url", "input_image"):
        image = fields.get("image_url")
        url = image.get("url") if isinstance(image, dict) else image
        if isinstance(url, str) and url.startswith(("data:image/", "https://", "http://")):
            return {"type": "image_url", "image_url": {"url": url}}
        raise Malformed("An image is given as image_url: a data: or https: address.")
    raise Malformed(
        f"A message's part is text or an image, not {part.type[:40]!r}; put files into the thread's folder:"
        " PUT …/threads/{thread_id}/files/{path}."
    )


def joined(asked: Sequence[Words]) -> Words:
    """Several messages as one."""
    texts = [each for each in asked if isinstance(each, str)]
    if len(texts) == len(asked):
        return "\n\n".join(texts)
    return [part for each in asked for part in _parts(each)]


def _parts(words: Words) -> list[Any]:
    return [{"type": "text", "text": words}] if isinstance(words, str) else words


def threads_named(given: Given) -> list[str]:
    """The threads that the answered calls belong to, by their ids; the first one named first."""
    found = (parse_call_id(each)[0] for each in given.results)
    return list(dict.fromkeys(each for each in found if each is not None))
