"""What clients of these doors send, as pydantic models. What is not known here is passed over: clients send much."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..bodies import Fields

MOST_MESSAGES = 2000
MOST_TOOLS = 128

Text = Annotated[str, Field(max_length=20_000_000)]
Name = Annotated[str, Field(max_length=200)]
Id = Annotated[str, Field(max_length=500)]


class Given(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Part(BaseModel):
    """A part of a message's content."""

    model_config = ConfigDict(extra="allow")
    type: Name


Content = Text | list[Part] | None


class Function(Given):
    name: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.-]+$")]
    description: Text | None = None
    parameters: Fields | None = None


class CalledFunction(Given):
    name: Name
    arguments: Text = "{}"


class CalledTool(Given):
    id: Id
    function: CalledFunction | None = None


class ChatMessage(Given):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Content = None
    tool_calls: list[CalledTool] | None = None
    tool_call_id: Id | None = None


class ChatTool(Given):
    type: Name = "function"
    function: Function | None = None


class StreamOptions(Given):
    include_usage: bool = False


class ChatCompletion(Given):
    """The body of `POST /chat/completions`."""

    messages: Annotated[list[ChatMessage], Field(min_length=1, max_length=MOST_MESSAGES)]
    model: Name | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    n: int | None = 1
    tools: Annotated[list[ChatTool], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: Any = None


class ResponseTool(Given):
    type: Name
    name: Any = None
    description: Text | None = None
    parameters: Fields | None = None


class ConversationNamed(Given):
    id: Id


class Item(BaseModel):
    """An item of a response's input; which fields it has depends on its type."""

    model_config = ConfigDict(extra="ignore")
    type: Name = "message"
    role: Literal["system", "developer", "user", "assistant"] | None = None
    content: Content = None
    call_id: Id | None = None
    name: Name | None = None
    arguments: Text | None = None
    output: Content = None
    approval_request_id: Id | None = None
    approve: bool | None = None
    reason: Text | None = None


class NewResponse(Given):
    """The body of `POST /responses`."""

    input: Text | Annotated[list[Item], Field(max_length=MOST_MESSAGES)] = ""
    model: Name | None = None
    instructions: Text | None = None
    stream: bool | None = False
    background: bool | None = False
    conversation: Id | ConversationNamed | None = None
    previous_response_id: Id | None = None
    tools: Annotated[list[ResponseTool], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: Any = None
    metadata: dict[str, str] | None = None


class NewConversation(Given):
    """The body of `POST /conversations`."""

    metadata: dict[str, str] | None = None
    items: list[Any] | None = None
