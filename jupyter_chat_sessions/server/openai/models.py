"""Who can be asked, as OpenAI lists models: `default` is whoever answers in the chat where nobody is named."""

from __future__ import annotations

import time
from typing import Any

from ...chats.answering import Answering
from ...core.errors import AgentFailed, Malformed, NotFound
from ...core.ids import Subject
from .names import DEFAULT_MODEL

_SINCE = int(time.time())


MOST_NAMED = 20


class ModelNotFound(NotFound):
    code = "model_not_found"


class UnknownModel(Malformed):
    code = "model_not_found"


def model_record(name: str) -> dict[str, Any]:
    """One model."""
    return {"id": name, "object": "model", "created": _SINCE, "owned_by": "jupyter_chat_sessions"}


def model_names(answering: Answering, subject: Subject) -> list[str]:
    """The models that can be named, the default first."""
    return list(dict.fromkeys([DEFAULT_MODEL, *(offer.id for offer in answering.offered(subject))]))


def found_model(answering: Answering, subject: Subject, name: str) -> dict[str, Any]:
    """The model of that name, listed or not."""
    try:
        if name not in model_names(answering, subject):
            answering.named(name, subject)
    except (NotFound, AgentFailed) as unknown:
        raise ModelNotFound(_told(answering, subject, name, unknown.message)) from None
    return model_record(name)


def chosen_model(answering: Answering, subject: Subject, given: str | None) -> str | None:
    """The model a request names; `None` for the server's choice."""
    name = (given or "").strip()
    if name in ("", DEFAULT_MODEL):
        return None
    try:
        answering.named(name, subject)
    except (NotFound, AgentFailed) as unknown:
        raise UnknownModel(_told(answering, subject, name, unknown.message)) from None
    return name


def _told(answering: Answering, subject: Subject, name: str, why: str) -> str:
    """What there is, for who named what there is not."""
    names = model_names(answering, subject)
    more = f", and {len(names) - MOST_NAMED} more (GET /v1/models)" if len(names) > MOST_NAMED else ""
    shown = ", ".join(names[:MOST_NAMED])
    return f"There is no model {name[:80]!r} here: {why.rstrip('.')}. There are: {shown}{more}."
