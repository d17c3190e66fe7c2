"""What clients send, as pydantic models. Imported at the first request, never at the server's start."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from ..core.errors import Malformed
from ..core.grants import ShareLevel

MOST_CONTENT = 1_000_000
MOST_ITEM = 30_000

Content = Annotated[str, Field(min_length=1, max_length=MOST_CONTENT)]
Id = Annotated[str, Field(max_length=200)]
Place = Annotated[str, Field(max_length=4096)]
Path = Annotated[str, Field(min_length=1, max_length=1024)]
Mode = Literal["queue", "reject", "interrupt"]
Permission = Literal["allow", "ask", "deny"]


def told_on(value: Any) -> Any:
    """What goes into a transcript and to browsers as it came. They know no NaN and no endless number."""
    json.dumps(value, allow_nan=False)
    return value


Fields = Annotated[dict[str, Any], AfterValidator(told_on)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Part(BaseModel):
    """A part of a message: `{"type": "text", "text"}`, or another kind with fields of its own."""

    model_config = ConfigDict(extra="allow")
    type: Annotated[str, Field(min_length=1, max_length=100)]

    @model_validator(mode="after")
    def _can_be_told_on(self) -> Part:
        fields = self.model_extra or {}
        if self.type == "text" and not isinstance(fields.get("text"), str):
            raise ValueError("a part of type text has a text")
        told_on(fields)
        return self


Contents = Content | Annotated[list[Part], Field(min_length=1, max_length=200)]


def plain(content: str | list[Part]) -> str | list[Any]:
    """The content as JSON values."""
    return content if isinstance(content, str) else [part.model_dump(mode="json") for part in content]


class NewThread(Body):
    thread_id: Id | None = None
    notebook: Place | None = None
    folder: Place | None = None
    title: Annotated[str, Field(max_length=500)] | None = None
    current: bool = False


class Rename(Body):
    title: Annotated[str, Field(max_length=500)]


class Head(Body):
    run_id: Id


class ContextItem(BaseModel):
    """What of a notebook is sent along with a message (`core.context`): words, by their kind."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["cell", "selection", "error", "variable", "file"]
    notebook: Place | None = None
    id: Id | None = None
    cell_id: Id | None = None
    kind: Annotated[str, Field(max_length=20)] | None = None
    active: bool | None = None
    source: Annotated[str, Field(max_length=MOST_ITEM)] | None = None
    outputs: Annotated[str, Field(max_length=MOST_ITEM)] | None = None
    text: Annotated[str, Field(max_length=MOST_ITEM)] | None = None
    ename: Annotated[str, Field(max_length=500)] | None = None
    evalue: Annotated[str, Field(max_length=5000)] | None = None
    traceback: Annotated[str, Field(max_length=MOST_ITEM)] | None = None
    name: Annotated[str, Field(max_length=500)] | None = None
    value: Annotated[str, Field(max_length=MOST_ITEM)] | None = None
    path: Place | None = None
    problem: Annotated[str, Field(max_length=5000)] | None = None
    """Why a variable has no value, as the server found when the message was sent."""


Context = Annotated[list[ContextItem], Field(max_length=50)]
ToolNames = Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=200)]
Permissions = Annotated[dict[Annotated[str, Field(max_length=100)], Permission], Field(max_length=200)]


def items(context: list[ContextItem] | None) -> tuple[dict[str, Any], ...]:
    """The items as JSON values."""
    return tuple(each.model_dump(mode="json", exclude_none=True) for each in context or ())


class MessageOptions(Body):
    """What a sender may ask for beside the words."""

    mode: Mode = "queue"
    model: Annotated[str, Field(max_length=200)] | None = None
    parent_run_id: Id | None = None
    instructions: Annotated[str, Field(max_length=MOST_ITEM)] | None = None
    tool_names: ToolNames | None = None
    asks_first: bool = False
    context: Context | None = None
    permissions: Permissions | None = None


class NewMessage(MessageOptions):
    content: Contents
    message_id: Id | None = None
    notebook: Place | None = None
    folder: Place | None = None


class CopyIn(Body):
    """A file below the notebook's folder, to be copied into the thread's folder: under `name`, or its own path."""

    path: Path
    name: Path | None = None
    overwrite: bool = False


class Consent(Body):
    """Whether the thread's tools may read the notebook's folder."""

    notebook_folder: bool


class SaveOut(Body):
    """A file of the thread's, to be copied into the notebook's folder: under `name`, or the next that is free."""

    path: Path
    name: Path | None = None


class Cancel(Body):
    run_id: Id | None = None


class Regenerate(Body):
    message_id: Id
    request_id: Id | None = None


class Answer(Body):
    run_id: Id | None = None
    request_id: Id | None = None
    answers: Annotated[list[Fields], Field(min_length=1, max_length=100)]


class TypedKey(Body):
    key: Annotated[SecretStr, Field(max_length=8192)]


class NewShare(Body):
    rights: ShareLevel = "read"
    expires_in: Annotated[int, Field(ge=60, le=366 * 86_400)] = 7 * 86_400


class Entering(Body):
    token: Annotated[str, Field(max_length=100)] | None = None
    share: Annotated[str, Field(pattern="^[0-9a-f]{16}$")] | None = None


class SendOptions(MessageOptions):
    parent_run_id: Id | None = Field(default=None, alias="parentRunId")  # AG-UI's spelling


class SendFrame(Body):
    kind: Literal["send"]
    id: Id
    content: Contents
    options: SendOptions = Field(default_factory=SendOptions)


class CancelFrame(Body):
    kind: Literal["cancel"]
    id: Id
    runId: Id | None = None  # noqa: N815


class RegenerateFrame(Body):
    kind: Literal["regenerate"]
    id: Id
    messageId: Id  # noqa: N815


class WithdrawFrame(Body):
    kind: Literal["withdraw"]
    id: Id
    messageId: Id  # noqa: N815


class WritingFrame(Body):
    kind: Literal["writing"]
    id: Id


class HeadFrame(Body):
    kind: Literal["head"]
    id: Id
    runId: Id  # noqa: N815


class NotebookFrame(Body):
    """A page's answer to what the server asked of a notebook it has open."""

    kind: Literal["notebook"]
    id: Id
    value: dict[str, Any] | None = None
    error: dict[Literal["code", "message"], Annotated[str, Field(max_length=5000)]] | None = None


class AnswerFrame(Body):
    kind: Literal["answer"]
    id: Id
    runId: Id | None = None  # noqa: N815
    answers: Annotated[list[Fields], Field(min_length=1, max_length=100)]


DecidingFrame = CancelFrame | RegenerateFrame | HeadFrame | WithdrawFrame | AnswerFrame
ClientFrame = SendFrame | DecidingFrame | NotebookFrame | WritingFrame

client_frame: TypeAdapter[ClientFrame] = TypeAdapter(Annotated[ClientFrame, Field(discriminator="kind")])


def misfit(fault: ValidationError, whole: str) -> Malformed:
    """What does not fit, in words: the first place and why. `whole` names the place where it is all of it."""
    first = fault.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or whole
    return Malformed(f"{place}: {first['msg']}.")
