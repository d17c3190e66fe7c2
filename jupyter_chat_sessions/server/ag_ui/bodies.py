"""What AG-UI clients send (AG-UI 1.0, `RunAgentInput`), and how it is sorted into what is new and what was said."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from ...core.errors import Malformed
from ..bodies import Fields, told_on
from ..openai.bodies import MOST_MESSAGES, MOST_TOOLS, Part
from ..openai.given import Given, Sorting

Text = Annotated[str, Field(max_length=20_000_000)]
Id = Annotated[str, Field(min_length=1, max_length=256)]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="ignore", alias_generator=to_camel)


class Function(_Sent):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    arguments: Text = "{}"


class ToolCall(_Sent):
    id: Id
    function: Function


class Message(_Sent):
    id: Id
    role: Literal["developer", "system", "assistant", "user", "tool", "activity", "reasoning"]
    content: Any = None
    tool_calls: list[ToolCall] | None = None
    tool_call_id: Id | None = None
    error: Text | None = None


class Tool(_Sent):
    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
    description: Text = ""
    parameters: Fields | None = None


class Context(_Sent):
    description: Text = ""
    value: Text = ""


class Resume(_Sent):
    interrupt_id: Id
    status: Literal["resolved", "cancelled"]
    payload: Annotated[Any, AfterValidator(told_on)] = None


class RunAgentInput(_Sent):
    """A request: the thread, what was said in it, and what is answered now."""

    thread_id: Id
    run_id: Id
    messages: Annotated[list[Message], Field(max_length=MOST_MESSAGES)]
    tools: Annotated[list[Tool], Field(max_length=MOST_TOOLS)] | None = None
    context: list[Context] | None = None
    forwarded_props: Any = None
    resume: list[Resume] | None = None

    @property
    def model(self) -> str | None:
        """Who is to answer: `forwardedProps.model`."""
        named = self.forwarded_props.get("model") if isinstance(self.forwarded_props, dict) else None
        return named if isinstance(named, str) and named.strip() else None

    @property
    def question_ids(self) -> list[str]:
        """The ids of the messages of users, in their order."""
        return [each.id for each in self.messages if each.role == "user"]


def given_in(body: RunAgentInput) -> Given:
    """What a request says: new words, results of the client's tools, and what was said before."""
    sorting = Sorting()
    for each in body.context or ():
        sorting.instruct(f"{each.description}: {each.value}" if each.description else each.value)
    for message in body.messages:
        if message.role in ("developer", "system"):
            sorting.instruct(_content(message.content))
        elif message.role == "user":
            sorting.ask(_content(message.content))
        elif message.role == "assistant":
            called = [each.function.model_dump() for each in message.tool_calls or ()]
            ids = [each.id for each in message.tool_calls or ()]
            calls = [{"id": id_, "type": "function", "function": each} for id_, each in zip(ids, called, strict=True)]
            sorting.say(_plain(message.content), calls)
        elif message.role == "tool":
            if message.tool_call_id is None:
                raise Malformed("messages: a message of role tool names its toolCallId.")
            sorting.give(message.tool_call_id, message.error or _plain(message.content))
    tools = [
        {"name": each.name, "description": each.description, "parameters": each.parameters or {"type": "object"}}
        for each in body.tools or ()
    ]
    return sorting.given(tools)


def _content(content: Any) -> str | list[Part]:
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise Malformed("messages: a message's content is text or a list of parts.")
    return [_part(each) for each in content]


def _part(part: Any) -> Part:
    """A part as OpenAI's clients would send it: it is kept in the same way."""
    kind = part.get("type") if isinstance(part, dict) else None
    source = part.get("source") if isinstance(part, dict) else None
    if kind == "text" and isinstance(part.get("text"), str):
        return Part.model_validate({"type": "text", "text": part["text"]})
    if kind == "binary" and str(part.get("mimeType", "")).startswith("image/"):  # as it was before 1.0
        has_data = isinstance(part.get("data"), str)
        kind = "image"
        source = {**part, "type": "data" if has_data else "url", "value": part.get("data" if has_data else "url")}
    if kind == "image" and isinstance(source, dict) and isinstance(source.get("value"), str):
        is_url = source.get("type") == "url"
        url = source["value"] if is_url else f"data:{source.get('mimeType', 'image/png')};base64,{source['value']}"
        return Part.model_validate({"type": "image_url", "image_url": {"url": url}})
    raise Malformed(
        f"A message's part is text or an image, not {str(kind)[:40]!r}; put files into the thread's folder:"
        " PUT …/threads/{thread_id}/files/{path}."
    )


def _plain(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(str(each.get("text") or "") for each in content if isinstance(each, dict))
    return content if isinstance(content, str) else ""
